import Digests
import Federation
import FoundationEssentials
import Identity
import Ledger
import PostLog
import WaggleProtocol

/// What operations on currencies have in common: which currency, whose account, how it is trusted.
struct BuzzDesk {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    var currencies: Currencies { context.currencies }

    /// Runs something of the ledger, with its errors in words.
    func asking<Value>(_ body: () async throws(LedgerError) -> Value) async throws(OperationError) -> Value {
        do throws(LedgerError) {
            return try await body()
        } catch {
            throw OperationError(error)
        }
    }

    /// A currency by its id, the beginning of it, or its symbol; the only one where nothing is named.
    func view(_ name: String?) async throws(OperationError) -> CurrencyView {
        let all = try await asking { () throws(LedgerError) in try await currencies.all() }
        guard let name, !name.isEmpty else {
            guard let only = all.first else {
                throw OperationError(
                    .notFound,
                    "no currency is known here; `waggle buzz join URL` joins that of another node, `waggle buzz found` "
                        + "founds one")
            }
            guard all.count == 1 else {
                throw OperationError(
                    .usage,
                    "there are several currencies: say --currency \(all.map(\.charter.symbol).joined(separator: " or "))"
                )
            }
            return only
        }
        let lowered = name.lowercased()
        let found = all.filter {
            $0.charter.symbol == name || (lowered.utf8.count >= 8 && $0.charter.currency.hex.hasPrefix(lowered))
        }
        guard found.count == 1 else {
            throw OperationError(
                found.isEmpty ? .notFound : .usage,
                found.isEmpty
                    ? "no currency \"\(name)\" is known here; `waggle buzz ls` lists them"
                    : "several currencies are called \(name); name one by the beginning of its id")
        }
        return found[0]
    }

    // MARK: Accounts

    /// The account of an author in every currency.
    ///
    /// - Throws: `notFound` when no key document of theirs is here, or none lists a device for the ledger.
    func account(of author: Hash32) async throws(OperationError) -> AccountID {
        let chain: KeyChain?
        do {
            chain = try await context.log.keyChain(of: author)
        } catch {
            throw OperationError(error)
        }
        guard let account = chain?.ledgerAccount else {
            throw OperationError(
                .notFound,
                "\(AuthorID.text(author)) has no account: no key document of theirs here lists a key for Buzz")
        }
        return account
    }

    /// The signer of an account of this home and its account in currencies.
    func signer(_ name: String) async throws(OperationError) -> (signer: Signer, account: AccountID) {
        let signer = try context.keyring.account(name)
        return (signer, try await account(of: signer.author))
    }

    /// An account as typed: a person, or 64 hexadecimal digits.
    func account(typed text: String) async throws(OperationError) -> AccountID {
        if let id = Hash32(hex: text) { return id }
        return try await account(of: try await SubjectResolver(context).author(text))
    }

    /// Whether an author takes a currency.
    func accepts(_ author: Hash32, _ currency: Hash32) async throws(OperationError) -> Bool {
        do {
            let profile = try await context.log.post(author: author, kind: .profile, slot: "")?.post.profile
            return profile?.currencies.contains(currency.hex) ?? false
        } catch {
            throw OperationError(error)
        }
    }

    // MARK: Trust

    /// Nodes known here that signed the newest checkpoints within a week. Keys that nobody knows count for nothing: anybody
    /// can make them.
    func witnesses(_ view: CurrencyView) async -> Int {
        let since = context.now() - min(context.now(), 7 * 86400)
        let recent = view.witnesses.filter { $0.value >= since }
        guard !recent.isEmpty else { return 0 }
        var nodes = ((try? await context.federation.peers.peers()) ?? []).map(\.node)
        nodes.append(context.keyring.node.author)
        var count = 0
        for node in nodes {
            guard let devices = try? await context.log.keyChain(of: node)?.devices else { continue }
            // An operator who witnesses itself adds nothing.
            if node == context.keyring.node.author, view.role == .authority { continue }
            if devices.contains(where: { $0.value.scopes.contains(.node) && recent[$0.key] != nil }) { count += 1 }
        }
        return count
    }

    func report(_ view: CurrencyView) async -> CurrencyReport {
        CurrencyReport(view, witnesses: await witnesses(view))
    }

    func trust(_ view: CurrencyView) async -> String {
        CurrencyReport.trust(view.charter, witnesses: await witnesses(view))
    }
}
