import Digests
import Foundation
import Identity
import Synchronization

@testable import Ledger

/// Nodes that reach each other in one process, over a network that can lose answers and nodes.
final class LocalTransport: LedgerTransport {
    private struct State {
        var nodes: [String: (currencies: Currencies, witness: LedgerWitness)] = [:]
        var lostReplies = 0
        var submitted = 0
        var asked = 0
        var tiles: [String] = []
        /// Changes what is served: bytes of a tile by its path, or the checkpoint ("checkpoint", "witnessed").
        var forge: @Sendable (String, Data) -> Data = { $1 }
        /// Changes what the witness at an address answers.
        var witness: @Sendable (String, WitnessRequest, WitnessReply) -> WitnessReply = { $2 }
    }

    private let state = Mutex(State())

    func add(_ url: String, _ currencies: Currencies, key: SigningKey, now: @escaping @Sendable () -> UInt64) {
        let witness = LedgerWitness(store: currencies.store, key: key, now: now)
        state.withLock { $0.nodes[url] = (currencies, witness) }
    }

    func remove(_ url: String) { state.withLock { $0.nodes[url] = nil } }
    func loseReplies(_ count: Int) { state.withLock { $0.lostReplies = count } }
    func forge(_ body: @escaping @Sendable (String, Data) -> Data) { state.withLock { $0.forge = body } }
    func forgeWitness(_ body: @escaping @Sendable (String, WitnessRequest, WitnessReply) -> WitnessReply) {
        state.withLock { $0.witness = body }
    }
    /// Tiles that were asked for since somebody looked.
    func takeTiles() -> [String] {
        state.withLock { state in
            defer { state.tiles = [] }
            return state.tiles
        }
    }
    var submitted: Int { state.withLock { $0.submitted } }
    /// Messages with requests to authorities.
    var asked: Int { state.withLock { $0.asked } }

    private func node(_ url: String) throws(LedgerError) -> (currencies: Currencies, witness: LedgerWitness) {
        guard let node = state.withLock({ $0.nodes[url] }) else { throw .unreachable(url: url, reason: "it is away") }
        return node
    }

    private func forged(_ what: String, _ bytes: Data) -> Data { state.withLock { $0.forge }(what, bytes) }

    func charter(_ currency: Hash32?, at url: String) async throws(LedgerError) -> Data {
        let node = try node(url).currencies
        if let currency { return try await node.charter(currency).bytes }
        guard let own = try await node.all().first(where: { $0.role == .authority }) else {
            throw .unknownCurrency("any")
        }
        return own.charter.bytes
    }

    func submit(_ orders: [SignedOrder], at url: String) async throws(LedgerError) -> [AuthorityReply] {
        let node = try node(url).currencies
        state.withLock { $0.submitted += 1 }
        guard let authority = await node.authority(orders[0].order.currency) else {
            throw .stopped("it does not decide")
        }
        // As they are read from the wire.
        var read: [SignedOrder] = []
        do {
            read = try OrderBatch.decode(OrderBatch.encode(orders))
        } catch {
            throw .malformed(error.what)
        }
        let replies = try await authority.submit(read.map { .order($0) })
        let isLost = state.withLock { state in
            defer { state.lostReplies = max(0, state.lostReplies - 1) }
            return state.lostReplies > 0
        }
        guard !isLost else { throw .unreachable(url: url, reason: "the answer was lost") }
        do {
            return try ReplyBatch.decode(ReplyBatch.encode(replies))
        } catch {
            throw .untrusted(error.what)
        }
    }

    func ask(_ requests: [AuthorityRequest], in currency: Hash32, at url: String) async throws(LedgerError)
        -> [AuthorityReply]
    {
        let node = try node(url).currencies
        state.withLock { $0.asked += 1 }
        guard await node.authority(currency) != nil else { throw .stopped("it does not decide") }
        do {
            let read = try RequestBatch.decode(RequestBatch.encode(requests, in: currency)).requests
            return try ReplyBatch.decode(ReplyBatch.encode(try await node.answer(read, in: currency)))
        } catch let error as LedgerError {
            throw error
        } catch {
            throw .untrusted("\(error)")
        }
    }

