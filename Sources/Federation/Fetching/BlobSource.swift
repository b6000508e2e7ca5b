import Digests
import NIOCore

/// Where bytes of a blob come from. They are verified unit by unit, so a source need not be trusted.
struct BlobSource: Sendable {
    enum Kind: Sendable {
        /// A node, which also says which units it has.
        case peer(NodeClient)
        /// A web server that a signed release names.
        case mirror(HTTPMirror)
    }

    let kind: Kind
    /// Who is to blame for wrong bytes: the node's identity, or the mirror's host.
    let culprit: String
    /// Nil for a mirror.
    let node: Hash32?

    init(peer client: NodeClient, node: Hash32) {
        (kind, culprit, self.node) = (.peer(client), node.hex, node)
    }

    init(mirror: HTTPMirror) {
        (kind, culprit, node) = (.mirror(mirror), mirror.host, nil)
    }

    /// What tells it from other sources of a blob: the node's identity, or the mirror's URL.
    var name: String {
        switch kind {
        case .peer: culprit
        case .mirror(let mirror): mirror.url
        }
    }

    /// For messages.
    var url: String {
        switch kind {
        case .peer(let client): client.url.description
        case .mirror(let mirror): mirror.url
        }
    }

    /// The bytes `range` of the blob, which has `size`, chunk by chunk.
    func bytes(
        _ sha256: Hash32, range: Range<UInt64>, of size: UInt64, onChunk: (ByteBuffer) async throws -> Void
    ) async throws {
        switch kind {
        case .peer(let client): try await client.blob(sha256, range: range, onChunk: onChunk)
        case .mirror(let mirror): try await mirror.bytes(range: range, of: size, onChunk: onChunk)
        }
    }
}

/// A peer that may be asked for blobs.
struct BlobPeer: Sendable {
    let node: Hash32
    let client: NodeClient
}
