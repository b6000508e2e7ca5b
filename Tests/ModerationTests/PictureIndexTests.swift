import Digests
import Formats
import Foundation
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("Finding what a picture looks like among many")
struct PictureIndexTests {
    /// Numbers from a seed (splitmix64).
    private struct Numbers {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }

        mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

        mutating func hash() -> PDQHash {
            let bytes = (0..<4).flatMap { _ in withUnsafeBytes(of: next().bigEndian) { Array($0) } }
            return PDQHash(words: Hash32(bytes) ?? .zero)
        }

        /// Another that differs in so many bits.
        mutating func near(_ hash: PDQHash, bits: Int) -> PDQHash {
            var bytes = hash.words.bytes
            var flipped: Set<Int> = []
            while flipped.count < bits { flipped.insert(below(256)) }
            for bit in flipped { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
            return PDQHash(words: Hash32(bytes) ?? .zero)
        }
    }

    /// What the index is to answer.
    private func nearest(_ hashes: [(hash: PDQHash, distance: Int)], _ picture: PDQ) -> Int? {
        var best: (distance: Int, form: Int, index: Int)?
        for (form, looks) in picture.dihedral.enumerated() {
            for (index, known) in hashes.enumerated() {
                let distance = looks.distance(to: known.hash)
                guard distance <= known.distance else { continue }
                if best.map({ (distance, form, index) < ($0.distance, $0.form, $0.index) }) ?? true {
                    best = (distance, form, index)
                }
            }
        }
        return best?.index
    }

    @Test("many are found as few are: by the parts that they share", arguments: 1...3 as ClosedRange<UInt64>)
    func many(seed: UInt64) throws {
        var numbers = Numbers(state: seed)
        let hashes = (0..<PictureIndex.many + 300).map { _ in (hash: numbers.hash(), distance: numbers.below(32)) }
        var index = PictureIndex()
        for known in hashes { index.add(known.hash, distance: known.distance) }
        let plain = index
        index.finish()
        var found = 0
        for _ in 0..<60 {
            let like = hashes[numbers.below(hashes.count)]
            var forms = (0..<8).map { _ in numbers.hash() }
            forms[numbers.below(8)] = numbers.near(like.hash, bits: numbers.below(36))
            if numbers.below(3) == 0 {
                forms[numbers.below(8)] = numbers.near(hashes[0].hash, bits: hashes[0].distance)
            }
            let picture = try #require(PDQ(dihedral: forms, quality: 100))
            let expected = nearest(hashes, picture)
            #expect(index.nearest(to: picture) == expected, "seed \(seed)")
            #expect(plain.nearest(to: picture) == expected, "seed \(seed)")
            if expected != nil { found += 1 }
        }
        #expect(found > 10, "seed \(seed) finds nothing")
    }

    @Test("the farthest that counts is found wherever its bits are")
    func farthest() throws {
        var numbers = Numbers(state: 9)
        var index = PictureIndex()
        let hashes = (0..<PictureIndex.many).map { _ in numbers.hash() }
        for hash in hashes { index.add(hash, distance: 31) }
        index.finish()
        // 31 bits as even as they can be: in every part but one there are two.
        var bytes = hashes[5].words.bytes
        for part in 0..<16 {
            bytes[part * 2] ^= part == 7 ? 0 : 1
            bytes[part * 2 + 1] ^= 1
        }
        var forms = (0..<8).map { _ in numbers.hash() }
        forms[3] = PDQHash(words: try #require(Hash32(bytes)))
        #expect(forms[3].distance(to: hashes[5]) == 31)
        #expect(index.nearest(to: try #require(PDQ(dihedral: forms, quality: 100))) == 5)
        bytes[14] ^= 1
        forms[3] = PDQHash(words: try #require(Hash32(bytes)))
        #expect(index.nearest(to: try #require(PDQ(dihedral: forms, quality: 100))) == nil)
    }

    @Test(
        "whatever is blocked, lifted, allowed and scanned in whatever order, what is hidden is what a new start would hide",
        arguments: 1...4 as ClosedRange<UInt64>)
    func steps(seed: UInt64) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("looks-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("moderation.db").path
        let moderation = try Moderation(ceiling: .xxx, path: path)
        var numbers = Numbers(state: seed)
        let looks = (0..<6).map { _ in numbers.hash() }
        var scanned: [Hash32] = []
        var hides = 0
        for step in 0..<40 {
            let look = looks[numbers.below(looks.count)]
            switch numbers.below(5) {
            case 0, 1:
                let name = SHA256.hash(Array("\(seed) \(step)".utf8))
                var forms = (0..<8).map { _ in numbers.hash() }
                forms[numbers.below(8)] = numbers.near(look, bits: numbers.below(40))
                try await moderation.keep(
                    ScanRow(
                        sha256: name, verdict: .safe, format: .picture, findings: [],
                        picture: PDQ(dihedral: forms, quality: 100), scanner: "1", at: 1))
                scanned.append(name)
            case 2:
                _ = try await moderation.block(
                    [.picture(look, distance: 31)], reason: "likeness", by: "a", when: UInt64(step))
            case 3:
                _ = try await moderation.unblock(
                    subject: .picture(look, distance: 31), by: "a", when: UInt64(step))
            default:
                guard let name = scanned.last else { continue }
                let allows = numbers.below(2) == 0
                _ = try await moderation.changePolicy(at: 1) { $0.setAllowed(.exact(.blob(name)), allows) }
            }
            try await moderation.comparePictures()
            let fresh = try Moderation(ceiling: .xxx, path: path)
            try await fresh.comparePictures()
            let hidden = moderation.hiddenSubjects
            #expect(hidden == fresh.hiddenSubjects, "seed \(seed), step \(step)")
            hides += hidden.count
        }
        #expect(hides > 0, "seed \(seed) hides nothing")
    }
}
