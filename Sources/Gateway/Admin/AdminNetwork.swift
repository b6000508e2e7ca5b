import Accounts
import Catalog
import Hummingbird
import Identity
import Moderation
import Operations
import WaggleProtocol

/// Peers and mirrors.
struct AdminNetwork: Sendable {
    let desk: AdminDesk

    func register(in routes: inout RouteTable) {
        desk.get(.peers, in: &routes, peers)
        desk.post(.peers, in: &routes, changePeers, peers)
        desk.get(.mirrors, in: &routes, mirrors)
        desk.post(.mirrors, in: &routes, changeMirrors, mirrors)
    }

    // MARK: Peers

    private static func form(
        _ what: String, _ submit: String, _ node: String, _ name: String, fields: [DeskField] = []
    ) -> DeskForm {
        DeskForm(
            action: "/admin/peers", submit: submit, hidden: [("what", what), ("node", node)], fields: fields,
            label: "\(submit) \(name)")
    }

    @Sendable private func peers(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let all = try await ListPeers(all: true).perform(in: visit.context)
        func name(_ peer: PeerReport) -> String {
            peer.name.isEmpty ? peer.url.isEmpty ? String(peer.node.prefix(12)) : peer.url : peer.name
        }
        func block(_ peer: PeerReport) -> DeskForm {
            Self.form(
                "block", say("block"), peer.node, name(peer),
                fields: [
                    DeskField(
                        "reason", say("why-is-blocked", "\(name(peer))"), maxLength: Limits.Administration.reasonBytes)
                ])
        }
        var added = DeskSection("peers", say("peers"))
        added.sectionLead = say("nodes-that-this-one-follows")
        added.columns = [say("node-2"), say("address"), say("how-it-stands"), say("posts-in-out"), ""]
        added.rows = all.filter { $0.standing == "peer" }.map { peer -> DeskRow in
            let isWell = peer.lastError.isEmpty
            let state = isWell ? Self.heard(peer) : Wording.beginning(peer.lastError, characters: 200)
            return DeskRow(
                cells: [
                    .init(name(peer)), .init(peer.url), .init(state, isBad: !isWell),
                    .init("\(peer.postsIn), \(peer.postsOut)"),
                ], forms: [Self.form("remove", say("remove"), "\(peer.n)", name(peer)), block(peer)], folded: name(peer)
            )
        }
        added.empty =
            say("there-is-none-yet-add-the")
        added.forms = [
            DeskForm(
                action: "/admin/peers", submit: say("add"), hidden: [("what", "add")],
                fields: [
                    DeskField(
                        "url", say("address-of-a-node"), value: visit.form["url"] ?? "", hint: "https://models.example",
                        isRequired: true, maxLength: 512)
                ], label: say("add-a-peer"), isQuiet: false)
        ]
        var waiting = DeskSection("callers", say("nodes-that-call"))
        let policy = visit.context.settings.first { $0.key == "federation.policy" }?.value
        waiting.sectionLead = say("the-policy-is", "\(policy ?? "open")")
        waiting.columns = [say("node-2"), say("how-it-stands"), say("since-2"), ""]
        waiting.rows = all.filter { $0.standing == "waiting" || $0.standing == "caller" }.map { peer -> DeskRow in
            let isWaiting = peer.standing == "waiting"
            var forms = [block(peer)]
            if isWaiting { forms.insert(Self.form("approve", say("approve"), peer.node, name(peer)), at: 0) }
            return DeskRow(
                cells: [
                    .init(name(peer)), .init(isWaiting ? say("waits-for-you") : say("exchanges-with-this-node")),
                    .init(Dates.day(peer.since)),
                ], forms: forms)
        }
        waiting.empty = say("no-other-node-calls-here")
        var found = DeskSection("found", say("found-by-this-node"))
        found.sectionLead =
            say("nodes-that-peers-told-of-and")
        found.columns = [say("node-2"), say("address"), say("how-it-stands"), say("posts-in-out"), ""]
        found.rows = all.filter { $0.standing == "found" || $0.standing == "ignored" }.map { peer -> DeskRow in
            let isIgnored = peer.standing == "ignored"
            return DeskRow(
                cells: [
                    .init(name(peer)), .init(peer.url),
                    .init(isIgnored ? say("kept-away-for-a-while") : Self.heard(peer), isBad: isIgnored),
                    .init("\(peer.postsIn), \(peer.postsOut)"),
                ], forms: [block(peer)], folded: name(peer))
        }
        found.empty = say("none-yet")
        var blocked = DeskSection("blocked", say("blocked"))
        blocked.columns = [say("node-2"), say("why"), say("since-2"), ""]
        blocked.rows = all.filter { $0.standing == "blocked" }.map { peer -> DeskRow in
            DeskRow(
                cells: [.init(name(peer)), .init(peer.reason), .init(Dates.day(peer.since))],
                forms: [Self.form("unblock", say("unblock"), peer.node, name(peer))])
        }
        blocked.empty = say("none-is")
        return DeskPage(say("peers"), sections: [added, waiting, found, blocked, try await follows(visit)])
    }

