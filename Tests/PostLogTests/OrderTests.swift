import Digests
import Foundation
import Identity
import PostLog
import Testing
import WaggleProtocol

/// What is in force depends on which posts are here, not on the order in which they came.
@Suite("Order of arrival")
struct OrderTests {
    @Test("any order of arrival gives the same posts in force", arguments: 0..<20)
    func anyOrder(_ seed: UInt64) async throws {
        var random = Seeded(seed: seed)
        let history = try History(&random)
        let expected = try Oracle(history.posts, blobs: history.blobs, now: 100_000).inForce
        for batch in [1, 3, 50] {
            let order = history.posts.shuffled(using: &random)
            let found = try await inForce(order, of: history, inBatchesOf: batch)
            #expect(found == expected, "seed \(seed), batches of \(batch)")
        }
    }

    /// Ids in force after these posts came in this order, in batches, and again until nothing new came of it.
    private func inForce(_ order: [SignedPost], of history: History, inBatchesOf size: Int) async throws -> Set<Hash32>
    {
        let test = try TestLog()
        for (blob, ids) in history.blobs { test.checkpoints.put(blob, ids) }
        for start in stride(from: 0, to: order.count, by: size) {
            try await test.submit(Array(order[start..<min(start + size, order.count)]))
        }
        try await test.settle(order)
        return try await test.inForce(order)
    }

    // MARK: Vectors

    struct Vectors: Codable, Equatable {
        var description =
            "What is in force (spec/post.md) once all posts of a case and the blobs of its checkpoints are here, "
            + "whatever their order, at the second now: ids in ascending order."
        var cases: [Case]
    }

    struct Case: Codable, Equatable {
        let now: UInt64
        let posts: [String]
        let blobs: [String: [Hash32]]
        let inForce: [Hash32]
    }

    private static func vectors() throws -> Vectors {
        Vectors(
            cases: try (1...3 as ClosedRange<UInt64>).map { seed in
                var random = Seeded(seed: seed)
                let history = try History(&random, spellsOut: true)
                return Case(
                    now: 100_000, posts: history.posts.map { Hex.encode($0.envelope) },
                    blobs: Dictionary(uniqueKeysWithValues: history.blobs.map { ($0.key.hex, $0.value.sorted()) }),
                    inForce: try Oracle(history.posts, blobs: history.blobs, now: 100_000).inForce.sorted())
            })
    }

    /// With `WAGGLE_WRITE_VECTORS=1` in the environment the file is written first.
    @Test("the posts of the vectors are in force as the vectors say")
    func inForceVectors() async throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Protocol/vectors/in-force.json").standardizedFileURL
        if ProcessInfo.processInfo.environment["WAGGLE_WRITE_VECTORS"] == "1" {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try (encoder.encode(Self.vectors()) + Data("\n".utf8)).write(to: url, options: .atomic)
        }
        let read = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
        #expect(try read == Self.vectors())
        for vector in read.cases {
            let test = try TestLog(now: vector.now)
            for (blob, ids) in vector.blobs { test.checkpoints.put(try #require(Hash32(hex: blob)), Set(ids)) }
            try await test.settle(
                vector.posts.reversed().map { try SignedPost(envelope: Data(try #require(Hex.decode($0)))) })
            #expect(try await test.inForce().sorted() == vector.inForce)
        }
    }
}
