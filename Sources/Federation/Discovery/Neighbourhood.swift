import WaggleProtocol

/// The part of the network that an address lies in: one operator can have many addresses in one such part, and few in many.
enum Neighbourhood: Hashable, Sendable {
    /// The first 24 bits of an IPv4 address.
    case network4(UInt32)
    /// The first 48 bits of an IPv6 address.
    case network6(UInt64)
    /// The part of a name that somebody had to register.
    case domain(String)

    /// Where a dial leads.
    static func all(of url: PeerURL, _ addresses: [IPAddress]) -> Set<Neighbourhood> {
        var all = Set(
            addresses.map { address in
                switch address {
                case .v4(let bits): Neighbourhood.network4(bits >> 8)
                case .v6(let bits): Neighbourhood.network6(UInt64(bits >> 80))
                }
            })
        if case .name(let name) = url.host { all.insert(.domain(registeredDomain(of: name))) }
        return all
    }

    /// The last two labels, three where the last but one is one of those that registries sell names below (`co.uk`). Too short
    /// a domain keeps some nodes apart that need not be; too long a one would let one owner take every place.
    static func registeredDomain(of name: String) -> String {
        let labels = name.lowercased().split(separator: ".")
        let isShared =
            labels.count > 2 && labels[labels.count - 1].utf8.count == 2
            && ["co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "go"].contains(labels[labels.count - 2])
        return labels.suffix(isShared ? 3 : 2).joined(separator: ".")
    }
}
