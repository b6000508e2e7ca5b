public import Digests
public import Identity
import WaggleProtocol

/// First addresses of nodes for a node that knows none: a text file with one URL a line, `#` before remarks, and a last line
/// `signature KEY SIGNATURE`, both in hexadecimal, over everything before that line (Protocol/spec/node.md).
///
/// Whoever has the file changed could show a new node a network of his own, so its key is named by whoever uses it.
public struct BootstrapList: Sendable, Hashable {
    /// In the order of the file.
    public let urls: [String]
    /// Who signed it.
    public let key: Hash32

    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case tooLarge
        case noSignature
        case badSignature
        case otherKey(Hash32)
        case notAnAddress(line: Int)

        public var description: String {
            switch self {
            case .tooLarge: "it has more than \(Limits.Peers.bootstrapBytes) bytes"
            case .noSignature: "its last line is no \"signature KEY SIGNATURE\""
            case .badSignature: "its signature is not that of its text; get it again"
            case .otherKey(let key): "it is signed by \(key.hex), not by the key of federation.bootstrap_key"
            case .notAnAddress(let line): "line \(line) is no address of a node"
            }
        }
    }

    static let type = "application/vnd.waggle.addresses.v1"

    /// Reads a file.
    ///
    /// - Parameter key: who must have signed it.
    public init(_ text: String, signedBy key: Hash32) throws(Failure) {
        guard text.utf8.count <= Limits.Peers.bootstrapBytes else { throw .tooLarge }
        let bytes = Array(text.utf8)
        let end = bytes.last == UInt8(ascii: "\n") ? bytes.count - 1 : bytes.count
        let start = bytes[..<end].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let last = String(decoding: bytes[start..<end], as: UTF8.self).split(separator: " ")
        guard last.count == 3, last[0] == "signature",
            let signer = Hex.decode(last[1], count: 32).flatMap({ Hash32($0) }),
            let signature = Hex.decode(last[2], count: 64)
        else { throw .noSignature }
        guard signer == key else { throw .otherKey(signer) }
        let signed = DSSE.preAuthenticationEncoding(type: Self.type, payload: bytes[..<start])
        guard Ed25519.verify(signature, message: signed, key: key) else { throw .badSignature }
        var urls: [String] = []
        let lines = String(decoding: bytes[..<start], as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            let line = line.drop { $0 == " " }
            if line.isEmpty || line.first == "#" { continue }
            guard let url = try? PeerURL(String(line)) else { throw .notAnAddress(line: number + 1) }
            urls.append(url.description)
        }
        self.urls = urls
        self.key = key
    }

    /// The text of a file with these addresses.
    public static func text(_ urls: [String], signedBy key: SigningKey) -> String {
        let body = urls.map { $0 + "\n" }.joined()
        let signature = key.sign(DSSE.preAuthenticationEncoding(type: type, payload: Array(body.utf8)))
        return body + "signature \(key.publicKey.hex) \(Hex.encode(signature))\n"
    }
}
