import BlobStore
import Catalog
import Digests
import Moderation
import WaggleProtocol

/// Finds releases by any name of a file: those that posts sign, and those that only this node computed of files that it
/// holds (BLAKE3, and AutoV3 and the tensor digest where the post does not say them).
struct HashLookup: Sendable {
    let services: GatewayServices

    /// The releases that a viewer may see, the most likely first; none for what is no hash of a file.
    func releases(_ text: String, _ filter: ViewerFilter, detail: ViewDetail) async throws -> [ReleaseView] {
        guard let claim = HashClaim(text) else { return [] }
        let signed = try await services.catalog.releases(byHash: claim, filter, detail: detail)
        guard signed.isEmpty, let hash = Hash32(hex: text) else { return signed }
        for blob in try await blobs(hash) {
            let releases = try await services.catalog.releases(
                byHash: HashClaim(sha256: blob), filter, detail: detail)
            if !releases.isEmpty { return releases }
        }
        return []
    }

    /// The most likely of them, with its model.
    func version(_ text: String, _ filter: ViewerFilter) async throws -> (release: ReleaseView, model: ModelView)? {
        guard let claim = HashClaim(text) else { return nil }
        if let signed = try await services.catalog.version(byHash: claim, filter) { return signed }
        guard let hash = Hash32(hex: text) else { return nil }
        for blob in try await blobs(hash) {
            if let found = try await services.catalog.version(byHash: HashClaim(sha256: blob), filter) { return found }
        }
        return nil
    }

    /// The files here with this name; few, as more would be copies of one set of weights.
    private func blobs(_ hash: Hash32) async throws -> [Hash32] {
        let store = services.blobs
        let found =
            try await store.blobs(withBLAKE3: hash) + store.blobs(withAutoV3: hash)
            + store.blobs(withTensorDigest: hash)
        return Array(found.prefix(Limits.Catalog.releasesPerHash))
    }
}
