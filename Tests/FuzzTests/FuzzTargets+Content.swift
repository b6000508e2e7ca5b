import BlobStore
import Digests
import Formats
import Foundation
import Identity
import PostLog
import SwiftProtobuf
import WaggleProtocol

@testable import Federation
@testable import Gateway

/// Parsers of what peers send about blobs, of what is in blobs, and of fields and addresses around them.
extension FuzzTarget {
    static let content: [FuzzTarget] = [
        FuzzTarget(name: "list of first addresses", corpus: "bootstrap") { bytes in
            guard let key = Hex.decode(Self.bootstrapKey).flatMap({ Hash32($0) }) else { return "no key" }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let list = try? BootstrapList(text, signedBy: key) else { return nil }
            return list.urls.allSatisfy { (try? PeerURL($0)) != nil } ? nil : "an address that cannot be dialled"
        },
        FuzzTarget(name: "addresses of a node", corpus: "peers") { bytes in
            guard let urls = try? NodeClient.addresses(in: Data(bytes)) else { return nil }
            var book = AddressBook()
            book.learn(urls.compactMap { (try? PeerURL($0))?.description }, from: nil, now: 1)
            return book.entries.count <= Limits.Peers.exchanged ? nil : "more addresses than one may name"
        },
        FuzzTarget(name: "chain of key documents", corpus: "chain") { bytes in
            var rest = bytes[...]
            var chain: KeyChain?
            while let length = varint(&rest), length <= rest.count {
                let envelope = Data(rest.prefix(length))
                rest = rest.dropFirst(length)
                guard let post = try? SignedPost(envelope: envelope) else { continue }
                if chain == nil { chain = try? KeyChain(genesis: post) } else { try? chain?.add(post) }
            }
            guard let chain else { return nil }
            // What a chain says of a device does not depend on how often it is asked.
            return chain.devices.keys == chain.devices.keys && chain.count >= 1
                ? nil : "a chain that contradicts itself"
        },
        FuzzTarget(name: "unit hashes", corpus: "pieces") { bytes in
            guard let pieces = try? WireBlobPieces(serializedBytes: bytes), pieces.size <= Limits.Blob.bytes else {
                return nil
            }
            let layer = pieces.units.compactMap { Hash32($0) }
            let count = MerkleTree.unitCount(size: pieces.size)
            if layer.count == count, count > 0 { _ = MerkleTree.root(layer: layer, size: pieces.size) }
            let held = UnitSet(pieces.have, count: min(count, 1 << 16))
            return held.count <= held.capacity ? nil : "more units than there are"
        },
        FuzzTarget(name: "who has what, and small blobs", corpus: "blobs") { bytes in
            if let presence = try? WireBlobPresence(serializedBytes: bytes) { _ = presence.presence.map(\.rawValue) }
            if let batch = try? WireBlobBatch(serializedBytes: bytes) {
                let total = batch.blobs.reduce(0) { $0 + $1.count }
                if total > bytes.count { return "more bytes than came" }
            }
            return nil
        },
        FuzzTarget(name: "header fields and cursors", corpus: "headers") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            let size: UInt64 = 3 << 20
            switch ByteRange(text, size: size) {
            case .part(let part): if part.isEmpty || part.upperBound > size { return "a part beyond the blob" }
            case .parts(let parts):
                if parts.contains(where: { $0.isEmpty || $0.upperBound > size }) { return "a part beyond the blob" }
            case .whole, .unsatisfiable: break
            }
            if let units = ContentUnits(text, size: size), units.units.upperBound > 3 { return "units beyond the blob" }
            if let cursor = StreamCursor(text), StreamCursor(cursor.text) != cursor {
                return "a cursor is read otherwise"
            }
            if let query = try? Query(text) { _ = query.list("kinds") }
            return nil
        },
        FuzzTarget(name: "compressed bodies", corpus: "zstd") { bytes in
            guard let body = Zstd.decompress(bytes, limit: 4096) else { return nil }
            return body.count <= 4096 ? nil : "\(body.count) bytes where 4096 are allowed"
        },
        FuzzTarget(name: "safetensors", corpus: "safetensors") { bytes in
            guard let header = try? SafetensorsHeader(prefix: bytes, fileSize: UInt64(bytes.count)) else { return nil }
            let isInside = header.tensors.allSatisfy { $0.bytes.upperBound <= UInt64(bytes.count) }
            return isInside ? nil : "a tensor beyond the file"
        },
        FuzzTarget(name: "pictures", corpus: "pictures") { bytes in
            if let info = ImageInfo.sniff(bytes), (info.width ?? 1) <= 0 || (info.height ?? 1) <= 0 {
                return "a picture without a size"
            }
            guard let metadata = try? PNGMetadata(bytes) else { return nil }
            _ = metadata.stripped()
            return nil
        },
        FuzzTarget(name: "recipes", corpus: "recipes") { bytes in
            _ = InfotextA1111(String(decoding: bytes, as: UTF8.self))
            _ = try? ComfyGraph(bytes)
            return nil
        },
    ]

    private static let bootstrapKey = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var value = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= Int(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
