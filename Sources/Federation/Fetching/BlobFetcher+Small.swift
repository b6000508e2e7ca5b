import BlobStore
import Digests
import FoundationEssentials
import Logging
import WaggleProtocol

extension BlobFetcher {
    /// Fetches small blobs with one request for many; those that are here when it returns. What a peer does not give is
    /// asked of the next.
    ///
    /// - Parameter nodes: the peers to ask, in this order.
    func fetchSmall(_ wanted: [WantedBlob], from nodes: [Hash32]) async throws(FetchError) -> Set<Hash32> {
        var here: Set<Hash32> = []
        do {
            for (blob, presence) in zip(wanted, try await store.presence(wanted.map(\.sha256))) where presence == .whole
            {
                here.insert(blob.sha256)
            }
        } catch {
            throw .store(error)
        }
        let known = await peers(nil)
        for node in nodes {
            let rest = wanted.filter { !here.contains($0.sha256) }
            if rest.isEmpty || Task.isCancelled { break }
            guard !culprits.isBanned(node.hex), let peer = known.first(where: { $0.node == node }) else { continue }
            // A node that does not answer, or knows no such request: others may, and single requests come after that.
            guard let answers = try? await peer.client.blobs(rest.map(\.sha256)) else { continue }
            var good: [Data] = []
            for case (let blob, let bytes?) in zip(rest, answers) {
                guard SHA256.hash(bytes) == blob.sha256 else {
                    logger.warning("a source sent a wrong blob", metadata: ["source": "\(peer.client.url)"])
                    _ = culprits.blame(node.hex)
                    break
                }
                // What the post signs besides is looked at where single blobs are fetched, which says so.
                let unit = bytes.withUnsafeBytes { MerkleTree.unitHash($0, size: UInt64(bytes.count)) }
                guard UInt64(bytes.count) == blob.size,
                    MerkleTree.root(layer: [unit], size: blob.size) == blob.piecesRoot
                else { continue }
                good.append(bytes)
                brought(node, bytes.count)
            }
            here.formUnion(try await add(good))
        }
        return here
    }

    /// Stores blobs side by side, so that they share commits.
    private func add(_ blobs: [Data]) async throws(FetchError) -> Set<Hash32> {
        let results = await withTaskGroup(of: Result<Hash32, BlobError>.self) { group in
            for bytes in blobs {
                group.addTask {
                    do throws(BlobError) {
                        return .success(try await store.add(bytes: bytes).sha256)
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var added: Set<Hash32> = []
        for result in results {
            switch result {
            case .success(let hash): added.insert(hash)
            // Taken down here: the single request says so.
            case .failure(.purged): continue
            case .failure(let error): throw .store(error)
            }
        }
        return added
    }
}
