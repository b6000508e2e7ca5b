public import Digests
public import WaggleProtocol

/// What has a level that people may find wrong.
///
/// What an edit replaces is known by author, kind and slot, so that a new version does not shake off what was said of the
/// one before.
public enum LevelSubject: Sendable, Hashable {
    /// A picture by the SHA-256 of its bytes, whichever posts show it.
    case picture(Hash32)
    /// A post that nothing replaces: an image post, a bounty.
    case post(Hash32)
    /// A model, a collection, an article or a workflow; a review with pictures by the release that it is of.
    case work(author: Hash32, kind: PostKind, slug: String)

    /// Kinds of posts that carry a level.
    static let kinds: Set<PostKind> = [.model, .imagePost, .collection, .article, .workflow, .review, .bounty]

    /// What a post's level is the level of; nil for a post that has none.
    public init?(post id: Hash32, author: Hash32, kind: PostKind, slot: String) {
        guard Self.kinds.contains(kind) else { return nil }
        self = kind.isReplaceable ? .work(author: author, kind: kind, slug: slot) : .post(id)
    }

    /// "picture 0a1b…", "post 0a1b…" or "work 0a1b… 10 slug": how tables name it.
    public var text: String {
        switch self {
        case .picture(let hash): "picture \(hash.hex)"
        case .post(let id): "post \(id.hex)"
        case .work(let author, let kind, let slug): "work \(author.hex) \(kind.rawValue) \(slug)"
        }
    }

    public init?(text: String) {
        let parts = text.split(separator: " ", maxSplits: 3).map(String.init)
        guard parts.count >= 2, let hash = Hash32(hex: parts[1]) else { return nil }
        switch (parts[0], parts.count) {
        case ("picture", 2): self = .picture(hash)
        case ("post", 2): self = .post(hash)
        case ("work", 4):
            guard let kind = UInt32(parts[2]).map(PostKind.init(rawValue:)), kind.isReplaceable,
                Self.kinds.contains(kind)
            else { return nil }
            self = .work(author: hash, kind: kind, slug: parts[3])
        default: return nil
        }
    }
}
