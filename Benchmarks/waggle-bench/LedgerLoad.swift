import ArgumentParser
import Digests
import Foundation
import Glibc
import Ledger
import Synchronization

extension LedgerCommand {
    /// Clients that each send one order a request over a connection of their own, and wait for the answer.
    struct Load: AsyncParsableCommand {
        @Argument(help: "Port of this machine.") var port: UInt16
        @Argument var currency: String
        @Option var clients = 64
        @Option var seconds = 5.0
        @Option(help: "Requests a second of all clients together; 0: as fast as answers come.") var rate = 0.0
        @Option(help: "The first account that this run may use.") var from = 0
        @Option(help: "Accounts of each client.") var perClient = 16
        @Option(help: "Orders that are signed for each client before it begins.") var orders = 800

        private struct Line: Encodable {
            let answered, refused, failed: Int
            let seconds, median, worst: Double
        }

        private struct Tally: Sendable {
            var latencies: [Double] = []
            var refused = 0
            var failed = 0
            var ended = 0.0
        }

        func run() async throws {
            guard let id = Hash32(hex: currency) else { throw BenchError(what: "no currency") }
            var requests: [[[UInt8]]] = []
            for client in 0..<clients {
                let first = from + client * perClient
                let signed = LedgerCommand.transfers(id, orders, accounts: first..<first + perClient)
                requests.append(signed.map { Self.request(OrderBatch.encode([$0])) })
            }
            let all = requests
            let tallies = Mutex([Tally](repeating: Tally(), count: clients))
            let (connected, group, start) = (DispatchGroup(), DispatchGroup(), DispatchSemaphore(value: 0))
            let begins = Mutex(ContinuousClock.now)
            for client in 0..<clients {
                connected.enter()
                group.enter()
                Thread.detachNewThread { [self] in
                    let connection = try? LoadConnection(port: port, room: 8192)
                    connected.leave()
                    start.wait()
                    let tally = drive(all[client], connection, begins.withLock(\.self))
                    tallies.withLock { $0[client] = tally }
                    group.leave()
                }
            }
            // The clock begins when all are connected: an order waits for no handshake.
            await withCheckedContinuation { done in connected.notify(queue: .global()) { done.resume() } }
            begins.withLock { $0 = .now }
            for _ in 0..<clients { start.signal() }
            await withCheckedContinuation { done in group.notify(queue: .global()) { done.resume() } }
            let found = tallies.withLock { $0 }
            let latencies = found.flatMap(\.latencies).sorted()
            guard !latencies.isEmpty else { throw BenchError(what: "nothing was answered") }
            try LedgerCommand.print(
                Line(
                    answered: latencies.count, refused: found.reduce(0) { $0 + $1.refused },
                    failed: found.reduce(0) { $0 + $1.failed }, seconds: found.map(\.ended).max() ?? 0,
                    median: latencies[latencies.count / 2], worst: latencies[latencies.count * 99 / 100]))
        }

        private static func request(_ body: Data) -> [UInt8] {
            Array(
                "POST /w/1/buzz/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: \(body.count)\r\n\r\n"
                    .utf8) + body
        }

        private func drive(
            _ requests: [[UInt8]], _ connection: consuming LoadConnection?, _ began: ContinuousClock.Instant
        ) -> Tally {
            var tally = Tally()
            guard var connection else {
                tally.failed += 1
                return tally
            }
            let pause = rate > 0 ? Double(clients) / rate : 0
            var due = Double.random(in: 0...max(pause, 1e-9))
            func now() -> Double { (ContinuousClock.now - began) / .seconds(1) }
            var waiting = requests[...]
            while let request = waiting.first, now() < seconds {
                if pause > 0 {
                    let early = due - now()
                    if early > 0 { usleep(UInt32(early * 1e6)) }
                }
                // Open loop: what waits since it was due counts as waiting.
                let start = pause > 0 ? due : now()
                due += pause
                guard let answer = try? connection.exchange(request) else {
                    tally.failed += 1
                    break
                }
                let status = answer.status
                if status == 200, Self.isFinal(answer) {
                    tally.latencies.append(now() - start)
                    waiting = waiting.dropFirst()
                } else if status == 429 || status == 503 {
                    // The order is sent again: its chain has no gap.
                    tally.refused += 1
                    usleep(20_000)
                } else {
                    tally.failed += 1
                    break
                }
            }
            tally.ended = now()
            return tally
        }

        /// Whether the answer is a batch of one reply, and that one a final: field 1 of the batch, field 1 of the reply
        /// (Protocol/proto). A client of its own has to read no more before it sends the next order.
        private static func isFinal(_ answer: LoadConnection.Answer) -> Bool {
            let bytes = answer.beginning
            // Longer than 127 bytes, shorter than 16,384: a length of two bytes.
            guard bytes.count >= 4, bytes[0] == 0x0a, bytes[1] >= 0x80, bytes[2] < 0x80, bytes[3] == 0x0a else {
                return false
            }
            return answer.length == 3 + (Int(bytes[1] & 0x7f) | Int(bytes[2]) << 7)
        }
    }
}
