public import Digests
import FoundationEssentials

/// A blob that a home had: what is needed to fetch it again.
public struct ListedBlob: Sendable, Hashable {
    public let sha256: Hash32
    /// Bytes.
    public let size: UInt64
    public let piecesRoot: Hash32

    public init(sha256: Hash32, size: UInt64, piecesRoot: Hash32) {
        self.sha256 = sha256
        self.size = size
        self.piecesRoot = piecesRoot
    }
}

/// `blobs.txt`: one line a blob, `SHA-256 SP size SP pieces root`, in the order of the hashes.
enum BlobList {
    static func encode(_ blobs: [ListedBlob]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(blobs.count * 144)
        for blob in blobs { bytes += "\(blob.sha256.hex) \(blob.size) \(blob.piecesRoot.hex)\n".utf8 }
        return bytes
    }

    /// Nil for anything else than `encode` writes.
    static func decode(_ bytes: [UInt8]) -> [ListedBlob]? {
        var blobs: [ListedBlob] = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 3, let sha256 = Hash32(canonicalHex: parts[0]), let size = UInt64(parts[1]),
                let root = Hash32(canonicalHex: parts[2])
            else { return nil }
            blobs.append(ListedBlob(sha256: sha256, size: size, piecesRoot: root))
        }
        return encode(blobs) == bytes ? blobs : nil
    }
}
