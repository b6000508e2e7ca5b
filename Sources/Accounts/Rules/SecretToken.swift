public import Digests

/// A secret that opens a door by being shown: an API token, a session, an invite, the set-up token.
///
/// `wgl_`, a letter for what it opens, 32 random bytes in base 62, and a checksum of six digits, so that a scanner for
/// leaked secrets recognises one without asking, and a slip of the pen is no failed attempt. Only its hash is stored.
public struct SecretToken: Sendable, Hashable {
    public enum Kind: Character, Sendable, CaseIterable {
        case api = "t"
        case session = "s"
        case invite = "i"
        case setup = "u"
    }

    public let kind: Kind
    /// What the bearer shows.
    public let text: String

    /// What is stored.
    public var hash: Hash32 { SHA256.hash(Array(text.utf8)) }

    private static let prefix = "wgl_"
    /// 62^43 > 2^256.
    private static let digits = 43
    private static let checkDigits = 6
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// - Parameter entropy: 32 random bytes.
    public init(_ kind: Kind, entropy: [UInt8]) {
        let body = Self.prefix + String(kind.rawValue) + Self.base62(entropy, digits: Self.digits)
        self.kind = kind
        text = body + Self.check(body)
    }

    /// Nil for anything that this program did not make: asking the database about it would be no use.
    public init?(_ text: String, _ kind: Kind) {
        let length = Self.prefix.utf8.count + 1 + Self.digits + Self.checkDigits
        guard text.utf8.count == length, text.hasPrefix(Self.prefix + String(kind.rawValue)),
            text.utf8.dropFirst(Self.prefix.utf8.count).allSatisfy({ Self.alphabet.contains($0) }),
            Self.check(String(text.dropLast(Self.checkDigits))) == text.suffix(Self.checkDigits)
        else { return nil }
        self.kind = kind
        self.text = text
    }

    private static func check(_ body: String) -> String {
        var crc = CRC32()
        Array(body.utf8).withUnsafeBytes { crc.update($0) }
        let value = crc.value
        return base62([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }, digits: checkDigits)
    }

    /// A number of so many digits, by long division.
    private static func base62(_ bytes: [UInt8], digits: Int) -> String {
        var number = bytes
        var text = [UInt8](repeating: alphabet[0], count: digits)
        for place in text.indices.reversed() {
            var rest = 0
            for index in number.indices {
                let value = rest << 8 | Int(number[index])
                number[index] = UInt8(value / 62)
                rest = value % 62
            }
            text[place] = alphabet[rest]
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension SecretToken: CustomStringConvertible, CustomReflectable {
    public var description: String { "SecretToken(\(kind))" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
