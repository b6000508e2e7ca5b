import Digests
import Formats
import Foundation
import Moderation
import Testing

@Suite("Blocks")
struct BlockTests {
    private func withPath(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("block-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.appendingPathComponent("moderation.db").path)
    }

    private let blob = SHA256.hash(Array("blob".utf8))
    private let other = SHA256.hash(Array("other".utf8))

    @Test("a block outlives a restart, and lifting it restores exactly what was")
    func lifted() async throws {
        try await withPath { path in
            let moderation = try Moderation(ceiling: .xxx, path: path)
            let before = try await moderation.block(
                [.exact(.post(other))], reason: "spam", by: "me", when: 1)
            let rows = try await moderation.block(
                [.exact(.blob(blob)), .exact(.tensors(blob))], reason: "likeness", by: "me", when: 2)
            #expect(Set(rows.map(\.caseNumber)) == ["B-2"])

            let again = try Moderation(ceiling: .xxx, path: path)
            #expect(
                again.takedown(of: .blob(blob)) == Takedown(caseNumber: "B-2", reason: "likeness", isForGood: false))
            #expect(again.hiddenSubjects == [.post(other), .blob(blob), .tensors(blob)])
            let lifted = try await again.unblock(caseNumber: "B-2", by: "me", when: 3)
            #expect(Set(lifted) == Set(rows))
            #expect(again.blocks == before)
            #expect(try Moderation(ceiling: .xxx, path: path).blocks == before)
            // Blocked again, it is a case of its own.
            #expect(
                try await again.block([.exact(.blob(blob))], reason: "", by: "", when: 4).map(\.caseNumber) == ["B-4"])
        }
    }

    @Test("the first row of a subject stands, and a purge is stronger than a block")
    func first() async throws {
        try await withPath { path in
            let moderation = try Moderation(ceiling: .xxx, path: path)
            let rows = try await moderation.block([.exact(.blob(blob))], reason: "a", by: "me", when: 1)
            #expect(try await moderation.block([.exact(.blob(blob))], reason: "b", by: "you", when: 2) == rows)
            _ = try await moderation.purge(PurgeOrder(subjects: [.blob(blob)], reason: "c", by: "me", when: 3))
            #expect(moderation.takedown(of: .blob(blob))?.isForGood == true)
            _ = try await moderation.unblock(subject: .exact(.blob(blob)), by: "me", when: 4)
            #expect(moderation.takedown(of: .blob(blob))?.reason == "c")
            #expect(try await moderation.unblock(caseNumber: "B-9", by: "me", when: 5).isEmpty)
        }
    }

    @Test("a picture is blocked by its look, within a distance, turned or not, and never when it is flat")
    func pictures() async throws {
        try await withPath { path in
            let moderation = try Moderation(ceiling: .xxx, path: path)
            var pixels: [UInt8] = []
            for y in 0..<64 {
                for x in 0..<64 { pixels += [UInt8](repeating: UInt8((x * 5 + y * y / 3 + x * y / 7) % 256), count: 3) }
            }
            let pdq = try #require(PDQ(pixels: pixels, width: 64, height: 64))
            #expect(!moderation.blocksPictures)
            _ = try await moderation.block(
                [.picture(pdq.dihedral[3], distance: 31)], reason: "ncii", by: "me", when: 1)
            #expect(moderation.blocksPictures)
            #expect(moderation.block(lookingLike: pdq)?.caseNumber == "B-1")
            let flat = try #require(PDQ(pixels: [UInt8](repeating: 9, count: 64 * 64 * 3), width: 64, height: 64))
            #expect(moderation.block(lookingLike: flat) == nil)
            #expect(try Moderation(ceiling: .xxx, path: path).block(lookingLike: pdq) != nil)
        }
    }

    /// Any order of blocks, purges and lifting leaves what the last word on each subject says, here and after a restart.
    @Test("what stands is what was said last", arguments: 0..<20)
    func random(seed: Int) async throws {
        try await withPath { path in
            var moderation = try Moderation(ceiling: .xxx, path: path)
            var state = UInt64(seed)
            func next(_ limit: UInt64) -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return (state >> 33) % limit
            }
            var blocked: Set<Hash32> = []
            var purged: Set<Hash32> = []
            for when in 1...UInt64(40) {
                let hash = SHA256.hash([UInt8(next(6))])
                switch next(8) {
                case 0:
                    _ = try await moderation.purge(
                        PurgeOrder(subjects: [.blob(hash)], reason: "", by: "", when: when))
                    purged.insert(hash)
                case 1...4:
                    _ = try await moderation.block([.exact(.blob(hash))], reason: "", by: "", when: when)
                    blocked.insert(hash)
                case 5, 6:
                    let rows = try await moderation.unblock(subject: .exact(.blob(hash)), by: "", when: when)
                    #expect(rows.isEmpty != (blocked.remove(hash) != nil), "seed \(seed)")
                default: moderation = try Moderation(ceiling: .xxx, path: path)
                }
                #expect(
                    moderation.hiddenSubjects == Set(blocked.union(purged).map { .blob($0) }),
                    "seed \(seed), step \(when)")
            }
        }
    }
}
