public import Digests
public import FoundationEssentials
import NIOCore
import WaggleProtocol

extension Federation {
    /// Brings a checkpoint and its list to every peer that can be dialled, before the revocation that names it: nobody who has
    /// both hides what stays, and a node that cannot be dialled could not give the list to anybody later.
    ///
    /// - Returns: the peers that have it now.
    @discardableResult
    public func bring(checkpoint envelope: Data, list bytes: [UInt8], except known: Set<Hash32> = []) async -> Set<
        Hash32
    > {
        let others = ((try? await peers.unblockedPeers()) ?? []).filter { !known.contains($0.node) }
        return await withTaskGroup(of: Hash32?.self) { group in
            for peer in others {
                guard let url = try? PeerURL(peer.url) else { continue }
                let client = self.client(for: url)
                group.addTask { await Self.bring(envelope, bytes, to: client) ? peer.node : nil }
            }
            var brought: Set<Hash32> = []
            for await node in group {
                if let node { brought.insert(node) }
            }
            return brought
        }
    }

    private static func bring(_ envelope: Data, _ bytes: [UInt8], to client: NodeClient) async -> Bool {
        guard bytes.count <= Limits.Wire.bodyBytes, (try? await client.offer([envelope])) != nil else { return false }
        // The peer's catalog follows its log: for a moment no post there shows the list yet.
        for _ in 0..<20 {
            do throws(PeerError) {
                try await client.bring(list: bytes)
                return true
            } catch {
                guard case .refused(_, 404, _, _) = error else { return false }
                guard (try? await Task.sleep(for: .milliseconds(100))) != nil else { return false }
            }
        }
        return false
    }

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
                try await peer.client.blob(sha256, range: 0..<pieces.size, of: pieces.size) {
                    bytes += $0.readableBytesView
                }
            } catch {
                continue
            }
            if SHA256.hash(bytes) == sha256 { return bytes }
        }
        return nil
    }
}
