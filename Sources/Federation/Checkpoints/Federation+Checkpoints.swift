public import Digests
import NIOCore
import WaggleProtocol

extension Federation {
    /// The bytes of a blob of which nothing but the name is known, from the first peer that gives them right; nil when none
    /// does. They are held in memory, so the limit is theirs.
    ///
    /// - Parameter limit: bytes; a larger blob is not fetched.
    public func bytes(ofBlob sha256: Hash32, limit: Int) async -> [UInt8]? {
        for peer in await fetcher.peers(nil) {
            guard case .whole? = try? await peer.client.have([sha256]).first,
                let pieces = try? await peer.client.pieces(sha256), 1...UInt64(limit) ~= pieces.size
            else { continue }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Int(pieces.size))
            do {
                try await peer.client.blob(sha256, range: 0..<pieces.size) { bytes += $0.readableBytesView }
            } catch {
                continue
            }
            if SHA256.hash(bytes) == sha256 { return bytes }
        }
        return nil
    }
}
