import CWaggleSystem
import Digests
import Foundation
import Testing

@Suite("BLAKE3 and SHA-1", .serialized)
struct BLAKE3Tests {
    private struct Vectors: Decodable {
        struct Case: Decodable {
            let inputLength: Int
            let hash: String
        }
        let cases: [Case]
    }

    private static func vectors(here: String = #filePath) throws -> Vectors {
        let url = URL(fileURLWithPath: here).deletingLastPathComponent().appendingPathComponent("Vectors/blake3.json")
        return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
    }

    @Test("the official vectors, whole and in portions of every kind, with and without vector instructions")
    func official() throws {
        let vectors = try Self.vectors()
        #expect(vectors.cases.count == 35)
        var random = Seeded(seed: 11)
        for allowed in [1, 0] as [CInt] {
            waggle_allow_instructions(allowed)
            defer { waggle_allow_instructions(1) }
            for vector in vectors.cases {
                let input = (0..<vector.inputLength).map { UInt8($0 % 251) }
                #expect(input.withUnsafeBytes { BLAKE3.hash($0) }.hex == vector.hash, "\(vector.inputLength) bytes")
                for largest in [1_025, 70_000] {
                    var stream = BLAKE3()
                    random.portions(of: input, largest: largest) { stream.update($0) }
                    #expect(stream.digest().hex == vector.hash, "\(vector.inputLength) bytes, seed 11")
                }
            }
        }
    }

    @Test("trees of many runs are the same wide and narrow", arguments: [12, 13] as [UInt64])
    func wideEqualsNarrow(seed: UInt64) {
        var random = Seeded(seed: seed)
        for runs in 1...9 {
            let bytes = random.bytes(runs << 16 + Int.random(in: -1...1, using: &random))
            let wide = bytes.withUnsafeBytes { BLAKE3.hash($0) }
            // Portions below 64 KiB never take the wide way.
            var narrow = BLAKE3()
            random.portions(of: bytes, largest: 60_000) { narrow.update($0) }
            #expect(narrow.digest() == wide, "seed \(seed), \(bytes.count) bytes")
        }
    }

    @Test("a digest taken half way changes nothing, and a copy goes on by itself")
    func copies() {
        var random = Seeded(seed: 14)
        let bytes = random.bytes(200_000)
        bytes.withUnsafeBytes { buffer in
            var stream = BLAKE3()
            stream.update(UnsafeRawBufferPointer(rebasing: buffer[..<100_000]))
            var other = stream
            #expect(stream.digest() == BLAKE3.hash(UnsafeRawBufferPointer(rebasing: buffer[..<100_000])))
            other.update(UnsafeRawBufferPointer(rebasing: buffer[..<5]))
            stream.update(UnsafeRawBufferPointer(rebasing: buffer[100_000...]))
            #expect(stream.digest() == BLAKE3.hash(buffer))
            #expect(other.digest() != stream.digest())
        }
    }

    @Test("SHA-1 of the examples of FIPS 180-4")
    func sha1() {
        let digests = ["abc", "", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"].map { text in
            Array(text.utf8).withUnsafeBytes { Hex.encode(SHA1.hash($0)) }
        }
        #expect(
            digests == [
                "a9993e364706816aba3e25717850c26c9cd0d89d", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ])
    }
}
