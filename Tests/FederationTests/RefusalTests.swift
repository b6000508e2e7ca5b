import Digests
import Foundation
import PostLog
import Testing
import WaggleProtocol

@testable import Federation

@Suite("What is not taken")
struct RefusalTests {
    @Test("a post is neither fetched nor offered again for as long as it was refused")
    func times() async throws {
        let folder = NSTemporaryDirectory() + "waggle-refusals-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try PeerStore(path: folder + "/peers.db")
        let peer = SHA256.hash([0])
        let results: [IntakeResult] = [
            .policy(reason: "a level"), .rate(retryAfter: 3600), .rate(retryAfter: 1), .future(retryAfter: 50),
            .unauthorised(reason: "a revoked key"), .new, .have, .invalid(reason: "bytes"), .parked(author: peer),
        ]
        let ids = results.indices.map { SHA256.hash([UInt8($0)]) }
        let refused = zip(ids, results).compactMap { id, result in
            result.refusedSeconds.map { (id: id, seconds: $0) }
        }
        try await store.remember(refusals: refused, of: peer, .refusedHere, now: 1000)

        func unwanted(_ now: UInt64) async throws -> [Int] {
            let found = try await store.refusals(among: ids, of: peer, .refusedHere, now: now)
            return ids.indices.filter { found.contains(ids[$0]) }
        }
        #expect(try await unwanted(1001) == [0, 1, 3, 4])
        #expect(try await unwanted(1051) == [0, 1, 4])
        #expect(try await unwanted(1000 + 3601) == [0])
        #expect(try await unwanted(1001 + Limits.Gossip.refusalSeconds) == [])
        #expect(try await store.refusals(among: ids, of: peer, .refusedThere, now: 1001).isEmpty)
    }
}
