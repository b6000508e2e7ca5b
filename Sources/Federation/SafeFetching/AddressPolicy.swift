/// Which addresses may be dialled because a stranger named them: only public unicast ones.
///
/// The rest are the special-purpose blocks of the IANA registries (RFC 6890 and its successors), multicast, and all IPv6
/// outside the part from which global unicast is assigned (2000::/3). Blocks that the registries call globally reachable
/// but that hold no servers (anycast relays, AS112) are refused as well.
public enum AddressPolicy {
    /// What an address is for.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case `public`
        /// The address that stands for none, and the rest of 0.0.0.0/8.
        case unspecified
        case loopback
        /// RFC 1918, and the unique local and former site-local addresses of IPv6.
        case `private`
        /// Carrier-grade NAT, RFC 6598.
        case shared
        case linkLocal
        case multicast
        case broadcast
        case documentation
        case benchmarking
        /// Addresses that carry another address: 6to4, Teredo, IPv4-compatible, local NAT64.
        case transition
        /// Protocol assignments, discard-only, segment routing, and what is not assigned at all.
        case reserved
    }

    /// The kind of an address. An IPv4-mapped address is what its IPv4 address is, because the system connects to that; so
    /// is one behind the well-known NAT64 prefix, by which an IPv6-only host reaches IPv4.
    public static func kind(of address: IPAddress) -> Kind {
        switch address {
        case .v4(let bits):
            return ipv4.first { $0.contains(bits) }?.kind ?? .public
        case .v6(let bits):
            if mapped.contains(bits) || nat64.contains(bits) {
                return kind(of: .v4(UInt32(truncatingIfNeeded: bits)))
            }
            return ipv6.first { $0.contains(bits) }?.kind ?? (globalUnicast.contains(bits) ? .public : .reserved)
        }
    }

    public static func isPublic(_ address: IPAddress) -> Bool {
        kind(of: address) == .public
    }

    /// All addresses that begin with the first `length` bits of `prefix`.
    private struct Block<Bits: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
        let prefix: Bits
        let length: Int
        let kind: Kind

        func contains(_ address: Bits) -> Bool {
            (address ^ prefix) >> Bits(Bits.bitWidth - length) == 0
        }
    }

    private static func v4(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ length: Int, _ kind: Kind) -> Block<UInt32> {
        Block(prefix: a << 24 | b << 16 | c << 8, length: length, kind: kind)
    }

    /// `head` is the first 64 bits.
    private static func v6(_ head: UInt64, _ length: Int, _ kind: Kind) -> Block<UInt128> {
        Block(prefix: UInt128(head) << 64, length: length, kind: kind)
    }

    private static let ipv4: [Block<UInt32>] = [
        v4(0, 0, 0, 8, .unspecified),
        v4(10, 0, 0, 8, .private),
        v4(100, 64, 0, 10, .shared),
        v4(127, 0, 0, 8, .loopback),
        v4(169, 254, 0, 16, .linkLocal),
        v4(172, 16, 0, 12, .private),
        v4(192, 0, 0, 24, .reserved),  // IETF protocol assignments
        v4(192, 0, 2, 24, .documentation),
        v4(192, 31, 196, 24, .reserved),  // AS112
        v4(192, 52, 193, 24, .reserved),  // multicast tunnelling relays
        v4(192, 88, 99, 24, .transition),  // former 6to4 relays
        v4(192, 168, 0, 16, .private),
        v4(192, 175, 48, 24, .reserved),  // AS112
        v4(198, 18, 0, 15, .benchmarking),
        v4(198, 51, 100, 24, .documentation),
        v4(203, 0, 113, 24, .documentation),
        v4(224, 0, 0, 4, .multicast),
        Block(prefix: .max, length: 32, kind: .broadcast),
        v4(240, 0, 0, 4, .reserved),
    ]

    private static let mapped = Block<UInt128>(prefix: 0xffff << 32, length: 96, kind: .transition)
    private static let nat64 = v6(0x0064_ff9b_0000_0000, 96, .transition)
    private static let globalUnicast = v6(0x2000 << 48, 3, .public)

    private static let ipv6: [Block<UInt128>] = [
        Block(prefix: 0, length: 128, kind: .unspecified),
        Block(prefix: 1, length: 128, kind: .loopback),
        Block(prefix: 0, length: 96, kind: .transition),  // IPv4-compatible
        v6(0x0064_ff9b_0001_0000, 48, .transition),  // local NAT64
        v6(0x2001 << 48, 32, .transition),  // Teredo
        v6(0x2001_0002 << 32, 48, .benchmarking),
        v6(0x2001_0db8 << 32, 32, .documentation),
        v6(0x2001 << 48, 23, .reserved),  // IETF protocol assignments
        v6(0x2002 << 48, 16, .transition),  // 6to4
        v6(0x2620_004f_8000_0000, 48, .reserved),  // AS112
        v6(0x3fff << 48, 20, .documentation),
        v6(0xfc00 << 48, 7, .private),
        v6(0xfe80 << 48, 10, .linkLocal),
        v6(0xfec0 << 48, 10, .private),
        v6(0xff00 << 48, 8, .multicast),
    ]
}
