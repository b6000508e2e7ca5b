import WaggleProtocol

/// The base URL of a node, checked and in normal form: `https://node.example:8443/prefix`, without a slash at the end.
///
/// Lower-case scheme and host, no default port, no user, query or fragment; the path is a plain prefix (letters, digits
/// and `-._~` between single slashes). Hosts are ASCII: an internationalised name is written in its `xn--` form. Two URLs
/// with the same normal form are equal.
public struct PeerURL: Hashable, Sendable {
    public enum Scheme: String, Hashable, Sendable {
        case http, https

        public var defaultPort: UInt16 {
            switch self {
            case .http: 80
            case .https: 443
            }
        }
    }

    public enum Host: Hashable, Sendable {
        /// A name in lower case.
        case name(String)
        case address(IPAddress)
    }

    public let scheme: Scheme
    public let host: Host
    public let port: UInt16
    /// Empty, or begins with a slash and does not end with one.
    public let pathPrefix: String

    /// Reads a URL as people type it, but for the scheme, which must be there.
    public init(_ text: String) throws(PeerURLError) {
        guard text.utf8.count <= Limits.Wire.urlBytes else { throw .tooLong(limit: Limits.Wire.urlBytes) }
        guard let mark = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased())
        else { throw .scheme }
        let rest = text[mark.upperBound...]
        guard !rest.contains("?"), !rest.contains("#") else { throw .queryOrFragment }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard !authority.contains("@") else { throw .user }

        let hostText: Substring
        let portText: Substring?
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else { throw .host }
            let after = authority[authority.index(after: bracket)...]
            guard after.isEmpty || after.first == ":" else { throw .host }
            hostText = authority[...bracket]
            portText = after.isEmpty ? nil : after.dropFirst()
        } else {
            let colon = authority.firstIndex(of: ":") ?? authority.endIndex
            hostText = authority[..<colon]
            portText = colon == authority.endIndex ? nil : authority[colon...].dropFirst()
        }
        self.scheme = scheme
        host = try Self.host(hostText)
        port = try Self.port(portText, scheme)
        pathPrefix = try Self.pathPrefix(rest[slash...])
    }

    /// The host and, unless it is the scheme's own, the port: what goes into `Host`.
    public var authority: String {
        port == scheme.defaultPort ? hostText : "\(hostText):\(port)"
    }

    /// The host as it stands in a URL: IPv6 in brackets.
    public var hostText: String {
        switch host {
        case .name(let name): name
        case .address(.v4(let bits)): IPAddress.v4(bits).description
        case .address(.v6(let bits)): "[\(IPAddress.v6(bits))]"
        }
    }

    /// The name for the TLS handshake (SNI); nil for an address.
    public var serverName: String? {
        if case .name(let name) = host { name } else { nil }
    }

    /// The URL of a route of the node: `path` begins with a slash and may carry a query.
    public func appending(_ path: String) -> String {
        description + path
    }

    private static func host(_ text: Substring) throws(PeerURLError) -> Host {
        if text.first == "[" {
            guard case .v6(let bits)? = IPAddress(text.dropFirst().dropLast()) else { throw .host }
            return .address(.v6(bits))
        }
        if let address = IPAddress(text), case .v4 = address { return .address(address) }
        let name = text.last == "." ? text.dropLast() : text
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel), let last = labels.last, !isNumber(last) else {
            throw .host
        }
        return .name(name.lowercased())
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    /// A last label that system resolvers would read as part of a number, as in `127.1` or `0x7f000001`.
    private static func isNumber(_ label: Substring) -> Bool {
        let digits = label.lowercased()
        return digits.allSatisfy { $0.isASCII && $0.isNumber }
            || digits.hasPrefix("0x") && digits.dropFirst(2).allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func port(_ text: Substring?, _ scheme: Scheme) throws(PeerURLError) -> UInt16 {
        guard let text, !text.isEmpty else { return scheme.defaultPort }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(text),
            port > 0
        else { throw .port }
        return port
    }

    private static func pathPrefix(_ text: Substring) throws(PeerURLError) -> String {
        var path = text
        while path.last == "/" { path.removeLast() }
        for segment in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let isPlain = segment.utf8.allSatisfy { isAlphanumeric($0) || "-._~".utf8.contains($0) }
            guard isPlain, !segment.isEmpty, segment != ".", segment != ".." else { throw .path }
        }
        return String(path)
    }
}

extension PeerURL: CustomStringConvertible {
    /// The normal form.
    public var description: String { "\(scheme.rawValue)://\(authority)\(pathPrefix)" }
}

extension PeerURL: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try PeerURL(container.decode(String.self))
        } catch let error as PeerURLError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a text is no base URL of a node.
public enum PeerURLError: Error, Hashable, Sendable {
    case tooLong(limit: Int)
    case scheme
    case user
    case host
    case port
    case path
    case queryOrFragment
}

extension PeerURLError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLong(let limit): "an address may have \(limit) characters at most"
        case .scheme: "an address begins with http:// or https://"
        case .user: "an address must not carry a user name or password"
        case .host: "the host is neither a name in ASCII nor an IP address; write international names as xn--…"
        case .port: "the port must be a number from 1 to 65535"
        case .path: "the path may only have letters, digits and -._~ between single slashes"
        case .queryOrFragment: "an address must not have a query or a fragment"
        }
    }
}
