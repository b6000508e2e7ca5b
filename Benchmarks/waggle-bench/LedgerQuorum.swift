import ArgumentParser
import AsyncHTTPClient
import Digests
import Foundation
import Identity
import Ledger
import NIOCore
import NIOHTTP1
import SwiftProtobuf
import WaggleProtocol

extension LedgerCommand {
    /// Four authorities, in this process or in others, and drivers that ask them all at once.
    struct Quorum: Sendable {
        let charter: Charter
        /// Grants; a client of other processes does not.
        var granter: SigningKey?
        let submit: @Sendable ([AuthorityRequest], Int) async throws -> [AuthorityReply]

        static let count = 4

        /// The first of them grants as well.
        static func charter(_ keys: [SigningKey], urls: [String], genesis: UInt64) throws -> Charter {
            var wire = WireCharter()
            wire.name = "Bench"
            wire.symbol = "BNC"
            wire.f = 1
            wire.genesisUnix = Int64(genesis)
            wire.authorities = urls.enumerated().map { index, url in
                .with {
                    $0.key = keys[index].publicKey.data
                    $0.url = url
                }
            }
            wire.granters = [
                .with {
                    $0.account = keys[0].publicKey.data
                    $0.capPerEpoch = 1 << 40
                }
            ]
            return try Charter(bytes: wire.serializedBytes())
        }

        /// Four stores in a folder, with their authorities, in this process.
        static func open(_ paths: [String], keys: [SigningKey]? = nil) async throws -> (
            quorum: Quorum, stores: [LedgerStore]
        ) {
            let keys = keys ?? paths.indices.map { LedgerCommand.key(-10 - $0) }
            let urls = paths.indices.map { "http://127.0.0.1:\($0 + 1)" }
            let now = UInt64(Date().timeIntervalSince1970)
            let charter = try charter(keys, urls: urls, genesis: now)
            var stores: [LedgerStore] = []
            var services: [AuthorityService] = []
            for (index, path) in paths.enumerated() {
                let store = try LedgerStore(path: path)
                try await store.add(charter, as: .authority, url: urls[index], generation: 1, since: now)
                stores.append(store)
                services.append(
                    try await AuthorityService(
                        store: store, charter: charter, key: keys[index], generation: 1, now: { now }))
            }
            let all = services
            return (Quorum(charter: charter, granter: keys[0]) { try await all[$1].submit($0) }, stores)
        }

        /// Brings orders of different slots to their finals, all at the same time.
        ///
        /// - Returns: the finals, and the seconds until the last of them, before they were told to everybody.
        @discardableResult
        func drive(_ orders: [SignedOrder]) async throws -> (finals: [Final], seconds: Double) {
            var told: [[AuthorityRequest]] = []
            let result = try await drive(orders, telling: &told)
            try await tell(told)
            return result
        }

