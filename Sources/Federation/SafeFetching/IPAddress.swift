import Glibc

/// An IPv4 or IPv6 address. Text forms are those of `inet_pton` and `inet_ntop`: no short, octal or hexadecimal IPv4, no
/// IPv6 zones.
public enum IPAddress: Hashable, Sendable {
    /// In host order: 127.0.0.1 is `0x7f00_0001`.
    case v4(UInt32)
    /// In host order: the first byte of the address is the most significant.
    case v6(UInt128)

    /// Nil unless `text` is one address and nothing else; IPv6 without brackets.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count < Int(INET6_ADDRSTRLEN), !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, String(text), &four) == 1 {
            self = .v4(UInt32(bigEndian: four.s_addr))
        } else if inet_pton(AF_INET6, String(text), &six) == 1 {
            self = .v6(withUnsafeBytes(of: six) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) })
        } else {
            return nil
        }
    }

    /// An IPv4 address that came over an IPv6 socket (RFC 4291, 2.5.5.2) is the same one.
    public var unmapped: IPAddress {
        guard case .v6(let bits) = self, bits >> 32 == 0xffff else { return self }
        return .v4(UInt32(truncatingIfNeeded: bits))
    }
}

extension IPAddress: CustomStringConvertible {
    /// The usual text, for IPv6 that of RFC 5952, without brackets.
    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        switch self {
        case .v4(let bits):
            withUnsafeBytes(of: bits.bigEndian) {
                _ = inet_ntop(AF_INET, $0.baseAddress, &text, socklen_t(text.count))
            }
        case .v6(let bits):
            withUnsafeBytes(of: bits.bigEndian) {
                _ = inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count))
            }
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
