public import Digests

/// The canonical torrent of one file: BitTorrent v1 and v2 at once (BEP 3 and 52), pieces of 1 MiB, and no member that two
/// makers could fill in differently. Whoever has the bytes and the name makes the same info-hashes.
///
/// The v2 half is the tree that Waggle keeps anyway: the piece layer is the layer of units. The v1 half is for programs
/// that know nothing newer. It is fetched from plain HTTP servers (BEP 19), without any BitTorrent peer.
public struct HybridTorrent: Hashable, Sendable {
    /// The file's name, and that of the download.
    public let name: String
    /// Bytes, at least one.
    public let size: UInt64
    /// The info dictionary as it is hashed.
    public let info: Bencode
    private let piecesRoot: Hash32
    private let layer: [Hash32]

    /// - Parameters:
    ///   - layer: hashes of the 1 MiB units.
    ///   - sha1: SHA-1 of the 1 MiB pieces, 20 bytes each.
    /// - Returns: nil for an empty file, which no torrent has, and when there is not one hash a piece.
    public init?(name: String, size: UInt64, piecesRoot: Hash32, layer: [Hash32], sha1: [UInt8]) {
        let pieces = MerkleTree.unitCount(size: size)
        guard size > 0, let length = Int64(exactly: size), layer.count == pieces, sha1.count == pieces * SHA1.bytes
        else { return nil }
        self.name = name
        self.size = size
        self.piecesRoot = piecesRoot
        self.layer = layer
        let file = Bencode.dictionary([("length", .integer(length)), ("pieces root", .bytes(piecesRoot.bytes))])
        info = .dictionary([
            ("file tree", .dictionary([(name, .dictionary([("", file)]))])),
            ("length", .integer(length)), ("meta version", .integer(2)), ("name", .text(name)),
            ("piece length", .integer(Int64(MerkleTree.unitBytes))), ("pieces", .bytes(sha1)),
        ])
    }

    /// SHA-1 of the info dictionary: what v1 programs call the torrent.
    public var infoHashV1: [UInt8] { info.encoded.withUnsafeBytes { SHA1.hash($0) } }

    /// SHA-256 of the info dictionary: what v2 programs call the torrent.
    public var infoHashV2: Hash32 { SHA256.hash(info.encoded) }

    /// The bytes of the `.torrent` file.
    ///
    /// - Parameter webSeeds: URLs of the file, or of a folder, ending in a slash, that has it under its name.
    public func file(webSeeds: [String]) -> [UInt8] {
        // A file of one piece has no layer: its root says all.
        let layers =
            layer.count > 1 ? [BencodeMember(key: piecesRoot.bytes, value: .bytes(layer.flatMap(\.bytes)))] : []
        return Bencode.dictionary([
            ("info", info), ("piece layers", .sorted(layers)), ("url-list", .list(webSeeds.map { .text($0) })),
        ]).encoded
    }
}