        /// Tells authorities what is final.
        private func tell(_ told: [[AuthorityRequest]]) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (authority, requests) in told.enumerated() where !requests.isEmpty {
                    group.addTask { _ = try await submit(requests, authority) }
                }
                try await group.waitForAll()
            }
        }

        /// - Parameter told: finals of before, which go in the same messages as the first requests, by authority; afterwards
        ///   those of these orders.
        private func drive(_ orders: [SignedOrder], telling told: inout [[AuthorityRequest]]) async throws -> (
            finals: [Final], seconds: Double
        ) {
            let began = ContinuousClock.now
            func milliseconds() -> UInt64 { UInt64((ContinuousClock.now - began) / .milliseconds(1)) }
            var drivers = orders.map { SlotDriver($0, charter: charter, unlock: .nobody) }
            var waiting: [[(driver: Int?, request: AuthorityRequest)]] = Array(repeating: [], count: Self.count)
            for (authority, requests) in told.enumerated() { waiting[authority] = requests.map { (nil, $0) } }
            var finals: [Final] = []
            var seconds = 0.0
            func carryOut(_ effects: [SlotDriver.Effect], of driver: Int) throws {
                for effect in effects {
                    switch effect {
                    case .keep: break
                    case .send(let request, let authority): waiting[authority].append((driver, request))
                    case .ended(.final(let final)):
                        finals.append(final)
                        if finals.count == orders.count { seconds = (ContinuousClock.now - began) / .seconds(1) }
                    default: throw BenchError(what: "\(effect)")
                    }
                }
            }
            for index in drivers.indices { try carryOut(drivers[index].handle(.start, at: 0), of: index) }
            while finals.count < orders.count, waiting.contains(where: { !$0.isEmpty }) {
                let asked = waiting
                waiting = Array(repeating: [], count: Self.count)
                let answers = try await withThrowingTaskGroup(of: (Int, [AuthorityReply]).self) { group in
                    for (authority, requests) in asked.enumerated() where !requests.isEmpty {
                        group.addTask { (authority, try await submit(requests.map(\.request), authority)) }
                    }
                    return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                for (authority, replies) in answers {
                    for (asked, reply) in zip(asked[authority], replies) {
                        guard let driver = asked.driver else { continue }
                        let effects = drivers[driver].handle(.reply(reply, authority: authority), at: milliseconds())
                        try carryOut(effects, of: driver)
                    }
                }
            }
            guard finals.count == orders.count else {
                throw BenchError(what: "\(finals.count) of \(orders.count) orders became final")
            }
            told = waiting.map { $0.map(\.request) }
            return (finals, seconds)
        }

        /// Grants to accounts, 256 in an order, one order after the other.
        func grant(_ accounts: [AccountID], _ amount: Int64, firstSeq: UInt64 = 1) async throws {
            guard let key = granter else { throw BenchError(what: "nobody grants") }
            for (number, start) in stride(from: 0, to: accounts.count, by: 256).enumerated() {
                let outputs = accounts[start..<min(start + 256, accounts.count)].map {
                    Output(account: $0, amount: amount)
                }
                let order = try Order(
                    currency: charter.currency, slot: .account(key.publicKey, seq: firstSeq + UInt64(number)),
                    .grant(epoch: 0, outputs))
                try await drive([SignedOrder(order, signedBy: [key])])
            }
        }

        /// Orders of each account one after the other, of all accounts of a lane at once, in some lanes.
        func drive(_ orders: [SignedOrder], accounts: Int, lanes: Int) async throws -> Double {
            try await LedgerCommand.seconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<lanes {
                        group.addTask {
                            var told: [[AuthorityRequest]] = []
                            for round in stride(from: 0, to: orders.count, by: accounts) {
                                let all = orders[round..<min(round + accounts, orders.count)]
                                let own = all.enumerated().filter { $0.offset % lanes == lane }.map(\.element)
                                if !own.isEmpty { _ = try await drive(own, telling: &told) }
                            }
                            try await tell(told)
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    /// Four authorities in this process.
    struct QuorumCommit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "quorum-commit")

        @Argument var folder: String
        @Option var orders = 4000
        @Option(help: "Accounts whose orders are under way at once.") var accounts = 64
        @Option(help: "Tasks that share them.") var lanes = 4
        @Flag(help: "All are paid to one account.") var hot = false
        @Flag(help: "Orders with a reference.") var reference = false

        private struct Line: Encodable {
            let orders: Int
            let seconds, wireBytes, diskBytes: Double
        }

        func run() async throws {
            let name = UUID().uuidString
            let paths = (0..<Quorum.count).map { "\(folder)/quorum-\(name)-\($0).db" }
            let (quorum, stores) = try await Quorum.open(paths)
            try await quorum.grant((0..<accounts).map { LedgerCommand.key($0).publicKey }, 1_000_000)
            let signed = LedgerCommand.transfers(
                quorum.charter.currency, orders, accounts: 0..<accounts, isPlain: !reference, isHot: hot)
            try await stores[0].checkpointFile()
            let before = try Commit.size(paths[0])
            let seconds = try await quorum.drive(signed, accounts: accounts, lanes: lanes)
            try await stores[0].checkpointFile()
            let after = try Commit.size(paths[0])
            let finals = try await stores[0].finals(of: quorum.charter.currency, from: 1, limit: 1000)
            let wire = Double(finals.reduce(0) { $0 + $1.count }) / Double(max(1, finals.count))
            try LedgerCommand.print(
                Line(
                    orders: orders, seconds: seconds, wireBytes: wire,
                    diskBytes: Double(after - before) / Double(orders)))
        }
    }

    /// A granter that issues to 256 accounts with each order.
    struct QuorumGrant: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "quorum-grant")

        @Argument var folder: String
        @Option var outputs = 25_600

        private struct Line: Encodable {
            let outputs: Int
            let seconds: Double
        }

        func run() async throws {
            let name = UUID().uuidString
            let (quorum, _) = try await Quorum.open((0..<Quorum.count).map { "\(folder)/grant-\(name)-\($0).db" })
            let accounts = (0..<outputs).map { SHA256.hash(Array("account \($0)".utf8)) }
            let seconds = try await LedgerCommand.seconds { try await quorum.grant(accounts, 1) }
            try LedgerCommand.print(Line(outputs: outputs, seconds: seconds))
        }
    }

    /// A currency of four initialised homes, with accounts that have something.
    struct QuorumFill: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "quorum-fill")

        @Argument(help: "Four homes.") var homes: [String]
        @Option var accounts = 512
        @Option(help: "Transfers of the past.") var transfers = 0

        private struct Line: Encodable {
            let currency: String
        }

        func run() async throws {
            guard homes.count == Quorum.count else { throw BenchError(what: "four homes make a quorum") }
            var keys: [SigningKey] = []
            for home in homes {
                var file = try LedgerKeyFile(creating: home + "/keys/ledger.authority")
                try file.noteStart(1)
                keys.append(file.key)
            }
            let (quorum, _) = try await Quorum.open(homes.map { $0 + "/db/ledger.db" }, keys: keys)
            try await quorum.grant((0..<accounts).map { LedgerCommand.key($0).publicKey }, 1_000_000)
            // The past is that of accounts behind those that loads use.
            let past = accounts..<accounts + 256
            try await quorum.grant(
                past.map { LedgerCommand.key($0).publicKey }, 1_000_000, firstSeq: UInt64((accounts + 255) / 256) + 1)
            let signed = LedgerCommand.transfers(quorum.charter.currency, transfers, accounts: past)
            _ = try await quorum.drive(signed, accounts: past.count, lanes: 2)
            try LedgerCommand.print(Line(currency: quorum.charter.currency.hex))
        }
    }

    /// A client of four nodes over loopback HTTP.
    struct QuorumLoad: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "quorum-load")

        @Argument(help: "The home of one of the nodes, for its charter.") var home: String
        @Argument(help: "Ports of this machine, in the charter's order.") var ports: [Int]
        @Option var orders = 2000
        @Option var accounts = 64
        @Option var lanes = 4
        @Option(help: "The first account that this run may use.") var from = 0

        private struct Line: Encodable {
            let orders: Int
            let seconds: Double
            /// From the order to its final, where there is one account.
            let median: Double
        }

        func run() async throws {
            guard ports.count == Quorum.count,
                let charter = try await LedgerStore(path: home + "/db/ledger.db").charters().first
            else { throw BenchError(what: "four ports and a currency make a quorum") }
            let http = HTTPClient(eventLoopGroupProvider: .singleton)
            let ports = ports
            let quorum = Quorum(charter: charter) { requests, authority in
                var request = HTTPClientRequest(url: "http://127.0.0.1:\(ports[authority])/w/1/buzz/requests")
                request.method = .POST
                request.headers.add(name: "Content-Type", value: "application/x-protobuf")
                request.body = .bytes(ByteBuffer(bytes: RequestBatch.encode(requests, in: charter.currency)))
                let response = try await http.execute(request, timeout: .seconds(30))
                let body = try await response.body.collect(upTo: 64 << 20)
                guard response.status == .ok else { throw BenchError(what: "\(response.status)") }
                return try ReplyBatch.decode(Data(body.readableBytesView))
            }
            let signed = LedgerCommand.transfers(
                charter.currency, orders, accounts: from..<from + accounts, isPlain: true)
            var latencies: [Double] = []
            let seconds: Double
            if accounts == 1 {
                seconds = try await LedgerCommand.seconds {
                    for order in signed { latencies.append(try await quorum.drive([order]).seconds) }
                }
            } else {
                seconds = try await quorum.drive(signed, accounts: accounts, lanes: lanes)
            }
            try await http.shutdown()
            latencies.sort()
            try LedgerCommand.print(
                Line(
                    orders: orders, seconds: seconds,
                    median: latencies.isEmpty ? 0 : latencies[latencies.count / 2]))
        }
    }
}
