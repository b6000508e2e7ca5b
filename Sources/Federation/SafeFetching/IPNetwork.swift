/// All addresses that begin with the same bits: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.
public struct IPNetwork: Hashable, Sendable {
    private let prefix: IPAddress
    /// Bits that count.
    private let length: Int

    /// Nil unless `text` is an address, with or without a slash and a number of bits that the address has.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(parts[0]) else { return nil }
        let width =
            switch address {
            case .v4: 32
            case .v6: 128
            }
        guard let length = parts.count == 2 ? Int(parts[1]) : width, (0...width).contains(length) else { return nil }
        prefix = address
        self.length = length
    }

    public func contains(_ address: IPAddress) -> Bool {
        switch (prefix, address) {
        case (.v4(let prefix), .v4(let bits)): (prefix ^ bits) >> (32 - length) == 0
        case (.v6(let prefix), .v6(let bits)): (prefix ^ bits) >> (128 - length) == 0
        default: false
        }
    }
}
