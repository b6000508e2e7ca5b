import Digests
import Identity
import WaggleProtocol

/// What must be in force once all of these posts are known, worked out the long way from the rules of the
/// specification: all posts at once, no database, no order. Every chain must be whole.
struct Oracle {
    private let posts: [SignedPost]
    private let chains: [Hash32: KeyChain]
    private let blobs: [Hash32: Set<Hash32>]
    private let now: UInt64

    init(_ posts: [SignedPost], blobs: [Hash32: Set<Hash32>] = [:], now: UInt64) throws {
        var chains: [Hash32: KeyChain] = [:]
        let documents = posts.filter { $0.kind == .keyDocument }
        for document in documents.sorted(by: { $0.post.keyDocument.version < $1.post.keyDocument.version }) {
            if document.post.keyDocument.version == 1 {
                chains[document.author] = try KeyChain(genesis: document)
            } else {
                try chains[document.author]?.add(document)
            }
        }
        (self.posts, self.chains, self.blobs, self.now) = (posts, chains, blobs, now)
    }

    var inForce: Set<Hash32> {
        let valid = posts.filter(isValid)
        let deletes = valid.filter { $0.kind == .delete }
        let candidates = valid.filter { post in
            (post.post.expires == 0 || post.post.expires + 900 > now) && !deletes.contains { covers($0, post) }
        }
        return Set(
            candidates.filter { post in
                !post.kind.isReplaceable || !candidates.contains { stands($0, over: post) }
            }.map(\.id))
    }

    private func isValid(_ post: SignedPost) -> Bool {
        guard let chain = chains[post.author] else { return false }
        if post.kind == .keyDocument { return true }
        guard let device = post.device else { return chain.acceptsRoots(post.signers) }
        return chain.verdict(
            device: device, created: post.post.created, id: post.id, scope: post.kind.scope,
            checkpoint: { named(by: $0, author: post.author, device: device) }) == .accepted
    }

    private func named(by checkpoint: Hash32, author: Hash32, device: Hash32) -> Set<Hash32>? {
        guard let post = posts.first(where: { $0.id == checkpoint }), post.author == author,
            Hash32(post.post.checkpoint.device) == device, let blob = Hash32(post.post.checkpoint.blob)
        else { return nil }
        return blobs[blob]
    }

    private func covers(_ delete: SignedPost, _ post: SignedPost) -> Bool {
        guard delete.author == post.author, post.kind.isDeletable, let scope = post.kind.scope,
            let device = delete.device, chains[delete.author]?.devices[device]?.scopes.contains(scope) == true
        else { return false }
        let body = delete.post.delete
        return body.ids.contains(post.id.data)
            || post.kind.isReplaceable && post.post.created <= delete.post.created
                && body.slots.contains { $0.kind == post.kind.rawValue && $0.slot == post.post.slot }
    }

    private func stands(_ post: SignedPost, over other: SignedPost) -> Bool {
        guard post.author == other.author, post.kind == other.kind, post.post.slot == other.post.slot else {
            return false
        }
        return post.post.created != other.post.created
            ? post.post.created > other.post.created : post.id < other.id
    }
}
