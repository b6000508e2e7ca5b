import AsyncHTTPClient
public import Digests
import FoundationEssentials
public import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import SwiftProtobuf
public import WaggleProtocol

extension NodeClient {
    /// Begins to bring a blob, or goes on with it: the node says which units it has.
    ///
    /// - Throws: `refused` where the node takes no uploads, not this blob, or no more today.
    public func beginUpload(_ sha256: Hash32, _ pieces: WireBlobPieces) async throws(PeerError) -> WireBlobPieces {
        let body: Data
        do {
            body = try pieces.serializedBytes()
        } catch {
            throw .malformed(url: url.description, detail: "the unit hashes cannot be serialized")
        }
        return try message(try await call(.PUT, "/w/1/blobs/\(sha256.hex)", body: body))
    }

    /// Brings the list of a checkpoint, whole.
    ///
    /// - Throws: `refused` with 404 while the node has no checkpoint that names it.
    public func bring(list bytes: [UInt8]) async throws(PeerError) {
        let response = try await send(
            .PUT, "/w/1/blobs/\(SHA256.hash(bytes).hex)", body: Data(bytes), signed: true,
            extra: ["content-type": "application/octet-stream"], deadline: .seconds(30))
        guard response.status == .ok || response.status == .created else { throw try await refusal(response) }
    }

    /// Brings whole units; true when the blob is complete and durable there.
    ///
    /// - Parameters:
    ///   - range: where the bytes lie in the blob of `size` bytes.
    public func upload(
        _ sha256: Hash32, range: Range<UInt64>, of size: UInt64, bytes: ByteBuffer
    ) async throws(PeerError) -> Bool {
        let fields = [
            "content-range": "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)",
            "content-type": "application/octet-stream",
        ]
        let response = try await send(
            .PUT, "/w/1/blobs/\(sha256.hex)", body: Data(buffer: bytes), signed: true, extra: fields,
            deadline: .minutes(5))
        switch response.status {
        case .accepted: return false
        case .ok, .created: return true
        default: throw try await refusal(response)
        }
    }
}
