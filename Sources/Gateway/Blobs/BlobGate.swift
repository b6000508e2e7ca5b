import Catalog
import Digests
import Moderation

/// Whether a viewer gets the bytes of a blob: the level of the posts that show it, as the catalog knows them, put to the
/// one rule of moderation.
struct BlobGate: Sendable {
    let catalog: Catalog
    let moderation: Moderation

    /// Answers for one blob.
    func look(_ hash: Hash32, for viewer: Viewer) async throws -> Visibility {
        try await judge(hash, viewer).visibility
    }

    /// Answers for many blobs, in the order asked.
    func look(_ hashes: [Hash32], for viewer: Viewer) async throws -> [Visibility] {
        let standings = try await catalog.blobStandings(hashes)
        return zip(hashes, standings).map { hash, standing in
            let facts = SubjectFacts(
                level: standing?.level ?? .blocked, purgeCase: moderation.takedown(of: .blob(hash))?.caseNumber,
                isReferencedByVisiblePost: standing?.isReferencedByVisiblePost ?? false)
            return moderation.visible(viewer, facts)
        }
    }

    /// What the posts say of a blob that the viewer may have.
    ///
    /// - Returns: nil for the operator's own look at bytes that no post shows.
    /// - Throws: `purged`, or `notFound` both for what is hidden and for what never was.
    func reference(_ hash: Hash32, for viewer: Viewer) async throws -> BlobReference? {
        let (visibility, reference) = try await judge(hash, viewer)
        switch visibility {
        case .show, .blur: return reference
        case .gone(let caseNumber): throw GatewayError.purged(caseNumber: caseNumber)
        case .hide: throw GatewayError.notFound("No post here that you may see shows a file with this SHA-256")
        }
    }

    private func judge(_ hash: Hash32, _ viewer: Viewer) async throws -> (
        visibility: Visibility, reference: BlobReference?
    ) {
        let purge = moderation.takedown(of: .blob(hash))
        let reference = purge == nil ? try await catalog.blobReference(hash) : nil
        let facts = SubjectFacts(
            level: reference?.level ?? .blocked, purgeCase: purge?.caseNumber,
            isReferencedByVisiblePost: reference?.isReferencedByVisiblePost ?? false)
        return (moderation.visible(viewer, facts), reference)
    }

    /// Reads the hash in an address.
    static func hash(_ text: String?) throws(GatewayError) -> Hash32 {
        let text = text ?? ""
        if let hash = Hash32(canonicalHex: text) { return hash }
        guard Hash32(hex: text) == nil else {
            throw .badRequest(code: "hash-case", "Write the SHA-256 in lower case: \(text.lowercased())")
        }
        throw .notFound(
            """
            Blobs are named by the 64 hexadecimal digits of their SHA-256; \
            a shorter hash of a model file is looked up at /api/v1/model-versions/by-hash/
            """)
    }
}
