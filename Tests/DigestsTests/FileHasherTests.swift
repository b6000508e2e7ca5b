import Digests
import Testing

/// CRC-32 one bit at a time.
private func slowCRC(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = .max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~crc
}

@Suite("all digests in one pass")
struct FileHasherTests {
    @Test("CRC-32 has the check value of its standard")
    func checkValue() {
        var crc = CRC32()
        Array("123456789".utf8).withUnsafeBytes { crc.update($0) }
        #expect(crc.value == 0xCBF4_3926)
    }

    @Test("CRC-32 of every short length and of portions equals the slow one")
    func crcEqualsSlow() {
        var random = Seeded(seed: 21)
        let bytes = random.bytes(600)
        for count in 0...600 {
            var crc = CRC32()
            bytes[..<count].withUnsafeBytes { crc.update($0) }
            #expect(crc.value == slowCRC(Array(bytes[..<count])), "\(count) bytes")
        }
        let long = random.bytes(100_000)
        var crc = CRC32()
        random.portions(of: long, largest: 5_000) { crc.update($0) }
        #expect(crc.value == slowCRC(long))
    }

    @Test("portions of any size give the digests of the whole", arguments: [22, 23, 24] as [UInt64])
    func portions(seed: UInt64) {
        var random = Seeded(seed: seed)
        for _ in 0..<6 {
            let bytes = random.bytes(Int.random(in: 0...4 << 20, using: &random))
            let whole = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
            var hasher = FileHasher()
            random.portions(of: bytes, largest: 300_000) { hasher.update($0) }
            #expect(hasher.finalize() == whole, "seed \(seed), \(bytes.count) bytes")
            #expect(whole.sha256 == SHA256.byOpenSSL(bytes))
            #expect(whole.size == UInt64(bytes.count))
        }
    }

    @Test("two threads' halves give the digests of one")
    func twoHalves() {
        var random = Seeded(seed: 25)
        let bytes = random.bytes(5 << 20 + 12_345)
        var hasher = FileHasher()
        bytes.withUnsafeBytes { raw in
            for range in [0..<2 << 20, 2 << 20..<5 << 20] {
                let units = UnsafeRawBufferPointer(rebasing: raw[range])
                let (digest, check) = (hasher.unitDigester(), hasher.checksDigester())
                hasher.append(digest(units), check(units))
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: raw[(5 << 20)...]))
        }
        #expect(hasher.finalize() == bytes.withUnsafeBytes { FileHasher.digests(of: $0) })
    }

    @Test("hashing goes on from an exported state", arguments: [26, 27] as [UInt64])
    func resumes(seed: UInt64) throws {
        var random = Seeded(seed: seed)
        for _ in 0..<5 {
            let bytes = random.bytes(Int.random(in: 0...3 << 20, using: &random))
            let cut = Int.random(in: 0...bytes.count, using: &random)
            var first = FileHasher()
            bytes[..<cut].withUnsafeBytes { first.update($0) }
            let state = first.exported()
            var second = try #require(FileHasher(exported: state))
            #expect(second.byteCount == UInt64(cut))
            bytes[cut...].withUnsafeBytes { second.update($0) }
            #expect(second.finalize() == bytes.withUnsafeBytes { FileHasher.digests(of: $0) })
            #expect(FileHasher(exported: state.dropLast()) == nil)
            #expect(FileHasher(exported: state + [0]) == nil)
        }
    }

    @Test("any bytes as a state are refused or taken, never a crash")
    func hostileState() {
        var random = Seeded(seed: 28)
        for _ in 0..<2_000 {
            _ = FileHasher(exported: random.bytes(Int.random(in: 0...400, using: &random)))
            _ = OrderedHasher(exported: random.bytes(Int.random(in: 0...220, using: &random)))
        }
    }

    @Test("AutoV1 is the digest of the 64 KiB at 1 MiB, or of what there is")
    func autoV1() {
        var random = Seeded(seed: 29)
        for size in [0, 1 << 20, 1 << 20 + 100, 1 << 20 + 64 << 10, 2 << 20] {
            let bytes = random.bytes(size)
            let window = bytes.dropFirst(1 << 20).prefix(64 << 10)
            let expected = UInt32(SHA256.byOpenSSL(Array(window)).words.0 >> 32)
            #expect(bytes.withUnsafeBytes { FileHasher.digests(of: $0) }.autoV1 == expected, "\(size) bytes")
        }
    }
}
