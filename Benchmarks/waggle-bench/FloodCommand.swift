import ArgumentParser
import AsyncHTTPClient
import Digests
import Federation
import Foundation
import Identity
import Synchronization
import WaggleProtocol

/// What keys buy that cost nothing: made-up nodes hand in made-up people, as many as they can.
struct FloodCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flood",
        abstract: "Hand fresh keys in at a node, from nodes that nobody knows; JSON of what it took.")

    @Argument(help: "The node's URL.")
    var url: String

    @Option(help: "Fresh keys.")
    var keys = 1_000_000

    @Option(help: "Nodes that send at once.")
    var senders = 16

    private struct Result: Encodable {
        let keys: Int
        let seconds: Double
        /// Key documents that the node stored.
        let taken: Int
        /// Node ids that were used up: who is no longer listened to comes under a new one.
        let nodes: Int
    }

    /// Posts of one request.
    private static let batch = 500
    private static let http = HTTPClient(eventLoopGroupProvider: .singleton)

    func run() async throws {
        let address = try PeerURL(url)
        let tally = Tally()
        let began = ContinuousClock.now
        let keys = keys
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<senders {
                group.addTask {
                    while tally.sent < keys {
                        try await Self.attack(address) { sent, taken in tally.count(sent, taken) < keys }
                        tally.countNode()
                    }
                }
            }
            try await group.waitForAll()
        }
        let result = Result(
            keys: tally.sent, seconds: (ContinuousClock.now - began) / .seconds(1), taken: tally.taken,
            nodes: tally.nodes)
        print(String(decoding: try JSONEncoder().encode(result), as: UTF8.self))
        try await Self.http.shutdown()
    }

    /// Sends as one made-up node until that is refused, or `goesOn` says that it is enough.
    private static func attack(_ address: PeerURL, goesOn: @Sendable (_ sent: Int, _ taken: Int) -> Bool)
        async throws
    {
        let now = UInt64(Date().timeIntervalSince1970)
        let client = NodeClient(url: address, http: http, identity: try NodeIdentity.passing(now: now).identity) {
            UInt64(Date().timeIntervalSince1970)
        }
        while true {
            let people = try (0..<batch).map { _ in try RecoverySecret.random().genesis(.person).envelope }
            do {
                let results = try await client.give(people, naming: []).results
                guard goesOn(people.count, results.count { $0.status == .new }) else { return }
            } catch {
                _ = goesOn(people.count, 0)
                return
            }
        }
    }
}

/// What all senders did together.
private final class Tally: Sendable {
    private let counts = Mutex((sent: 0, taken: 0, nodes: 0))

    var sent: Int { counts.withLock { $0.sent } }
    var taken: Int { counts.withLock { $0.taken } }
    var nodes: Int { counts.withLock { $0.nodes } }

    /// - Returns: how many keys were sent by now.
    func count(_ sent: Int, _ taken: Int) -> Int {
        counts.withLock { counts in
            counts.sent += sent
            counts.taken += taken
            return counts.sent
        }
    }

    func countNode() { counts.withLock { $0.nodes += 1 } }
}
