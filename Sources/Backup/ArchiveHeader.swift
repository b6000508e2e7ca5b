import FoundationEssentials

/// The 512 bytes before a member of a backup: a ustar header (POSIX.1-1988, IEEE Std 1003.1), so that stock `tar` lists and
/// unpacks a backup. Only what backups need: regular files with fixed owner, mode and time. A size of 8 GiB and more is in
/// base 256, as GNU tar and libarchive write it.
struct ArchiveHeader: Equatable {
    static let blockBytes = 512

    let name: String
    let size: UInt64

    /// Zeros that fill the last block of a member.
    var padding: Int { Int((UInt64(Self.blockBytes) - size % UInt64(Self.blockBytes)) % UInt64(Self.blockBytes)) }

    var bytes: [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000600\0", at: 100)
        put("0000000\0", at: 108)
        put("0000000\0", at: 116)
        if size < 1 << 33 {
            put(Self.octal(size, digits: 11) + "\0", at: 124)
        } else {
            block[124] = 0x80
            for index in 0..<8 { block[128 + index] = UInt8(truncatingIfNeeded: size >> UInt64(56 - 8 * index)) }
        }
        put("00000000000\0", at: 136)
        block[156] = UInt8(ascii: "0")
        put("ustar\0" + "00", at: 257)
        put(Self.octal(Self.checksum(block), digits: 6) + "\0 ", at: 148)
        return block
    }

    init(name: String, size: UInt64) {
        precondition(name.utf8.count <= 100, "a member's name has at most 100 bytes")
        self.name = name
        self.size = size
    }

    /// Why a block is no header that this project writes.
    struct Failure: Error, Equatable {
        let what: String
    }

    /// Reads a header. Anything but the one encoding that `bytes` has is refused.
    init(_ block: [UInt8]) throws(Failure) {
        let name = block[..<100].prefix { $0 != 0 }
        guard let name = String(validating: name, as: UTF8.self), !name.isEmpty else {
            throw Failure(what: "a member without a name")
        }
        let size: UInt64
        if block[124] == 0x80 {
            size = block[128..<136].reduce(0) { $0 << 8 | UInt64($1) }
        } else {
            guard block[124..<135].allSatisfy({ (0x30...0x37).contains($0) }) else {
                throw Failure(what: "a member without a size")
            }
            size = block[124..<135].reduce(0) { $0 << 3 | UInt64($1 - 0x30) }
        }
        guard size < 1 << 62 else { throw Failure(what: "a member that is larger than any disk") }
        self.init(name: name, size: size)
        guard bytes == block else {
            throw Failure(what: "the header of \"\(MemberName.shown(name))\" is not as it was written")
        }
    }

    private static func octal(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The sum of all bytes with spaces in the place of the sum.
    private static func checksum(_ block: [UInt8]) -> UInt64 {
        block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : UInt64($1.element)) }
    }
}
