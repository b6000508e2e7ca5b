import Digests
import Foundation
import Glibc
import Identity
import Ledger
import Synchronization
import Testing

/// What an authority acknowledged is there: after `kill -9` at random instants of group commit (`WAGGLE_KILLS` says how
/// often, 40 in `make test`; `WAGGLE_SEED` repeats a run), and after the disk was full in the middle of one.
@Suite("An authority that is killed, or has no room", .nodes, .logsOnFailure)
struct BuzzCrashTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let kills = environment["WAGGLE_KILLS"].flatMap { Int($0) } ?? 40
    private static let seed = environment["WAGGLE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)

    /// Counts for several tasks.
    private final class Count: Sendable {
        private let value = Mutex(0)

        func next() -> Int {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }

    /// A payer with its own chain, who sends whole batches and remembers what was answered.
    private final class Payer: Sendable {
        struct Chain: Sendable {
            var next: UInt64 = 1
            /// Sent and not answered: the same orders are sent again.
            var open: [SignedOrder] = []
            /// Slot → order.
            var final: [Hash32: Hash32] = [:]
        }

        let key: SigningKey
        let currency: Hash32
        let chain = Mutex(Chain())

        init(_ name: String, _ currency: Hash32) {
            key = SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes)!
            self.currency = currency
        }

        /// Sends one batch; false when no whole answer came.
        func send(_ url: String, to payee: AccountID, count: Int) async throws -> Bool {
            let orders = try chain.withLock { chain in
                if chain.open.isEmpty {
                    for _ in 0..<count {
                        let order = try Order(
                            currency: currency, slot: .account(key.publicKey, seq: chain.next),
                            .transfer([Output(account: payee, amount: 1)]))
                        chain.open.append(SignedOrder(order, signedBy: [key]))
                        chain.next += 1
                    }
                }
                return chain.open
            }
            let body = Array(OrderBatch.encode(orders))
            guard
                let reply = try? await HTTP.send(
                    "POST", url + "/w/1/buzz/orders", ["Content-Type": "application/x-protobuf"], body: body),
                reply.status == 200
            else { return false }
            let replies = try ReplyBatch.decode(Data(reply.body))
            for (order, reply) in zip(orders, replies) {
                guard case .final(let final) = reply, final.value == order.order.id else {
                    throw HarnessError("an order of a chain without gaps was answered with \(reply)")
                }
            }
            chain.withLock { chain in
                for order in orders { chain.final[order.order.slotID] = order.order.id }
                chain.open = []
            }
            return true
        }
    }

    @Test("every acknowledged order is there after kill -9, and none twice")
    func killed() async throws {
        let node = try await World.current.node("a")
        try await node.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--cap", "100000000")
        let state = try #require(try await node.json([CurrencyState].self, "buzz", "ls").first)
        let currency = try #require(Hash32(hex: state.currency))
        let payers = (0..<6).map { Payer("payer \($0)", currency) }
        for payer in payers { try await node.ok("buzz", "grant", payer.key.publicKey.hex, "1000000") }
        let payee = SHA256.hash(Array("payee".utf8))
        var random = SeededBytes(Self.seed)
        for kill in 0..<Self.kills {
            // The acknowledgement that the node dies after, and how many questions it answers in between: so it dies
            // before, in and after a commit of what the others have under way.
            let fatal = 1 + Int(random.next() % 40)
            let questions = Int(random.next() % 8)
            let url = node.url
            let acknowledgements = Count()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, payer) in payers.enumerated() {
                    let size = number == 0 ? 1 : 1 + Int(random.next() % 24)
                    group.addTask {
                        while try await payer.send(url, to: payee, count: size) {
                            guard acknowledgements.next() == fatal else { continue }
                            async let last = payer.send(url, to: payee, count: size)
                            for _ in 0..<questions { _ = try await node.get("/healthz") }
                            await node.kill()
                            _ = try await last
                            return
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await node.restart()
            for payer in payers {
                // The newest acknowledged ones; the whole log is read in the end.
                let acknowledged = payer.chain.withLock { $0 }
                let newest = acknowledged.next - UInt64(acknowledged.open.count) - 1
                guard newest > 0 else { continue }
                let slot = Slot.account(payer.key.publicKey, seq: newest).id
                let reply = try await node.get("/w/1/buzz/finals/\(currency.hex)/\(slot.hex)")
                #expect(reply.status == 200, "seed \(Self.seed), kill \(kill): an acknowledged order is gone")
                #expect(try Final(bytes: Data(reply.body)).value == acknowledged.final[slot], "seed \(Self.seed)")
            }
        }
        for payer in payers { while try await !payer.send(node.url, to: payee, count: 1) {} }
        try await node.ok("buzz", "audit")
        let paid = payers.reduce(0) { sum, payer in sum + payer.chain.withLock { $0.final.count } }
        let balance = try await node.json([BalanceState].self, "buzz", "balance", payee.hex).first
        #expect(balance?.balance == paid, "seed \(Self.seed): each order once")
        #expect(paid > Self.kills, "there was something to lose")
    }

    @Test(
        "a disk that is full in the middle of a group commit: nothing acknowledged is lost, and it goes on when there is room",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a disk"))
    func fullDisk() async throws {
        let disk = try SmallDisk.mount("full", mebibytes: 6)
        let key = SigningKey.random()
        let charter = try CharterDraft(name: "Honey", symbol: "HNY").charter(
            authority: key.publicKey, url: "http://a", genesis: 1_000_000)
        func open(_ generation: Int64) async throws -> AuthorityService {
            let store = try LedgerStore(path: disk + "/ledger.db")
            return try await AuthorityService(
                store: store, charter: charter, key: key, generation: generation, now: { 1_100_000 })
        }
        func order(_ seq: UInt64, _ operation: OrderOperation) throws -> AuthorityRequest {
            .order(
                SignedOrder(
                    try Order(currency: charter.currency, slot: .account(key.publicKey, seq: seq), operation),
                    signedBy: [key]))
        }
        var service = try await open(1)
        let epoch = service.epoch
        _ = try await service.submit([order(1, .grant(epoch: epoch, [Output(account: key.publicKey, amount: 900_000)]))]
        )
        var next: UInt64 = 2
        let payee = SHA256.hash(Array("payee".utf8))
        var failures = 0
        for round in 0..<3 {
            let filler = disk + "/filler"
            try Data(count: max(0, SmallDisk.free(disk) - 600_000 - round * 50_000)).write(to: URL(filePath: filler))
            while true {
                let batch = try (0..<64).map {
                    try order(next + UInt64($0), .transfer([Output(account: payee, amount: 1)]))
                }
                do {
                    for reply in try await service.submit(batch) {
                        guard case .final = reply else { throw HarnessError("\(reply)") }
                        next += 1
                    }
                } catch let error as LedgerError {
                    guard case .diskFull = error else { throw error }
                    failures += 1
                    break
                }
            }
            #expect(service.account(payee).balance == Int64(next - 2), "what was not stored is forgotten")
            try FileManager.default.removeItem(atPath: filler)
            // It goes on by itself, from where it was.
            guard
                case .final = try await service.submit([
                    order(next, .transfer([Output(account: payee, amount: 1)]))
                ])[0]
            else { throw HarnessError("it does not go on") }
            next += 1
            service = try await open(Int64(round) + 2)
            #expect(
                service.account(payee).balance == Int64(next - 2), "all that was acknowledged is there after a start")
        }
        #expect(failures == 3)
        let store = try LedgerStore(path: disk + "/ledger.db")
        let report = try await StoredAudit(store).run(charter, against: try await service.checkpoint().encoded)
        #expect(report.entries == next - 1)
    }
}