    func checkpoints(_ currency: Hash32, at url: String) async throws(LedgerError) -> [String] {
        let notes = try await node(url).currencies.readCheckpoints(currency)
        do {
            return try CheckpointBatch.decode(CheckpointBatch.encode(notes))
        } catch {
            throw .untrusted(error.what)
        }
    }

    func certificate(_ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32, at url: String)
        async throws(LedgerError) -> QuorumCertificate
    {
        let store = try node(url).currencies.store
        guard let found = try await store.certificate(slot, round: round, value: value, in: currency) else {
            throw .unknownCurrency(slot.hex)
        }
        return found
    }

    func statements(_ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32, at url: String)
        async throws(LedgerError) -> [Ledger.Statement]
    {
        let store = try node(url).currencies.store
        guard let found = try await store.statements(slot, round: round, value: value, in: currency) else {
            throw .unknownCurrency(slot.hex)
        }
        return found
    }

    func standing(_ account: AccountID, in currency: Hash32, at url: String) async throws(LedgerError)
        -> AccountStanding
    {
        let standing = try await node(url).currencies.standing(account, in: currency)
        do {
            return try AccountStanding(bytes: standing.bytes)
        } catch {
            throw .untrusted(error.what)
        }
    }

    func checkpoint(_ currency: Hash32, at url: String) async throws(LedgerError) -> String {
        guard let note = try await node(url).currencies.checkpoint(currency) else { throw .unknownCurrency("") }
        return String(decoding: forged("checkpoint", Data(note.utf8)), as: UTF8.self)
    }

    func witnessedCheckpoint(_ currency: Hash32, at url: String) async throws(LedgerError) -> String? {
        try await node(url).currencies.witnessedCheckpoint(currency).map {
            String(decoding: forged("witnessed", Data($0.utf8)), as: UTF8.self)
        }
    }

    func rewards(_ epoch: Int64, of currency: Hash32, at url: String) async throws(LedgerError) -> String {
        // Lists of rewards are not the ledger's.
        throw .unknownCurrency(currency.hex)
    }

    func tile(_ path: LogTilePath, of currency: Hash32, at url: String) async throws(LedgerError) -> Data {
        state.withLock { $0.tiles.append(path.text) }
        let bytes = forged(path.text, try await node(url).currencies.store.tile(path, of: currency) ?? Data())
        guard !bytes.isEmpty else { throw .unknownCurrency(path.text) }
        return bytes
    }

    func witness(_ request: WitnessRequest, at url: String) async throws(LedgerError) -> WitnessReply {
        guard let read = WitnessRequest(text: request.text) else { throw .malformed("no request") }
        let reply = try await node(url).witness.sign(read)
        return state.withLock { $0.witness }(url, request, reply)
    }
}

/// Several nodes with a clock that a test moves.
final class LedgerWorld: Sendable {
    let folder: URL
    let transport = LocalTransport()
    private let time = Mutex<UInt64>(1_000_000)

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "currencies-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    var now: UInt64 { time.withLock { $0 } }
    func pass(_ seconds: UInt64) { time.withLock { $0 += seconds } }

    func path(_ name: String) -> String { folder.appending(path: name).path }

    /// Opens a node's currencies, or opens them again.
    ///
    /// - Parameters:
    ///   - pace: of rounds. Everything else waits for as long as a busy machine may need.
    ///   - order: how long whoever pays waits for the end of an order.
    func node(
        _ name: String, skew: Int64 = 0, pace: Double = 1, order: Duration = .seconds(1200)
    ) async throws -> Currencies {
        let clock: @Sendable () -> UInt64 = { [self] in UInt64(Int64(now) + skew) }
        let currencies = try await Currencies(
            path: path(name + ".db"), keyPath: path(name + ".authority"), transport: transport,
            patience: QuorumPatience(follow: .seconds(1200), order: order, pace: pace), now: clock)
        transport.add("http://" + name, currencies, key: TestCurrency.key("witness " + name), now: clock)
        return currencies
    }
}
