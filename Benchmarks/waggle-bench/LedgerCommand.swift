import ArgumentParser
import Digests
import Dispatch
import Foundation
import Glibc
import Identity
import Ledger

/// What `Benchmarks/ledger.py` measures within the modules. Each prints one JSON line.
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Parts of `make bench-ledger`.",
        subcommands: [
            Bounds.self, Commit.self, Fill.self, Audit.self, Roots.self, Load.self, Grants.self, QuorumCommit.self,
            QuorumGrant.self, QuorumFill.self, QuorumLoad.self,
        ])

    static func print(_ value: some Encodable) throws {
        Swift.print(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
    }

    static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let began = ContinuousClock.now
        try await body()
        return (ContinuousClock.now - began) / .seconds(1)
    }

    static func key(_ number: Int) -> SigningKey {
        guard let key = SigningKey(seed: SHA256.hash(Array("bench account \(number)".utf8)).bytes) else {
            preconditionFailure("a digest has 32 bytes")
        }
        return key
    }

    /// Verifying and signing what orders sign, one thread.
    struct Bounds: AsyncParsableCommand {
        @Argument(help: "A folder for a file that is synced again and again.")
        var folder: String

        private struct Line: Encodable {
            let verify, sign, syncMedian, syncWorst: Double
        }

        func run() async throws {
            let key = LedgerCommand.key(0)
            let message = [UInt8](repeating: 7, count: 160)
            let count = 4000
            var signature: [UInt8] = []
            let sign = await LedgerCommand.seconds {
                for _ in 0..<count { signature = key.sign(message) }
            }
            var isGood = true
            let verify = await LedgerCommand.seconds {
                for _ in 0..<count {
                    isGood = Ed25519.verify(signature, message: message, key: key.publicKey) && isGood
                }
            }
            guard isGood else { throw BenchError(what: "a bad signature") }
            let file = Glibc.open(folder + "/synced", O_WRONLY | O_CREAT, 0o600)
            guard file >= 0 else { throw BenchError(what: "no file") }
            defer { close(file) }
            let page = [UInt8](repeating: 1, count: 4096)
            var syncs: [Double] = []
            for _ in 0..<300 {
                syncs.append(
                    await LedgerCommand.seconds {
                        _ = write(file, page, page.count)
                        fdatasync(file)
                    })
            }
            syncs.sort()
            try LedgerCommand.print(
                Line(
                    verify: verify / Double(count), sign: sign / Double(count), syncMedian: syncs[syncs.count / 2],
                    syncWorst: syncs[syncs.count * 99 / 100]))
        }
    }

    /// A fresh currency whose granter is its authority.
    struct Bench {
        let key: SigningKey
        let charter: Charter
        let store: LedgerStore
        let service: AuthorityService

        static func open(_ path: String, key: SigningKey = LedgerCommand.key(-1), url: String = "http://bench")
            async throws
            -> Bench
        {
            var draft = CharterDraft(name: "Bench", symbol: "BNC")
            draft.capPerEpoch = 1 << 40
            let now = UInt64(Date().timeIntervalSince1970)
            let charter = try draft.charter(authority: key.publicKey, url: url, genesis: now)
            let store = try LedgerStore(path: path)
            try await store.add(charter, as: .authority, url: url, generation: 1, since: now)
            let service = try await AuthorityService(
                store: store, charter: charter, key: key, generation: 1,
                now: { UInt64(Date().timeIntervalSince1970) })
            return Bench(key: key, charter: charter, store: store, service: service)
        }

        /// Grants to accounts, 256 in an order.
        func grant(_ accounts: [AccountID], _ amount: Int64, firstSeq: UInt64) async throws {
            var orders: [AuthorityRequest] = []
            for (number, start) in stride(from: 0, to: accounts.count, by: 256).enumerated() {
                let outputs = accounts[start..<min(start + 256, accounts.count)].map {
                    Output(account: $0, amount: amount)
                }
                let order = try Order(
                    currency: charter.currency, slot: .account(key.publicKey, seq: firstSeq + UInt64(number)),
                    .grant(epoch: service.epoch, outputs))
                orders.append(.order(SignedOrder(order, signedBy: [key])))
            }
            for start in stride(from: 0, to: orders.count, by: 64) {
                try Self.check(try await service.submit(Array(orders[start..<min(start + 64, orders.count)])))
            }
        }

        static func check(_ replies: [AuthorityReply]) throws {
            for reply in replies {
                guard case .final = reply else { throw BenchError(what: "\(reply)") }
            }
        }

        /// Transfers of 1, each account's one after the other, with a reference as tips have it; signed on all cores.
        func transfers(
            _ count: Int, accounts: Range<Int>, firstSeq: UInt64 = 1, zipf: Double = 0, isPlain: Bool = false,
            isHot: Bool = false
        ) -> [SignedOrder] {
            LedgerCommand.transfers(
                charter.currency, count, accounts: accounts, firstSeq: firstSeq, zipf: zipf, isPlain: isPlain,
                isHot: isHot)
        }
    }

    static func transfers(
        _ currency: Hash32, _ count: Int, accounts: Range<Int>, firstSeq: UInt64 = 1, zipf: Double = 0,
        isPlain: Bool = false, isHot: Bool = false
    ) -> [SignedOrder] {
        let reference = isPlain ? nil : SHA256.hash(Array("a post".utf8))
        let keys = accounts.map { key($0) }
        // Payer of each, and its place: uniform, or the first ones more often.
        var weights: [Double] = []
        var sum = 0.0
        for rank in keys.indices {
            sum += zipf == 0 ? 1 : 1 / pow(Double(rank + 1), zipf)
            weights.append(sum)
        }
        var random = SystemRandomNumberGenerator()
        var next = [UInt64](repeating: firstSeq, count: keys.count)
        var plan: [(payer: Int, seq: UInt64, payee: Int)] = []
        for number in 0..<count {
            var payer = number % keys.count
            if zipf > 0 {
                let at = Double.random(in: 0..<sum, using: &random)
                var (low, high) = (0, weights.count - 1)
                while low < high {
                    let middle = (low + high) / 2
                    if weights[middle] > at { high = middle } else { low = middle + 1 }
                }
                payer = low
            }
            plan.append((payer, next[payer], isHot ? 0 : Int.random(in: keys.indices, using: &random)))
            next[payer] += 1
        }
        let plans = plan
        let results = UnsafeMutableBufferPointer<SignedOrder?>.allocate(capacity: count)
        results.initialize(repeating: nil)
        defer {
            results.deinitialize()
            results.deallocate()
        }
        nonisolated(unsafe) let places = results
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            for number in stride(from: thread, to: count, by: 2) {
                let (payer, seq, payee) = plans[number]
                let order = try? Order(
                    currency: currency, slot: .account(keys[payer].publicKey, seq: seq),
                    .transfer([Output(account: keys[payee].publicKey, amount: 1)]), reference: reference)
                places[number] = order.map { SignedOrder($0, signedBy: [keys[payer]]) }
            }
        }
        return results.compactMap { $0 }
    }

    /// One authority in this process: batches of 256, everything synced.
    struct Commit: AsyncParsableCommand {
        @Argument var folder: String
        @Option var orders = 40_000
        @Option var accounts = 10_000
        @Option var zipf = 0.0
        @Flag(help: "Orders without a reference.") var plain = false
        @Flag(help: "All are paid to one account.") var hot = false

        private struct Line: Encodable {
            let orders: Int
            let seconds, wireBytes, diskBytes: Double
        }

        func run() async throws {
            let path = folder + "/commit-\(UUID().uuidString).db"
            let bench = try await Bench.open(path)
            try await bench.grant((0..<accounts).map { LedgerCommand.key($0).publicKey }, 1_000_000, firstSeq: 1)
            let signed = bench.transfers(orders, accounts: 0..<accounts, zipf: zipf, isPlain: plain, isHot: hot)
            try await bench.store.checkpointFile()
            let before = try Self.size(path)
            // Four clients, each with payers of its own: one batch is verified while another is written.
            var streams: [[AuthorityRequest]] = [[], [], [], []]
            for order in signed { streams[Int(order.signatures[0].key.words.0 & 3)].append(.order(order)) }
            let all = streams
            let seconds = try await LedgerCommand.seconds {
                let service = bench.service
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for stream in all {
                        group.addTask {
                            for start in stride(from: 0, to: stream.count, by: 256) {
                                let batch = Array(stream[start..<min(start + 256, stream.count)])
                                try Bench.check(try await service.submit(batch))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await bench.store.checkpointFile()
            let after = try Self.size(path)
            let finals = try await bench.store.finals(
                of: bench.charter.currency, from: UInt64((accounts + 255) / 256), limit: 1000)
            let wire = Double(finals.reduce(0) { $0 + $1.count }) / Double(max(1, finals.count))
            try LedgerCommand.print(
                Line(
                    orders: orders, seconds: seconds, wireBytes: wire,
                    diskBytes: Double(after - before) / Double(orders)))
        }

        static func size(_ path: String) throws -> Int {
            var status = stat()
            guard stat(path, &status) == 0 else { throw BenchError(what: "no database") }
            return Int(status.st_size)
        }
    }

    /// One granter that issues to 256 accounts with each order, one after the other, in batches.
    struct Grants: AsyncParsableCommand {
        @Argument var folder: String
        @Option var outputs = 256_000

        private struct Line: Encodable {
            let outputs: Int
            let seconds: Double
        }

        func run() async throws {
            let bench = try await Bench.open(folder + "/grants-\(UUID().uuidString).db")
            let ids = (0..<outputs).map { SHA256.hash(Array("account \($0)".utf8)) }
            let seconds = try await LedgerCommand.seconds { try await bench.grant(ids, 1, firstSeq: 1) }
            try LedgerCommand.print(Line(outputs: outputs, seconds: seconds))
        }
    }

    /// A currency in a home that was initialised, with accounts that have something and a past.
    struct Fill: AsyncParsableCommand {
        @Argument var home: String
        @Option var accounts = 12_000
        @Option var transfers = 0

        private struct Line: Encodable {
            let currency: String
            let seconds: Double
        }

        func run() async throws {
            var file = try LedgerKeyFile(creating: home + "/keys/ledger.authority")
            try file.noteStart(1)
            let bench = try await Bench.open(home + "/db/ledger.db", key: file.key)
            try await bench.grant((0..<accounts).map { LedgerCommand.key($0).publicKey }, 1_000_000, firstSeq: 1)
            // The past is that of accounts behind those that loads use.
            let past = accounts..<accounts + 10_000
            try await bench.grant(
                past.map { LedgerCommand.key($0).publicKey }, 1_000_000, firstSeq: UInt64((accounts + 255) / 256) + 1)
            var seq: UInt64 = 1
            let seconds = try await LedgerCommand.seconds {
                var left = transfers
                while left > 0 {
                    let count = min(left, 10_000)
                    let signed = bench.transfers(count, accounts: past, firstSeq: seq)
                    for start in stride(from: 0, to: count, by: 512) {
                        try Bench.check(
                            try await bench.service.submit(
                                signed[start..<min(start + 512, count)].map { .order($0) }))
                    }
                    seq += 1
                    left -= count
                }
            }
            try LedgerCommand.print(Line(currency: bench.charter.currency.hex, seconds: seconds))
        }
    }

    /// The fold over a stored log without and with signatures.
    struct Audit: AsyncParsableCommand {
        @Argument var database: String

        private struct Line: Encodable {
            let entries: UInt64
            let fold, audit: Double
        }

        func run() async throws {
            let store = try LedgerStore(path: database)
            guard let charter = try await store.charters().first else { throw BenchError(what: "no currency") }
            let audit = StoredAudit(store)
            var entries: UInt64 = 0
            let fold = try await LedgerCommand.seconds {
                entries = try await audit.run(charter, against: nil, isQuick: true).entries
            }
            let whole = try await LedgerCommand.seconds { _ = try await audit.run(charter, against: nil) }
            try LedgerCommand.print(Line(entries: entries, fold: fold, audit: whole))
        }
    }

    /// The state root over many accounts, and again after some of them changed.
    struct Roots: AsyncParsableCommand {
        @Argument var folder: String
        @Option var accounts = 1_000_000

        private struct Line: Encodable {
            let first, again: Double
        }

        func run() async throws {
            let bench = try await Bench.open(folder + "/roots.db")
            let ids = (0..<accounts).map { SHA256.hash(Array("account \($0)".utf8)) }
            try await bench.grant(ids, 5, firstSeq: 1)
            let first = try await LedgerCommand.seconds { _ = try await bench.service.checkpoint() }
            let changed = (0..<10_000).map { ids[$0 * (accounts / 10_000)] }
            try await bench.grant(changed, 5, firstSeq: UInt64((accounts + 255) / 256) + 1)
            let again = try await LedgerCommand.seconds { _ = try await bench.service.checkpoint() }
            try LedgerCommand.print(Line(first: first, again: again))
        }
    }
}
