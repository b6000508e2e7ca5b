public import Digests
public import FoundationEssentials
public import Identity
import WaggleProtocol

/// Currencies of several authorities.
extension Currencies {
    /// Says where keys of accounts and of resolvers are found: to bring an order to its end whose answer was lost.
    public func use(keys: @escaping @Sendable (_ publicKey: Hash32) -> SigningKey?) {
        findKey = keys
    }

    /// The key that can unlock the slot of an order, if it is here.
    func keys(_ order: Order) async -> SigningKey? {
        guard let ledger = state(order.currency)?.ledger else { return nil }
        let wanted: Hash32? =
            switch order.slot {
            case .account(let id, _): ledger.account(id).key
            case .hold(let name): ledger.holds[name]?.resolver
            }
        guard let wanted else { return nil }
        return ownKey?.publicKey == wanted ? ownKey : findKey(wanted)
    }

    /// Reads what is new in the logs of the others.
    func follow(_ quorum: QuorumService) async throws(LedgerError) -> UInt64 {
        if let reason = stopped[quorum.charter.currency] { throw .stopped(reason) }
        let count = try await quorum.follow()
        let currency = quorum.charter.currency
        // Once in a while on the disk: it is for people to look at.
        if followed[currency].map({ $0 + UInt64(Limits.Ledger.followSeconds) <= now() }) ?? true {
            try await store.noteAnswer(of: currency, at: now())
            followed[currency] = now()
        }
        return count
    }

    /// How an account stands for whoever gives an order of it: what is known here will do while the logs are read all the
    /// time. Where another device was faster the authorities say so.
    func standingForOrder(_ account: AccountID, in currency: Hash32) async throws(LedgerError) -> AccountStanding {
        guard let quorum = quorums[currency], stopped[currency] == nil, let last = followed[currency],
            last + UInt64(2 * Limits.Ledger.followSeconds) > now()
        else { return try await standing(account, in: currency) }
        return AccountStanding(quorum.state().ledger.account(account), epoch: quorum.charter.epoch(at: now()))
    }

    /// The newest checkpoint of each authority whose log is read here.
    public func readCheckpoints(_ currency: Hash32) async throws(LedgerError) -> [String] {
        guard let quorum = quorums[currency] else { throw .unknownCurrency(currency.hex) }
        return await quorum.notes()
    }

    /// Asks one of the others, by chance, what it was shown of the logs: an authority that shows each reader another log has
    /// signed both.
    public func compareCheckpoints(_ currency: Hash32) async throws(LedgerError) {
        guard let quorum = quorums[currency], stopped[currency] == nil else { return }
        try await quorum.compareWithOther()
        try await judge(currency)
    }

    /// Brings an order to its end: what a wallet does, without a leader.
    func drive(
        _ signed: SignedOrder, _ quorum: QuorumService, unlock right: SlotDriver.UnlockRight
    ) async throws(LedgerError) -> Final {
        let (order, charter) = (signed.order, quorum.charter)
        var right = right
        if case .hold(let name) = order.slot, let hold = quorum.state().ledger.holds[name],
            hold.isExpired(at: charter.epoch(at: now()), charter)
        {
            right = .anybody
        }
        switch try await quorum.drive(signed, unlock: right) {
        case .final(let final)?:
            try await store.settle(order, final)
            guard final.value == order.id else {
                throw .refused(.slotUsed, Self.words(order, instead: final.order.order))
            }
            return final
        case .refused(let refusal)?:
            try await store.settle(order, nil)
            throw .refused(refusal.code, refusal.words(charter, order))
        case nil:
            throw .unreachable(
                url: await quorum.silentURL,
                reason: order.operation.isClawback
                    ? "the operators of \(charter.symbol) have not agreed yet, or too few answer: "
                        + "`waggle buzz clawback send` goes on with the same file"
                    : "fewer than \(charter.quorum) of \(charter.authorities.count) operators of \(charter.symbol) answer; "
                        + "once they do, the order is carried out or given up: `waggle buzz history` tells")
        }
    }

    /// What became of an order whose place another one took.
    private static func words(_ order: Order, instead other: Order) -> String {
        let isNothing = other.operation == .default
        guard order.operation.isClawback else {
            return isNothing
                ? "the operators did not agree in time, and the order was given up; nothing was paid"
                : "another order of the same account came first; look at its history"
        }
        return
            (isNothing
            ? "an order of before the freeze held this place of the account's chain, and is given up now"
            : "an order of before took this place of the account's chain")
            + ": `waggle buzz clawback draft` begins again with what the account has now"
    }

