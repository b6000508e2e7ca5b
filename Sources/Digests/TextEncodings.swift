/// Base 16 (RFC 4648 section 8), written in lower case.
public enum Hex {
    private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var at = 0
            for byte in bytes {
                buffer[at] = digits[Int(byte >> 4)]
                buffer[at + 1] = digits[Int(byte & 15)]
                at += 2
            }
            return at
        }
    }

    /// Nil when a character is no hexadecimal digit, the length is odd, or `count` (in bytes) is given and differs.
    public static func decode(_ text: some StringProtocol, count: Int? = nil) -> [UInt8]? {
        let characters = text.utf8
        guard characters.count % 2 == 0, count == nil || characters.count == count! * 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 2)
        var high: UInt8?
        for character in characters {
            guard let digit = value(of: character) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x61...0x66: character - 0x61 + 10
        case 0x41...0x46: character - 0x41 + 10
        default: nil
        }
    }
}

/// Base 32 (RFC 4648 section 6) in lower case and without padding: the text form of author ids.
public enum Base32 {
    private static let alphabet: [UInt8] = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        var pending: UInt32 = 0
        var bits = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(pending >> UInt32(bits) & 31)])
            }
            pending &= (1 << UInt32(bits)) - 1
        }
        if bits > 0 {
            text.append(alphabet[Int(pending << UInt32(5 - bits) & 31)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Takes either case; nil for a foreign character, an impossible length, or bits left over that are not zero
    /// (two texts must not mean one value).
    public static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var pending: UInt32 = 0
        var bits = 0
        for character in text.utf8 {
            let digit: UInt32
            switch character {
            case 0x61...0x7a: digit = UInt32(character - 0x61)
            case 0x41...0x5a: digit = UInt32(character - 0x41)
            case 0x32...0x37: digit = UInt32(character - 0x32 + 26)
            default: return nil
            }
            pending = pending << 5 | digit
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(bits)))
                pending &= (1 << UInt32(bits)) - 1
            }
        }
        guard bits < 5, pending == 0 else { return nil }
        return bytes
    }
}
