import ArgumentParser
import Digests
import Foundation
import Ledger

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

        /// One client, and what came of it.
        private struct Client {
            /// The next is sent first.
            var orders: ArraySlice<[UInt8]>
            /// When the next is sent, in seconds; nil while an answer is awaited, or nothing follows.
            var due: Double?
            /// When what is awaited was sent, or was due.
            var began = 0.0
            var isWaiting = false
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
            let found = try drive(requests)
            let latencies = found.latencies.sorted()
            guard !latencies.isEmpty else { throw BenchError(what: "nothing was answered") }
            try LedgerCommand.print(
                Line(
                    answered: latencies.count, refused: found.refused, failed: found.failed, seconds: found.ended,
                    median: latencies[latencies.count / 2], worst: latencies[latencies.count * 99 / 100]))
        }

        private static func request(_ body: Data) -> [UInt8] {
            Array(
                "POST /w/1/buzz/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-protobuf\r\nContent-Length: \(body.count)\r\n\r\n"
                    .utf8) + body
        }

        /// Blocks until the time is over and everything under way is answered.
        private func drive(_ requests: [[[UInt8]]]) throws -> Tally {
            var tally = Tally()
            let pause = rate > 0 ? Double(clients) / rate : 0
            var crowd = try LoadCrowd(port: port, count: clients)
            // The clock begins when all are connected: an order waits for no handshake.
            let began = ContinuousClock.now
            func now() -> Double { (ContinuousClock.now - began) / .seconds(1) }
            var crew = requests.map { Client(orders: $0[...], due: Double.random(in: 0...max(pause, 1e-9))) }
            while true {
                let time = now()
                var next = seconds
                for index in crew.indices {
                    guard let due = crew[index].due else { continue }
                    guard time < seconds, let order = crew[index].orders.first else {
                        crew[index].due = nil
                        continue
                    }
                    guard due <= time else {
                        next = min(next, due)
                        continue
                    }
                    // Open loop: what waits since it was due counts as waiting.
                    crew[index].began = pause > 0 ? due : time
                    crew[index].due = nil
                    crew[index].isWaiting = crowd.send(order, over: index)
                    if !crew[index].isWaiting { tally.failed += 1 }
                }
                if crew.allSatisfy({ !$0.isWaiting && (time >= seconds || $0.due == nil) }) { break }
                for arrival in crowd.answers(within: time < seconds ? next - time : 60) {
                    let index = arrival.connection
                    // A node may close a connection that has nothing to do.
                    guard crew[index].isWaiting else { continue }
                    crew[index].isWaiting = false
                    tally.ended = now()
                    if let answer = arrival.answer, answer.status == 200, Self.isFinal(answer) {
                        tally.latencies.append(tally.ended - crew[index].began)
                        crew[index].orders.removeFirst()
                        crew[index].due = pause > 0 ? crew[index].began + pause : tally.ended
                    } else if let status = arrival.answer?.status, status == 429 || status == 503 {
                        // The order is sent again: its chain has no gap.
                        tally.refused += 1
                        crew[index].due = tally.ended + 0.02
                    } else {
                        tally.failed += 1
                    }
                }
            }
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
