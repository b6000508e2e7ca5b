import Digests
import Formats
import Foundation
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("What scanners said")
struct ScanTests {
    private func withModeration(_ body: (Moderation, String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("scan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("moderation.db").path
        try await body(try Moderation(ceiling: .xxx, path: path), path)
    }

    /// A picture with this hash, and some other bits in its turned forms.
    private func picture(_ mark: UInt8, flipping bits: Int = 0, quality: Int = 100) throws -> PDQ {
        var bytes = SHA256.hash([mark]).bytes
        for bit in 0..<bits { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
        let first = PDQHash(words: try #require(Hash32(bytes)))
        let others = (1..<8).map { PDQHash(words: SHA256.hash([mark, UInt8($0)])) }
        return try #require(PDQ(dihedral: [first] + others, quality: quality))
    }

    private func row(
        _ name: UInt8, _ verdict: ScanVerdict = .safe, _ picture: PDQ? = nil, scanner: String = "1", at: UInt64 = 7
    ) -> ScanRow {
        ScanRow(
            sha256: SHA256.hash([200, name]), verdict: verdict, format: picture == nil ? .pickle : .picture,
            findings: verdict == .safe ? [] : [ScanFinding(.program, verdict, at: 3, "a program")],
            picture: picture, scanner: scanner, at: at)
    }

    @Test("the newest scan of a file is kept, and other scanners look at it again")
    func kept() async throws {
        try await withModeration { moderation, path in
            let look = try picture(1)
            #expect(try await moderation.keep(row(1)) == nil)
            #expect(try await moderation.keep(row(1, .danger, scanner: "1 clamd", at: 9)) == row(1))
            try await moderation.keep(row(2, .safe, look))
            let again = try Moderation(ceiling: .xxx, path: path)
            #expect(try await again.scan(of: row(1).sha256)?.worst?.detail == "a program")
            #expect(try await again.scan(of: row(2).sha256)?.picture == look)
            #expect(try await again.badScans().map(\.sha256) == [row(1).sha256])
            let all = [row(1).sha256, row(2).sha256, row(3).sha256]
            #expect(try await again.unscanned(all, by: "1") == [all[0], all[2]])
        }
    }

    @Test("scans of several files are kept together, each beside what was said of it before")
    func together() async throws {
        try await withModeration { moderation, _ in
            try await moderation.keep(row(2, .malformed))
            let rows = [row(1), row(2, .danger, at: 8), row(3, .safe, try picture(1)), row(1, .danger, at: 9)]
            #expect(try await moderation.keep(rows) == [nil, row(2, .malformed), nil, row(1)])
            #expect(Set(try await moderation.badScans().map(\.sha256)) == [row(1).sha256, row(2).sha256])
            #expect(try await moderation.keep([]).isEmpty)
        }
    }

    @Test(
        "pictures that look like a blocked one are hidden, those of before and of later, until it is lifted or allowed")
    func lookalikes() async throws {
        try await withModeration { moderation, _ in
            let near = try picture(1, flipping: 20)
            let far = try picture(1, flipping: 40)
            try await moderation.keep(row(1, .safe, near))
            try await moderation.keep(row(2, .safe, far))
            try await moderation.keep(row(3, .safe, try picture(1, quality: 49)))
            let hash = try picture(1).hash
            _ = try await moderation.block(
                [.picture(hash, distance: 31)], reason: "likeness", by: "operator", when: 5)
            try await moderation.comparePictures()
            let names = [1, 2, 3, 4].map { ModerationSubject.blob(row($0).sha256) }
            #expect(names.map { moderation.takedown(of: $0)?.caseNumber } == ["B-1", nil, nil, nil])
            #expect(moderation.takedown(of: names[0])?.isForGood == false)
            #expect(moderation.hiddenSubjects.contains(names[0]))
            // One that comes later, mirrored.
            let turned = try #require(PDQ(dihedral: Array(near.dihedral.reversed()), quality: 80))
            try await moderation.keep(row(4, .safe, turned))
            #expect(moderation.takedown(of: names[3])?.caseNumber == "B-1")
            _ = try await moderation.changePolicy(at: 6) { $0.setAllowed(.exact(names[0]), true) }
            try await moderation.comparePictures()
            #expect(moderation.takedown(of: names[0]) == nil && moderation.takedown(of: names[3]) != nil)
            _ = try await moderation.changePolicy(at: 6) { $0.setAllowed(.exact(names[0]), false) }
            try await moderation.comparePictures()
            #expect(moderation.takedown(of: names[0]) != nil)
            _ = try await moderation.unblock(caseNumber: "B-1", by: "operator", when: 8)
            try await moderation.comparePictures()
            #expect(names.allSatisfy { moderation.takedown(of: $0) == nil } && moderation.hiddenSubjects.isEmpty)
        }
    }

    @Test("what is near a picture is found, the nearest first, flat pictures never")
    func near() async throws {
        try await withModeration { moderation, _ in
            for (name, bits) in [(UInt8(1), 30), (2, 3), (3, 32)] {
                try await moderation.keep(row(name, .safe, try picture(1, flipping: bits)))
            }
            try await moderation.keep(row(4, .safe, try picture(1, quality: 10)))
            let found = try await moderation.pictures(near: [try picture(1).hash])
            #expect(found.map(\.sha256) == [row(2).sha256, row(1).sha256] && found.map(\.distance) == [3, 30])
            #expect(try await moderation.pictures(near: []).isEmpty)
        }
    }
}
