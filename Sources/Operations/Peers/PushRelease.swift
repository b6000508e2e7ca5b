import Catalog
import Digests
import Federation
import WaggleProtocol

/// `waggle push REF [--to PEER]`: brings the files and pictures of a release to peers that allow it. It is for a node that
/// nobody can dial; all others are fetched from.
public struct PushRelease: Operation {
    public static let name = "push"
    public var reference: String
    /// Number, address or node id of one peer; nil for all.
    public var peer: String?

    public init(reference: String, peer: String?) {
        self.reference = reference
        self.peer = peer
    }

    public struct Reply: Codable, Sendable {
        public struct Upload: Codable, Sendable {
            public let peer: String
            public let sha256: String
            public let name: String
            /// "uploaded", "there", or "refused".
            public let result: String
            /// Why it was refused; empty otherwise.
            public let why: String
        }

        public let uploads: [Upload]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let release = try await ReferenceResolver(context).release(reference)
        var blobs = release.body.files.compactMap { file in Hash32(file.sha256).map { (hash: $0, name: file.name) } }
        blobs += release.images.compactMap { view in
            Hash32(view.image.blob).map { (hash: $0, name: "picture \(view.id)") }
        }
        let uploader = BlobUploader(store: context.blobs)
        var uploads: [Reply.Upload] = []
        for peer in try await peers(context) {
            guard let url = try? PeerURL(peer.url) else { continue }
            let client = context.federation.client(for: url)
            for blob in blobs {
                var result = (word: "uploaded", why: "")
                do throws(UploadError) {
                    let isNew = try await uploader.upload(blob.hash, to: client) { done in
                        context.progress(
                            Progress(activity: "uploading \(blob.name) to \(peer.url)", done: done, total: 0))
                    }
                    if !isNew { result.word = "there" }
                } catch {
                    result = ("refused", error.message)
                }
                uploads.append(
                    Reply.Upload(
                        peer: peer.url, sha256: blob.hash.hex, name: blob.name, result: result.word, why: result.why))
            }
        }
        return Reply(uploads: uploads)
    }

    private func peers(_ context: OperationContext) async throws(OperationError) -> [Peer] {
        let found: [Peer]
        do {
            let store = context.federation.peers
            found = if let peer { [try await store.find(peer)] } else { try await store.peers() }
        } catch {
            throw OperationError(error)
        }
        let reachable = found.filter { !$0.url.isEmpty }
        guard !reachable.isEmpty else {
            throw OperationError(.notFound, "there is no peer to push to; `waggle peer add URL` adds one")
        }
        return reachable
    }
}
