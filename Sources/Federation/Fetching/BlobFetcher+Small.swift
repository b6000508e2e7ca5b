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
            var good: [HashedBytes] = []
            for case (let blob, let bytes?) in zip(rest, answers) {
                let hashed = HashedBytes(bytes)
                guard hashed.digests.sha256 == blob.sha256 else {
                    logger.warning("a source sent a wrong blob", metadata: ["source": "\(peer.client.url)"])
                    _ = culprits.blame(node.hex)
                    break
                }
                // What the post signs besides is looked at where single blobs are fetched, which says so.
                guard hashed.digests.size == blob.size, hashed.digests.piecesRoot == blob.piecesRoot else { continue }
                good.append(hashed)
                brought(node, bytes.count)
            }
            here.formUnion(try await add(good))
        }
        return here
    }

    private func add(_ blobs: [HashedBytes]) async throws(FetchError) -> Set<Hash32> {
        var added: Set<Hash32> = []
        for result in await store.add(blobs) {
            switch result {
            case .success(let facts): added.insert(facts.sha256)
            // Taken down here: the single request says so.
            case .failure(.purged): continue
            case .failure(let error): throw .store(error)
            }
        }
        return added
    }
}
