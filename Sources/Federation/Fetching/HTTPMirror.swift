import AsyncHTTPClient
import Digests
import NIOCore
import NIOHTTP1
import Synchronization
import WaggleProtocol

/// A file on a plain web server that a signed release names. Any will do: one that does not know ranges is asked for the
/// whole file once no other source is left.
///
/// The URL is a stranger's. It is resolved once, refused when it leads to an address that is not public, and connected to
/// there and nowhere else; `Host` and the TLS server name stay those of the URL. Redirects are not followed.
struct HTTPMirror: Sendable {
    let url: String
    let host: String
    /// Who is to blame for wrong bytes: the host as far as this author names it. Nobody but the author says that the file is
    /// there, so an author cannot bring a web server into disrepute with others.
    let culprit: String
    private let http: HTTPClient
    /// Waits until received bytes are within the rate limits.
    private let admit: NodeClient.Admit
    private let manner = Manner()

    /// What the server has shown of itself.
    private final class Manner: Sendable {
        let sendsWhole = Atomic(false)
    }

    /// - Parameters:
    ///   - text: an `http` or `https` URL without a fragment.
    ///   - author: whose release names it.
    ///   - typedAuthorities: hosts and ports that the operator has named, which may be anywhere.
    static func open(
        _ text: String, namedBy author: Hash32, typedAuthorities: Set<String>, resolver: some AddressResolver,
        admit: @escaping NodeClient.Admit = { _, _ in }
    ) async throws -> HTTPMirror {
        guard text.utf8.count <= Limits.Wire.urlBytes else { throw PeerURLError.tooLong(limit: Limits.Wire.urlBytes) }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), !text.contains("#") else { throw PeerURLError.path }
        guard let mark = text.firstRange(of: "://") else { throw PeerURLError.scheme }
        let end = text[mark.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
        let server = try PeerURL(String(text[..<end]))
        let origin: Dial.Origin = typedAuthorities.contains(server.authority) ? .operator : .stranger
        // The name that was looked up is the one that is asked for: with another spelling of it the client would look it up
        // again, and connect to whatever it is then.
        return HTTPMirror(
            url: server.description + text[end...], host: server.authority,
            culprit: "\(author.hex) \(server.authority)",
            dial: try await Dial.decide(server, from: origin, resolver: resolver),
            admit: admit)
    }

    private init(url: String, host: String, culprit: String, dial: Dial, admit: @escaping NodeClient.Admit) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(45))
        configuration.connectionPool = .init(
            idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: FetchLimits.requests)
        configuration.dialOnce()
        configuration.httpVersion = .http1Only
        if case .pinned(let server, let addresses) = dial, case .name(let name) = server.host,
            let address = addresses.first
        {
            configuration.dnsOverride = [name: address.description]
        }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.url = url
        self.host = host
        self.culprit = culprit
        self.admit = admit
    }

    func close() async {
        // It fails only when it is closed already.
        try? await http.shutdown()
    }

    /// The server has answered a request for a part with the whole file.
    var sendsWhole: Bool { manner.sendsWhole.load(ordering: .relaxed) }

    /// A part of the file, which has `size` bytes. From a server that sends the whole instead, what comes before a part that
    /// goes to the end is skipped; other parts are not to be had from it.
    func bytes(
        range: Range<UInt64>, of size: UInt64, onChunk: (ByteBuffer) async throws -> Void
    ) async throws {
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
        request.headers.add(name: "accept-encoding", value: "identity")
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, deadline: .now() + .hours(24))
        } catch {
            throw PeerError.unreachable(url: url, reason: PeerError.reason(error))
        }
        var skipped: UInt64 = 0
        if response.status == .ok, UInt64(range.count) != size {
            manner.sendsWhole.store(true, ordering: .relaxed)
            guard range.upperBound == size else {
                throw PeerError.refused(url: url, status: 200, code: "", detail: "it sends whole files only")
            }
            skipped = range.lowerBound
        } else if !RangeReply.isOne(response, of: range) {
            throw PeerError.refused(url: url, status: Int(response.status.code), code: "", detail: "")
        }
        try await RangeReply(response: response, url: url).read(range.lowerBound - skipped..<range.upperBound, of: size)
        {
            chunk in
            try await admit(chunk.readableBytes, host)
            var chunk = chunk
            let before = Int(min(skipped, UInt64(chunk.readableBytes)))
            chunk.moveReaderIndex(forwardBy: before)
            skipped -= UInt64(before)
            if chunk.readableBytes > 0 { try await onChunk(chunk) }
        }
    }
}

/// The URLs of one file among the mirrors of a release.
enum MirrorURLs {
    /// `{sha256}` stands for the file's hash; a URL that ends with a slash is a folder with files under their names; any
    /// other is the file itself, when the release has only one.
    static func of(sha256: String, name: String, isOnlyFile: Bool, in mirrors: [String]) -> [String] {
        mirrors.compactMap { mirror in
            if mirror.contains("{sha256}") { return mirror.replacing("{sha256}", with: sha256) }
            if mirror.hasSuffix("/") { return mirror + escaped(name) }
            return isOnlyFile ? mirror : nil
        }
    }

    private static func escaped(_ name: String) -> String {
        name.utf8.reduce(into: "") { text, byte in
            let character = Character(Unicode.Scalar(byte))
            if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
                text.append(character)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.count == 1 ? "%0" + digits : "%" + digits
            }
        }
    }
}
