import CWaggleSystem
import Digests
import Testing

@Suite("SHA-256 as a value")
struct SHA256StreamTests {
    @Test("bytes in any portions give OpenSSL's digest", arguments: [1, 2, 3, 4] as [UInt64])
    func equalsOpenSSL(seed: UInt64) {
        var random = Seeded(seed: seed)
        for _ in 0..<60 {
            let bytes = random.bytes(Int.random(in: 0...40_000, using: &random))
            var stream = SHA256Stream()
            random.portions(of: bytes, largest: 9_000) { stream.update($0) }
            #expect(stream.digest() == SHA256.byOpenSSL(bytes), "seed \(seed), \(bytes.count) bytes")
            #expect(stream.byteCount == UInt64(bytes.count))
        }
    }

    @Test("every length up to three blocks is padded as FIPS 180-4 says")
    func everyShortLength() {
        var random = Seeded(seed: 5)
        let bytes = random.bytes(192)
        for count in 0...192 {
            let message = Array(bytes[0..<count])
            let digest = message.withUnsafeBytes { SHA256Stream().updated($0).digest() }
            #expect(digest == SHA256.byOpenSSL(message), "\(count) bytes")
        }
    }

    @Test("a message in memory, with a prefix or without, has OpenSSL's digest", arguments: [1, 0])
    func messages(allowed: CInt) {
        waggle_allow_instructions(allowed)
        defer { waggle_allow_instructions(1) }
        var random = Seeded(seed: 21)
        let bytes = random.bytes(5_000)
        for count in Array(0...200) + [4_095, 4_096, 5_000] {
            let message = Array(bytes[0..<count])
            #expect(SHA256.hash(message) == SHA256.byOpenSSL(message), "\(count) bytes")
            let prefix = Array(bytes[0..<count % 70])
            #expect(SHA256.hash(prefix, message) == SHA256.byOpenSSL(prefix + message), "\(count) bytes")
        }
    }

    @Test(
        "two streams that absorb the same bytes have the digests of each alone, wherever they stand", arguments: [1, 0])
    func twoStreams(allowed: CInt) {
        waggle_allow_instructions(allowed)
        defer { waggle_allow_instructions(1) }
        var random = Seeded(seed: 15)
        for _ in 0..<60 {
            let before = random.bytes(Int.random(in: 0...200, using: &random))
            let bytes = random.bytes(Int.random(in: 0...5_000, using: &random))
            var first = before.withUnsafeBytes { SHA256Stream().updated($0) }
            var second = SHA256Stream()
            random.portions(of: bytes, largest: 2_000) { SHA256Stream.update(&first, &second, $0) }
            #expect(first.digest() == SHA256.byOpenSSL(before + bytes), "seed 15")
            #expect(second.digest() == SHA256.byOpenSSL(bytes), "seed 15")
        }
    }

    /// Other tests may run meanwhile: they get the same digests either way.
    @Test("without the instructions of this processor the digests are the same, as on any other")
    func fallsBack() {
        waggle_allow_instructions(0)
        defer { waggle_allow_instructions(1) }
        #expect(waggle_sha256_accelerated() == 0)
        equalsOpenSSL(seed: 9)
        lanesEqualOpenSSL()
        var random = Seeded(seed: 10)
        let bytes = random.bytes(5_000)
        var slow = CRC32()
        bytes.withUnsafeBytes { slow.update($0) }
        waggle_allow_instructions(1)
        var fast = CRC32()
        bytes.withUnsafeBytes { fast.update($0) }
        #expect(slow == fast)
    }

    @Test("messages hashed one, two and four at once have OpenSSL's digests, alone and beside a stream")
    func lanesEqualOpenSSL() {
        var random = Seeded(seed: 6)
        for count in 1...9 {
            for length in [64, 128, 1024, 16 << 10] {
                let bytes = random.bytes(count * length)
                let expected = (0..<count).flatMap {
                    SHA256.byOpenSSL(Array(bytes[$0 * length..<($0 + 1) * length])).bytes
                }
                var digests = [UInt8](repeating: 0, count: count * 32)
                waggle_sha256_messages(bytes, length, count, &digests)
                #expect(digests == expected, "\(count) messages of \(length) bytes")

                var state = [UInt32](repeating: 0, count: 8)
                waggle_sha256_start(&state)
                digests = [UInt8](repeating: 0, count: count * 32)
                waggle_sha256_stream_and_messages(&state, bytes, length, count, &digests)
                #expect(digests == expected, "\(count) messages of \(length) bytes beside a stream")
                var alone = [UInt32](repeating: 0, count: 8)
                waggle_sha256_start(&alone)
                waggle_sha256_blocks(&alone, bytes, count * length / 64)
                #expect(state == alone)
            }
        }
    }

    @Test("a stream goes on from its exported state", arguments: [7, 8] as [UInt64])
    func resumes(seed: UInt64) throws {
        var random = Seeded(seed: seed)
        for _ in 0..<50 {
            let bytes = random.bytes(Int.random(in: 0...5_000, using: &random))
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let first = bytes[..<cut].withUnsafeBytes { SHA256Stream().updated($0) }
            var second = try #require(SHA256Stream(exported: first.exported()))
            bytes[cut...].withUnsafeBytes { second.update($0) }
            #expect(second.digest() == SHA256.byOpenSSL(bytes), "seed \(seed), \(bytes.count) bytes cut at \(cut)")
        }
    }

    @Test("a damaged state is refused")
    func refusesDamage() {
        let state = [UInt8]("waggle".utf8).withUnsafeBytes { SHA256Stream().updated($0) }.exported()
        #expect(SHA256Stream(exported: state.dropLast()) == nil)
        #expect(SHA256Stream(exported: state + [0]) == nil)
        #expect(SHA256Stream(exported: [UInt8]()) == nil)
    }
}
