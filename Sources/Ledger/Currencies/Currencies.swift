public import Digests
import FoundationEssentials
import Identity

/// What a node is to a currency.
public enum CurrencyRole: String, Codable, Sendable {
    /// It decides.
    case authority
    /// It follows and audits the log, and its people have accounts.
    case member
}

/// The currencies of a node: those in which it decides, and those that it joined.
public actor Currencies {
    public nonisolated let store: LedgerStore
    let transport: any LedgerTransport
    let now: @Sendable () -> UInt64
    private let keyPath: String
    private var keyFile: LedgerKeyFile?
    var authorities: [Hash32: AuthorityService] = [:]
    var replicas: [Hash32: ReplicaService] = [:]
    /// Why a currency cannot be used here for now.
    var stopped: [Hash32: String] = [:]
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
            case .member:
                replicas[charter.currency] = try await ReplicaService(store: store, charter: charter, now: now)
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
                        an authority that signed on would contradict itself. `waggle buzz resume` fetches it from a node \
                        that follows the log
                        """)
                    continue
                }
                do throws(LedgerError) {
                    authorities[charter.currency] = try await AuthorityService(
                        store: store, charter: charter, key: keyFile.key, generation: generation, now: now)
                    hasStarted = true
                } catch {
                    guard case .olderThanKey = error else { throw error }
                    await stop(charter, error.message + ". `waggle buzz resume` fetches what is missing")
                }
            }
        }
        // On disk before the first signature.
        if hasStarted { try keyFile?.noteStart(generation) }
    }

    /// An authority that may not go on: what it signed can be read, like the copy of another node's log.
    private func stop(_ charter: Charter, _ why: String) async {
        stopped[charter.currency] = why
        // Without a copy that can be read there is the reason alone, which matters more.
        replicas[charter.currency] = try? await ReplicaService(store: store, charter: charter, now: now)
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
            answered: place.answered, stopped: stopped[charter.currency],
            witnesses: try await store.witnesses(of: charter.currency))
    }

    /// The state as it is known here, of a currency that is stopped as of its last entry here; nil for one that is unknown.
    public func state(_ currency: Hash32) -> (ledger: LedgerState, size: UInt64)? {
        authorities[currency]?.state() ?? replicas[currency]?.state()
    }

    public func charter(_ currency: Hash32) async throws(LedgerError) -> Charter {
        if let known = authorities[currency]?.charter ?? replicas[currency]?.charter { return known }
        for charter in try await store.charters() where charter.currency == currency { return charter }
        throw .unknownCurrency(currency.hex)
    }

    /// The authority that decides here, for routes that answer in its name.
    public func authority(_ currency: Hash32) -> AuthorityService? { authorities[currency] }

    /// The newest checkpoint that this node can show.
    public func checkpoint(_ currency: Hash32) async throws(LedgerError) -> String? {
        if let authority = authorities[currency] { return try await authority.checkpoint().encoded }
        return try await store.places().first { $0.charter.currency == currency }.flatMap {
            $0.place.note.isEmpty ? nil : $0.place.note
        }
    }

    // MARK: Founding and joining

    /// Founds a currency in which this node decides alone.
    public func found(_ draft: CharterDraft, url: String) async throws(LedgerError) -> Charter {
        if keyFile == nil { keyFile = try LedgerKeyFile(creating: keyPath) }
        guard var file = keyFile else { throw .stopped("there is no ledger key") }
        guard !file.isRestored else {
            throw .stopped("this home was restored from a backup; `waggle buzz resume` comes first")
        }
        let charter = try draft.charter(authority: file.key.publicKey, url: url, genesis: now())
        if file.generation == 0 { try file.noteStart(1) }
        keyFile = file
        try await store.add(charter, as: .authority, url: url, generation: file.generation, since: now())
        authorities[charter.currency] = try await AuthorityService(
            store: store, charter: charter, key: file.key, generation: file.generation, now: now)
        return charter
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
        guard charter.authorities.count == 1 else {
            throw .malformed("currencies of several authorities cannot be used yet")
        }
        guard authorities[charter.currency] == nil else { return charter }
        try await store.add(charter, as: .member, url: url, generation: 0, since: now())
        if replicas[charter.currency] == nil {
            replicas[charter.currency] = try await ReplicaService(store: store, charter: charter, now: now)
        }
        _ = try await follow(charter.currency)
        return charter
    }

    // MARK: Following

    /// Brings the copy of a currency's log up to date; how many entries came. Nothing for a currency that is decided here.
    @discardableResult
    public func follow(_ currency: Hash32, at other: String? = nil) async throws(LedgerError) -> UInt64 {
        guard let replica = replicas[currency] else { return 0 }
        if let reason = stopped[currency] { throw .stopped(reason) }
        guard let place = try await store.place(currency) else { throw .unknownCurrency(currency.hex) }
        do throws(LedgerError) {
            let count = try await replica.follow(transport, at: other ?? place.url)
            if let note = try? await transport.witnessedCheckpoint(currency, at: other ?? place.url) {
                try await keepWitnesses(note, of: replica.charter)
            }
            return count
        } catch {
            if let alarm = try await store.place(currency)?.alarm, !alarm.isEmpty {
                stopped[currency] = Self.words(alarm: alarm, replica.charter)
            }
            throw error
        }
    }

    /// Keeps whose signatures are on a checkpoint that agrees with the log here.
    func keepWitnesses(_ text: String, of charter: Charter) async throws(LedgerError) {
        let (note, checkpoint) = try ReplicaService.open(text, charter)
        guard try await store.isInLog(checkpoint, of: charter.currency) else { return }
        for (key, time) in note.witnesses {
            try await store.keep(note, of: key, at: time, size: checkpoint.size, of: charter.currency)
        }
    }

    /// Takes in what a restored authority signed after its backup, from a node that followed it, and lets it sign again.
    ///
    /// - Parameter url: nil when no such node is left: what was signed since is given up, and whoever holds a final of it
    ///   can show that.
    public func resume(_ currency: Hash32, from url: String?) async throws(LedgerError) -> UInt64 {
        guard authorities[currency] == nil, let keyFile, let place = try await store.place(currency),
            place.role == .authority
        else { throw .stopped("this currency is not stopped here") }
        let charter = try await charter(currency)
        var count: UInt64 = 0
        if let url {
            let replica = try await ReplicaService(store: store, charter: charter, now: now)
            count = try await replica.follow(transport, at: url)
        }
        var file = keyFile
        try await store.setGeneration(file.generation, of: currency)
        authorities[currency] = try await AuthorityService(
            store: store, charter: charter, key: file.key, generation: file.generation + 1, now: now)
        try file.noteStart(file.generation + 1)
        try file.noteCaughtUp()
        self.keyFile = file
        (stopped[currency], replicas[currency]) = (nil, nil)
        return count
    }

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

/// A currency as it stands here.
public struct CurrencyView: Sendable {
    public let charter: Charter
    public let role: CurrencyRole
    /// Where its authority answers.
    public let url: String
    /// Finals.
    public let size: UInt64
    public let epoch: Int64
    public let issued: Int64
    public let burned: Int64
    public let held: Int64
    public let accounts: Int
    /// Unix seconds: when the authority last answered; 0 for never, and for one that is here.
    public let answered: UInt64
    /// Why it cannot be used for now.
    public let stopped: String?
    /// Who signed that its log is the one that they know, and when (unix seconds), by key.
    public let witnesses: [Hash32: UInt64]
}
