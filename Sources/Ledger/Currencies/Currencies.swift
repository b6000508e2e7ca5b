public import Digests
import FoundationEssentials
import Glibc
import Identity
import WaggleProtocol

/// The currencies of a node: those in which it decides, and those that it joined.
public actor Currencies {
    public nonisolated let store: LedgerStore
    let transport: any LedgerTransport
    let now: @Sendable () -> UInt64
    private let keyPath: String
    private let patience: QuorumPatience
    private var keyFile: LedgerKeyFile?
    var authorities: [Hash32: AuthorityService] = [:]
    var replicas: [Hash32: ReplicaService] = [:]
    /// Those of several authorities, whatever this node is to them.
    var quorums: [Hash32: QuorumService] = [:]
    /// Authorities that are proven to lie.
    var proven: [Hash32: Set<Int>] = [:]
    /// When the logs of a currency of several authorities were read, in unix seconds.
    var followed: [Hash32: UInt64] = [:]
    nonisolated let news = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    var findKey: @Sendable (Hash32) -> SigningKey? = { _ in nil }
    /// Why this node decides no longer in a currency that others decide in, too.
    var retired: [Hash32: String] = [:]
    /// Why a currency cannot be used here for now.
    var stopped: [Hash32: String] = [:]
    /// How often in a row what a log's node served was not what was signed, and until when it is not asked.
    private var doubts: [Hash32: (times: Int, until: UInt64)] = [:]
    private var busy: Set<Hash32> = []
    private var waiting: [Hash32: [CheckedContinuation<Void, Never>]] = [:]

    /// Opens the database and starts the authorities whose key is here.
    ///
    /// An authority that may not go on is stopped, and everything else of the node goes on.
    ///
    /// - Parameters:
    ///   - path: `db/ledger.db` of the home.
    ///   - keyPath: `keys/ledger.authority` of the home, which need not be there.
    ///   - now: unix seconds.
    public init(
        path: String, keyPath: String, transport: any LedgerTransport, now: @escaping @Sendable () -> UInt64
    ) async throws(LedgerError) {
        try await self.init(path: path, keyPath: keyPath, transport: transport, patience: .usual, now: now)
    }

    /// - Parameter patience: with those who decide together.
    init(
        path: String, keyPath: String, transport: any LedgerTransport, patience: QuorumPatience,
        now: @escaping @Sendable () -> UInt64
    ) async throws(LedgerError) {
        self.patience = patience
        store = try LedgerStore(path: path)
        self.transport = transport
        self.now = now
        self.keyPath = keyPath
        keyFile = try LedgerKeyFile(path: keyPath)
        try await start()
    }

    private func start() async throws(LedgerError) {
        let generation = (keyFile?.generation ?? 0) + 1
        var hasStarted = false
        for (charter, place) in try await store.places() {
            if !place.alarm.isEmpty { stopped[charter.currency] = Self.words(alarm: place.alarm, charter) }
            switch place.role {
            case .member: try await openCopy(charter)
            case .authority:
                guard let keyFile else {
                    await stop(charter, "the key of this currency's authority, \(keyPath), is missing")
                    continue
                }
                guard !keyFile.isRestored else {
                    await stop(
                        charter,
                        """
                        this home was restored from a backup, and what was signed in \(charter.symbol) since is not here: \
                        an authority that signed on would contradict itself. \(Self.wayOn(charter))
                        """)
                    continue
                }
                do throws(LedgerError) {
                    try await open(await service(charter, keyFile.key, generation))
                    hasStarted = true
                } catch {
                    guard case .olderThanKey = error else { throw error }
                    await stop(charter, error.message + ". \(Self.wayOn(charter))")
                }
            }
        }
        // On disk before the first signature.
        if hasStarted { try keyFile?.noteStart(generation) }
    }

    /// An authority that may not go on: what it signed can be read, like the copy of another node's log. Where others decide
    /// too, they go on, and this node is to them what a member is.
    private func stop(_ charter: Charter, _ why: String) async {
        if charter.authorities.count == 1 { stopped[charter.currency] = why } else { retired[charter.currency] = why }
        // Without a copy that can be read there is the reason alone, which matters more.
        try? await openCopy(charter)
    }

    /// What an operator can do whose authority may not sign.
    private static func wayOn(_ charter: Charter) -> String {
        charter.authorities.count == 1
            ? "`waggle buzz resume` fetches what is missing from a node that follows the log"
            : "Its votes are lost, and nobody can bring them back: the other operators of \(charter.symbol) decide without it"
    }

    private func openCopy(_ charter: Charter) async throws(LedgerError) {
        guard charter.authorities.count > 1 else {
            replicas[charter.currency] = try await ReplicaService(store: store, charter: charter, now: now)
            return
        }
        try await open(charter, .copy(try await FinalCopy(store: store, charter: charter, now: now)))
    }

    private func open(_ charter: Charter, _ book: FinalBook) async throws(LedgerError) {
        let currency = charter.currency
        let out = news.continuation
        quorums[currency] = try await QuorumService(
            store: store, charter: charter, book: book, transport: transport, patience: patience, now: now,
            onFraud: { [weak self] in
                Task {
                    try? await self?.judge(currency)
                    out.yield()
                }
            })
        try await judge(currency)
    }

    private func service(_ charter: Charter, _ key: SigningKey, _ generation: Int64) async throws(LedgerError)
        -> AuthorityService
    {
        #if DEBUG
            // Tests of whole nodes have one that lies. What is given to people has no such switch.
            let rule = getenv("WAGGLE_BROKEN_LEDGER_RULE").flatMap { LedgerRule(rawValue: String(cString: $0)) }
        #else
            let rule: LedgerRule? = nil
        #endif
        return try await AuthorityService(
            store: store, charter: charter, key: key, generation: generation, breaking: rule, now: now)
    }

    private func open(_ authority: AuthorityService) async throws(LedgerError) {
        let charter = authority.charter
        if charter.authorities.count > 1 { try await open(charter, .authority(authority)) }
        authorities[charter.currency] = authority
    }

    private static func words(alarm: String, _ charter: Charter) -> String {
        "the authority of \(charter.symbol) contradicted itself: "
            + (alarm.firstRange(of: "\n\n").map { String(alarm[..<$0.lowerBound]) } ?? alarm)
    }

    // MARK: What there is

    /// The node's ledger key: the authority of its currencies, their granter, the resolver of holds that it is named for.
    public var publicKey: Hash32? { keyFile?.key.publicKey }

    var ownKey: SigningKey? { keyFile?.key }

    public func all() async throws(LedgerError) -> [CurrencyView] {
        var views: [CurrencyView] = []
        for (charter, place) in try await store.places() { views.append(try await view(charter, place)) }
        return views
    }

    /// - Throws: `unknownCurrency`.
    public func view(_ currency: Hash32) async throws(LedgerError) -> CurrencyView {
        guard let (charter, place) = try await store.places().first(where: { $0.charter.currency == currency }) else {
            throw .unknownCurrency(currency.hex)
        }
        return try await view(charter, place)
    }

    private func view(_ charter: Charter, _ place: CurrencyPlace) async throws(LedgerError) -> CurrencyView {
        let (ledger, size) = state(charter.currency) ?? (LedgerState(), 0)
        return CurrencyView(
            charter: charter, role: place.role, url: place.url, size: size, epoch: charter.epoch(at: now()),
            issued: ledger.issued, burned: ledger.burned, held: ledger.held, accounts: ledger.accounts.count,
            answered: place.answered,
            stopped: stopped[charter.currency] ?? authorities[charter.currency]?.failure?.message,
            retired: retired[charter.currency], liars: proven[charter.currency] ?? [],
            overspent: await quorums[charter.currency]?.overspent() ?? [],
            witnesses: try await store.witnesses(of: charter.currency))
    }

    /// The state as it is known here, of a currency that is stopped as of its last entry here; nil for one that is unknown.
    public func state(_ currency: Hash32) -> (ledger: LedgerState, size: UInt64)? {
        // A state that was not stored and cannot be read back is nobody's.
        if let authority = authorities[currency] { return authority.failure == nil ? authority.state() : nil }
        if let quorum = quorums[currency] { return quorum.book.failure == nil ? quorum.state() : nil }
        return replicas[currency]?.state()
    }

    public func charter(_ currency: Hash32) async throws(LedgerError) -> Charter {
        if let known = authorities[currency]?.charter ?? replicas[currency]?.charter ?? quorums[currency]?.charter {
            return known
        }
        for charter in try await store.charters() where charter.currency == currency { return charter }
        throw .unknownCurrency(currency.hex)
    }

    /// The authority that decides here, for routes that answer in its name; nil while it may not.
    public func authority(_ currency: Hash32) -> AuthorityService? {
        quorums[currency] == nil || stopped[currency] == nil ? authorities[currency] : nil
    }

    /// The newest checkpoint that this node can show.
    public func checkpoint(_ currency: Hash32) async throws(LedgerError) -> String? {
        if let authority = authorities[currency] { return try await authority.checkpoint().encoded }
        return try await store.places().first { $0.charter.currency == currency }.flatMap {
            $0.place.note.isEmpty ? nil : $0.place.note
        }
    }

    /// The evidence list of an epoch's rewards, as the node at `url` publishes it. Nothing of it is checked here.
    public func rewards(_ epoch: Int64, of currency: Hash32, at url: String) async throws(LedgerError) -> String {
        try await transport.rewards(epoch, of: currency, at: url)
    }

    // MARK: Founding and joining

    /// Founds a currency in which this node decides alone.
    public func found(_ draft: CharterDraft, url: String) async throws(LedgerError) -> Charter {
        let key = try makeKey()
        let charter = try draft.charter(authority: key.publicKey, url: url, genesis: now())
        try await decide(charter, url: url)
        return charter
    }

    /// Takes this node's place in a currency that its operators drew up together.
    ///
    /// - Throws: `stopped` unless all of them signed; `wrongKey` for a node that is none of them.
    public func found(_ ceremony: CharterCeremony) async throws(LedgerError) -> Charter {
        let charter = try ceremony.charter()
        let missing = try ceremony.unsigned()
        guard missing.isEmpty else {
            throw .stopped(
                "these operators have not signed the charter: \(missing.map(\.url).joined(separator: ", "))")
        }
        let key = keyFile?.key.publicKey
        guard let own = charter.authorities.first(where: { $0.key == key }) else {
            throw .wrongKey("this node is none of the operators; `waggle buzz join` is for everybody else")
        }
        guard authorities[charter.currency] == nil else { return charter }
        guard quorums[charter.currency] == nil else {
            throw .stopped("\(charter.symbol) was joined here before; its authority cannot be this home")
        }
        try await decide(charter, url: own.url)
        return charter
    }

    /// The key that decides and grants here, made where there is none.
    func makeKey() throws(LedgerError) -> SigningKey {
        if keyFile == nil { keyFile = try LedgerKeyFile(creating: keyPath) }
        guard let file = keyFile else { throw .stopped("there is no ledger key") }
        guard !file.isRestored else {
            throw .stopped("this home was restored from a backup; `waggle buzz resume` comes first")
        }
        return file.key
    }

    private func decide(_ charter: Charter, url: String) async throws(LedgerError) {
        try await inTurn(Self.starts) { () async throws(LedgerError) in
            _ = try makeKey()
            guard var file = keyFile else { throw .stopped("there is no ledger key") }
            if file.generation == 0 { try file.noteStart(1) }
            keyFile = file
            try await store.add(charter, as: .authority, url: url, generation: file.generation, since: now())
            try await open(await service(charter, file.key, file.generation))
        }
    }

    /// Joins a currency of another node: from now on its log is followed and audited here.
    ///
    /// - Parameter currency: which; nil for the only one of that node.
    public func join(_ currency: Hash32?, at url: String) async throws(LedgerError) -> Charter {
        let bytes = try await transport.charter(currency, at: url)
        let charter: Charter
        do throws(MalformedMessage) {
            charter = try Charter(bytes: bytes)
        } catch {
            throw .untrusted("\(url) answers with no charter: \(error.what)")
        }
        guard currency == nil || charter.currency == currency else {
            throw .untrusted("\(url) answers with another charter")
        }
        guard authorities[charter.currency] == nil else { return charter }
        let key = keyFile?.key.publicKey
        guard charter.authorities.count == 1 || !charter.authorities.contains(where: { $0.key == key }) else {
            throw .malformed(
                "this node is one of the operators of \(charter.symbol): `waggle buzz found --charter FILE` takes its place"
            )
        }
        try await store.add(charter, as: .member, url: url, generation: 0, since: now())
        if replicas[charter.currency] == nil, quorums[charter.currency] == nil { try await openCopy(charter) }
        _ = try await follow(charter.currency)
        return charter
    }

    // MARK: Following

    /// Whether it is time to look at a log again. Whoever served what was not signed is asked less and less often.
    public func isDue(_ currency: Hash32) -> Bool { doubts[currency].map { now() >= $0.until } ?? true }

    /// Brings the copy of a currency's log up to date; how many entries came. Nothing for a currency that is decided here
    /// alone.
    @discardableResult
    public func follow(_ currency: Hash32, at other: String? = nil) async throws(LedgerError) -> UInt64 {
        if let quorum = quorums[currency] { return try await follow(quorum) }
        guard let replica = replicas[currency] else { return 0 }
        if let reason = stopped[currency] { throw .stopped(reason) }
        guard let place = try await store.place(currency) else { throw .unknownCurrency(currency.hex) }
        do throws(LedgerError) {
            let count = try await replica.follow(transport, at: other ?? place.url)
            doubts[currency] = nil
            if let note = try? await transport.witnessedCheckpoint(currency, at: other ?? place.url) {
                do throws(LedgerError) {
                    try await keepWitnesses(note, of: replica.charter)
                } catch {
                    // A note that nobody needs and that is none is as good as no note: the log is right all the same.
                    guard case .untrusted = error else { throw error }
                }
            }
            return count
        } catch {
            if case .untrusted = error {
                let times = (doubts[currency]?.times ?? 0) + 1
                let seconds = min(
                    Limits.Ledger.doubtSeconds, UInt64(Limits.Ledger.followSeconds) << UInt64(min(times, 16)))
                doubts[currency] = (times, now() + seconds)
            }
            if let alarm = try await store.place(currency)?.alarm, !alarm.isEmpty {
                stopped[currency] = Self.words(alarm: alarm, replica.charter)
            }
            throw error
        }
    }

    /// Takes in what a restored authority signed after its backup, from a node that followed it, and lets it sign again.
    ///
    /// - Parameter url: nil when no such node is left: what was signed since is given up, and whoever holds a final of it
    ///   can show that.
    public func resume(_ currency: Hash32, from url: String?) async throws(LedgerError) -> UInt64 {
        try await inTurn(currency) { () async throws(LedgerError) -> UInt64 in
            guard authorities[currency] == nil, keyFile != nil, let place = try await store.place(currency),
                place.role == .authority
            else { throw .stopped("this currency is not stopped here") }
            let charter = try await charter(currency)
            guard charter.authorities.count == 1 else { throw .stopped(Self.wayOn(charter)) }
            var count: UInt64 = 0
            if let url {
                let replica = try await ReplicaService(store: store, charter: charter, now: now)
                count = try await replica.followWhole(transport, at: url)
            }
            try await inTurn(Self.starts) { () async throws(LedgerError) in try await restart(charter) }
            return count
        }
    }

    /// Counts one more start of the key for an authority that has caught up.
    ///
    /// The counter is of all currencies of this node. Those that run here come along; one that still waits to be resumed
    /// stays behind the key, and is stopped for that at every start until it has caught up itself.
    private func restart(_ charter: Charter) async throws(LedgerError) {
        guard var file = keyFile else { throw .stopped("there is no ledger key") }
        let generation = try await store.restart(
            charter.currency, with: Array(authorities.keys), after: file.generation)
        let authority = try await AuthorityService(
            store: store, charter: charter, key: file.key, generation: generation, now: now)
        try file.noteStart(generation)
        // From now on what was not resumed is told apart by its own, older, count.
        try file.noteCaughtUp()
        keyFile = file
        authorities[charter.currency] = authority
        (stopped[charter.currency], replicas[charter.currency]) = (nil, nil)
    }

    /// Whoever counts a start of the key waits for a turn under this name.
    private static let starts = SHA256.hash(Array("starts of the ledger key".utf8))

    // MARK: One after the other

    /// One order at a time for each slot owner: two at once would ask for one place.
    func inTurn<Value: Sendable>(
        _ name: Hash32, _ body: () async throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        while busy.contains(name) { await withCheckedContinuation { waiting[name, default: []].append($0) } }
        busy.insert(name)
        defer {
            busy.remove(name)
            waiting.removeValue(forKey: name)?.forEach { $0.resume() }
        }
        return try await body()
    }
}