    private static func heard(_ peer: PeerReport) -> String {
        guard peer.lastContact > 0 else { return say("not-reached-yet") }
        return peer.lag.map { say("connected-heard-of-ago", "\(DoctorWords.span($0))") }
            ?? say("heard-of-on", "\(Dates.day(peer.lastContact))")
    }

    /// Whom people here follow: what of theirs comes by has room here.
    private func follows(_ visit: AdminDesk.Visit) async throws -> DeskSection {
        var section = DeskSection("follows", say("followed-from-here"))
        section.sectionLead = say("authors-whom-people-at-home-here")
        section.columns = [say("who"), say("at-home-on-2"), say("followers-here")]
        let followed = try await visit.context.catalog.followedFromHere(
            limit: Limits.Administration.page, desk.services.moderation.filter(for: visit.account.viewer))
        section.rows = followed.map { line, followers -> DeskRow in
            let who = line.creator
            return DeskRow(cells: [
                .init(
                    who?.name ?? String(AuthorID.text(line.author).prefix(16)),
                    href: who.map { PageAddress.creator($0) }),
                .init(who.map { $0.isFromHere ? say("this-node") : $0.home } ?? say("not-known-yet")),
                .init(Wording.count(followers)),
            ])
        }
        section.empty = say("nobody-here-follows-anybody-yet")
        return section
    }

    @Sendable private func changePeers(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let context = visit.context
        switch try visit.needed("what") {
        case "add": _ = try await AddPeer(url: try visit.needed("url")).perform(in: context)
        case "remove": _ = try await RemovePeer(peer: try visit.needed("node")).perform(in: context)
        case "approve": _ = try await ApprovePeer(node: try visit.needed("node")).perform(in: context)
        case "block":
            _ = try await BlockPeer(node: try visit.needed("node"), reason: visit.form["reason"] ?? "")
                .perform(in: context)
        case "unblock": _ = try await UnblockPeer(node: try visit.needed("node")).perform(in: context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    // MARK: Mirrors

    @Sendable private func mirrors(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        var rules = DeskSection("rules", say("rules"))
        rules.sectionLead =
            say("what-this-node-keeps-copies-of")
        rules.columns = [say("rule"), say("what"), say("how-it-stands"), say("here-wanted"), ""]
        rules.rows = try await ShowMirrors().perform(in: visit.context).map { status -> DeskRow in
            let rule = status.rule
            let words: [String] = [rule.types, rule.bases, rule.tags, rule.creators].flatMap { $0 }
            let what = words.isEmpty ? say("everything-up-to", "\(rule.maxLevel)") : words.joined(separator: ", ")
            let trouble = status.lastError.isEmpty ? status.reason : status.lastError
            func form(_ what: String, _ submit: String) -> DeskForm {
                DeskForm(
                    action: "/admin/mirrors", submit: submit, hidden: [("what", what), ("rule", "\(rule.n)")],
                    label: say("rule-3", "\(submit)", "\(rule.n)"))
            }
            let state = trouble.isEmpty ? status.activity : "\(status.activity): \(trouble)"
            let turn = rule.isPaused ? form("resume", say("resume")) : form("pause", say("pause"))
            let bytes = "\(Wording.size(status.present.bytes)), \(Wording.size(status.wanted.bytes))"
            return DeskRow(
                cells: [
                    .init("\(rule.n)"), .init(what), .init(state, isBad: status.activity == "full"), .init(bytes),
                ], forms: [turn, form("remove", say("remove"))])
        }
        rules.empty = say("there-is-none-this-node-keeps")
        var new = DeskSection("new", say("a-new-rule"))
        new.forms = [
            DeskForm(
                action: "/admin/mirrors", submit: say("add-the-rule"), hidden: [("what", "add")],
                fields: [
                    DeskField(
                        "types", say("types"), value: visit.form["types"] ?? "",
                        hint: say("lora-checkpoint-nothing-for-all")),
                    DeskField(
                        "bases", say("base-models"), value: visit.form["bases"] ?? "",
                        hint: say("sdxl-1-0-nothing-for-all")),
                    DeskField("tags", say("tags"), value: visit.form["tags"] ?? "", hint: say("nothing-for-all")),
                    DeskField(
                        "budget", say("room-for-it"), value: visit.form["budget"] ?? "",
                        hint: say("100gb-nothing-for-no-limit-of"),
                        maxLength: 40),
                ], isQuiet: false)
        ]
        return DeskPage(say("mirrors"), sections: [rules, new])
    }

    @Sendable private func changeMirrors(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let context = visit.context
        switch try visit.needed("what") {
        case "add":
            let size = visit.form["budget"]
            guard let budget = size.map({ ByteSize($0)?.bytes }) ?? .some(0) else {
                throw OperationError(.usage, "room is a size such as 100GB, or nothing for no limit")
            }
            _ = try await AddMirror(
                from: nil, types: visit.form.list("types"), bases: visit.form.list("bases"),
                tags: visit.form.list("tags"), maxLevel: nil, budget: budget
            ).perform(in: context)
        case "pause", "resume":
            _ = try await PauseMirrors(n: try visit.number("rule"), isPaused: visit.form["what"] == "pause")
                .perform(in: context)
        case "remove": _ = try await RemoveMirror(n: try visit.number("rule")).perform(in: context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }
}
