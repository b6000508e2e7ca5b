import Accounts
import Digests
import Foundation
import HTTPTypes
import Identity
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway
@testable import Ledger

@Suite("Pages of wardens")
struct WardenPageTests {
    /// A node that decides in a currency: its wardens are two people at home here and the node itself; two of them take back.
    private func world() async throws -> (node: TestNode, charter: Charter, thief: Person, owner: Person) {
        let node = try await TestNode.make()
        let (ada, wim) = (try await node.person("ada", seed: 51), try await node.person("wim", seed: 52))
        let (thief, owner) = (try await node.person("thief", seed: 53), try await node.person("owner", seed: 54))
        var rules = CharterDraft(name: "Honey", symbol: "HNY")
        rules.wardens = CharterDraft.Wardens(
            [ada, wim].map { $0.device.publicKey.hex }, areOperators: true, threshold: 2, hasClawback: true,
            maxFreezeEpochs: 3)
        let currencies = node.services.context().currencies
        let charter = try await currencies.found(rules, url: "https://hive.example")
        _ = try await currencies.grant(
            [Output(account: thief.device.publicKey, amount: 100)], reference: nil, in: charter.currency)
        return (node, charter, thief, owner)
    }

    /// The text of the document that a page shows.
    private func document(_ page: Answer) throws -> String {
        let field = try #require(page.text.range(of: "name=\"document\""))
        let rest = page.text[field.upperBound...]
        let open = try #require(rest.firstIndex(of: ">"))
        let close = try #require(rest.range(of: "</textarea>"))
        return String(rest[rest.index(after: open)..<close.lowerBound]).replacing("&quot;", with: "\"").replacing(
            "&#39;", with: "'")
    }

    @Test("a warden freezes an account with a form; everybody sees who is frozen, and two wardens take back")
    func takesBack() async throws {
        let (node, charter, thief, owner) = try await world()
        let (thiefs, owners) = (thief.device.publicKey.hex, owner.device.publicKey.hex)
        let path = "/buzz/\(charter.currency.hex)/wardens"
        try await node.test { client in
            let (ada, wim) = (try await node.member("ada", client), try await node.member("wim", client))
            let currency = try await client(.get, "/buzz/HNY")
            #expect(currency.text.contains(path))
            let empty = try await ada.get(path)
            #expect(HTMLLint.problems(empty.text) == [] && empty.text.contains("No account is frozen"))
            // Not without a number, and not for longer than the charter says: what was typed stays.
            for epochs in ["", "4"] {
                let refused = try await ada.fill(
                    path, path + "/freeze", ["account": thiefs, "epochs": epochs, "about": ""])
                #expect(refused.status.code >= 400 && refused.text.contains(thiefs), "\(epochs)")
            }
            let frozen = try await ada.fill(
                path, path + "/freeze", ["account": thiefs, "epochs": "2", "about": ""])
            #expect(frozen.status == .seeOther && frozen.location == path, "\(frozen.text)")
            let shown = try await client(.get, path)
            #expect(HTMLLint.problems(shown.text) == [] && shown.action(path) == nil, "a visitor gets no forms")
            #expect(shown.text.contains("has 100 HNY") && shown.text.contains("\(thiefs.prefix(16))…"))

            let draft = try await ada.fill(
                path, path + "/draft",
                ["account": thiefs, "amount": "60", "to": owners, "about": ""])
            #expect(draft.status == .ok && draft.text.contains("1 of 2 that have to sign"), "\(draft.text)")
            #expect(HTMLLint.problems(draft.text) == [])
            let text = try document(draft)
            let early = try await ada.fill(path, path + "/document", ["document": text, "act": "send"])
            #expect(early.status.code >= 400)
            let signed = try await wim.fill(path, path + "/document", ["document": text, "act": "sign"])
            #expect(signed.text.contains("2 of 2 that have to sign"), "\(signed.text)")
            let sent = try await wim.fill(
                path, path + "/document", ["document": try document(signed), "act": "send"])
            #expect(sent.status == .seeOther && sent.location.contains("/finals/"), "\(sent.text)")
            let after = try await client(.get, path)
            #expect(after.text.contains("has 40 HNY") && after.text.contains("Wardens took 60 HNY"))
            #expect(HTMLLint.problems(after.text) == [])
        }
        let standing = try await node.services.context().currencies.standing(
            owner.device.publicKey, in: charter.currency)
        #expect(standing.balance == 60)
    }

    @Test("whoever is no warden gets no forms and freezes nobody, though the node itself is one; an admin acts for it")
    func others() async throws {
        let (node, charter, thief, owner) = try await world()
        _ = try await node.person("boss", seed: 55, role: .admin)
        let path = "/buzz/\(charter.currency.hex)/wardens"
        let fields: KeyValuePairs = ["account": owner.device.publicKey.hex, "epochs": "1", "about": ""]
        try await node.test { client in
            let (member, boss) = (try await node.member("thief", client), try await node.member("boss", client))
            #expect(try await member.get(path).action(path + "/freeze") == nil)
            let action = PageAddress.adding(
                FormToken.parameter, FormToken.make(session: member.session), to: path + "/freeze")
            #expect(try await member.post(action, fields).status.code >= 400)
            // Nor without the form's own token.
            #expect(try await boss.post(path + "/freeze", fields).status.code >= 400)
            let shown = try await client(.get, path)
            #expect(shown.text.contains("No account is frozen"))
            // A member who is a warden signs with their own key alone.
            _ = try await boss.fill(
                path, path + "/freeze", ["account": thief.device.publicKey.hex, "epochs": "1", "about": ""])
            let ada = try await node.member("ada", client)
            let draft = try await ada.fill(
                path, path + "/draft",
                [
                    "account": thief.device.publicKey.hex, "amount": "1", "to": owner.device.publicKey.hex,
                    "about": "",
                ])
            #expect(draft.text.contains("1 of 2 that have to sign"), "\(draft.text)")
        }
    }
}