    /// Who answers in the name of an authority that decides here.
    public enum Answering: Sendable {
        case alone(AuthorityService)
        case together(QuorumService)

        /// One reply for each request, in order, when what they say is on disk.
        public func answer(_ requests: [AuthorityRequest]) async throws(LedgerError) -> [AuthorityReply] {
            switch self {
            case .alone(let authority): try await authority.submit(requests)
            case .together(let quorum): try await quorum.answer(requests)
            }
        }
    }

    /// Who answers requests of a currency here: with it, nobody waits for this actor while an order is decided.
    ///
    /// - Returns: nil for a currency that is not decided here.
    /// - Throws: `stopped`.
    public func answering(_ currency: Hash32) throws(LedgerError) -> Answering? {
        guard let authority = authority(currency) else { return nil }
        if let reason = stopped[currency] { throw .stopped(reason) }
        return quorums[currency].map { .together($0) } ?? .alone(authority)
    }

    /// Answers requests as the authority of a currency that is decided here.
    public func answer(_ requests: [AuthorityRequest], in currency: Hash32) async throws(LedgerError)
        -> [AuthorityReply]
    {
        if let reason = stopped[currency] { throw .stopped(reason) }
        guard let answering = try answering(currency) else { throw .unknownCurrency(currency.hex) }
        return try await answering.answer(requests)
    }

    /// How the authorities of each currency of several answer.
    public func health() async -> [(charter: Charter, authorities: [AuthorityHealth], liars: Set<Int>)] {
        var all: [(charter: Charter, authorities: [AuthorityHealth], liars: Set<Int>)] = []
        for quorum in quorums.values.sorted(by: { $0.charter.currency < $1.charter.currency }) {
            let liars = proven[quorum.charter.currency] ?? []
            all.append((quorum.charter, await quorum.authorityHealth(), liars))
        }
        return all
    }

    // MARK: Proofs

    /// Authorities that are proven to lie, by their places in the charter.
    public func liars(in currency: Hash32) -> Set<Int> { proven[currency] ?? [] }

    /// How many currencies of several authorities are known here.
    public var sharedCurrencies: Int { quorums.count }

    /// Told each time that a proof is new here.
    public nonisolated func fraudNews() -> AsyncStream<Void> { news.stream }

    /// Takes a proof as a post carries it.
    ///
    /// - Returns: false for one that proves nothing, or is about a currency that is not known here.
    /// - Throws: `malformed`.
    public func take(proof bytes: Data, isPosted: Bool) async throws(LedgerError) -> Bool {
        let (currency, proof): (Hash32, FraudProof)
        do throws(MalformedMessage) {
            (currency, proof) = try FraudProof.read(bytes)
        } catch {
            throw .malformed(error.what)
        }
        guard let quorum = quorums[currency] else { return false }
        let isProof = try await quorum.take(proof, isPosted: isPosted)
        try await judge(currency)
        return isProof
    }

    /// What follows from the proofs that are here: up to f liars are named, and the currency goes on; with more it stops.
    func judge(_ currency: Hash32) async throws(LedgerError) {
        guard let charter = quorums[currency]?.charter else { return }
        let frauds = try await store.frauds(in: currency)
        let liars = frauds.reduce(into: Set<Int>()) { $0.formUnion($1.culprits) }
        proven[currency] = liars
        guard liars.count > charter.f || frauds.contains(where: \.isOverload) else { return }
        let named = liars.sorted().map { charter.authorities[$0].url }
        stopped[currency] =
            "more operators of \(charter.symbol) are proven to lie than it survives"
            + (named.isEmpty ? "" : " (\(named.joined(separator: ", ")))")
            + ": nothing is decided in it any more, and its operators found a new one"
    }

    // MARK: Charters

    /// This node as an operator of a charter that is drawn up: its ledger key is made where there is none.
    public func draftOperator(node: String, url: String, capPerEpoch: UInt64) throws(LedgerError)
        -> CharterCeremony.Operator
    {
        CharterCeremony.Operator(key: try makeKey().publicKey, node: node, url: url, capPerEpoch: capPerEpoch)
    }

    /// Signs a charter that is drawn up.
    public func sign(_ ceremony: CharterCeremony) throws(LedgerError) -> CharterCeremony {
        var signed = ceremony
        guard let key = ownKey else {
            throw .wrongKey("this node is none of the operators; `waggle buzz charter draft FILE` adds it")
        }
        try signed.sign(key)
        return signed
    }
}
