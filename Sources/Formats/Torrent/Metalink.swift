public import Digests

/// A description of one file for download programs: Metalink 4 (RFC 5854).
public struct Metalink: Hashable, Sendable {
    /// The file's name. No separators: it is written down as it is.
    public var name: String
    /// Bytes.
    public var size: UInt64
    /// SHA-256 of the whole.
    public var sha256: Hash32
    /// SHA-256 of each 1 MiB piece, which is not that of the Merkle tree.
    public var pieces: [Hash32]
    /// Where the bytes are, the best first.
    public var urls: [String]
    /// Where a torrent of the file is.
    public var torrent: String?
    /// The program that wrote it.
    public var generator: String

    public init(
        name: String, size: UInt64, sha256: Hash32, pieces: [Hash32], urls: [String], torrent: String?,
        generator: String
    ) {
        self.name = name
        self.size = size
        self.sha256 = sha256
        self.pieces = pieces
        self.urls = urls
        self.torrent = torrent
        self.generator = generator
    }

    /// The bytes of the `.meta4` file.
    public var file: [UInt8] {
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <metalink xmlns="urn:ietf:params:xml:ns:metalink">
              <generator>\(Self.escape(generator))</generator>
              <file name="\(Self.escape(name))">
                <size>\(size)</size>
                <hash type="sha-256">\(sha256)</hash>

            """
        if pieces.count > 1 {
            text += "    <pieces length=\"\(MerkleTree.unitBytes)\" type=\"sha-256\">\n"
            for piece in pieces { text += "      <hash>\(piece)</hash>\n" }
            text += "    </pieces>\n"
        }
        for (index, url) in urls.enumerated() {
            text += "    <url priority=\"\(index + 1)\">\(Self.escape(url))</url>\n"
        }
        if let torrent {
            text += "    <metaurl mediatype=\"torrent\" priority=\"1\">\(Self.escape(torrent))</metaurl>\n"
        }
        text += "  </file>\n</metalink>\n"
        return Array(text.utf8)
    }

    /// Text for content and quoted values. What XML 1.0 cannot hold in any way becomes a question mark.
    private static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\u{0}"..."\u{1f}", "\u{fffe}", "\u{ffff}": escaped += "?"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
