public import Digests
public import WaggleProtocol

/// The level of a whole post, for what is decided before there is a catalog row: admission and offering.
public enum PostLevel {
    /// The highest level of anything in the post; nil for posts that carry no level (keys, releases, comments).
    public static func highest(of post: WirePost) -> Level? {
        switch post.body {
        case .model(let body): Level(declared: body.level)
        case .imagePost(let body): body.images.map { Level(declared: $0.level) }.max()
        case .collection(let body): Level(declared: body.level)
        case .article(let body): Level(declared: body.level)
        case .workflow(let body): Level(declared: body.level)
        case .bounty(let body): Level(declared: body.level)
        case .review(let body): body.images.map { Level(declared: $0.level) }.max()
        default: nil
        }
    }

    /// The same with the levels that things have here.
    public static func highest(of post: WirePost, id: Hash32, author: Hash32, _ rules: LevelRules) -> Level? {
        if rules.isEmpty { return Self.highest(of: post) }
        let kind = PostKind(rawValue: post.kind)
        let subject = LevelSubject(post: id, author: author, kind: kind, slot: post.slot)
        func highestOf(_ images: [WireImage]) -> Level? {
            images.map { image in
                rules.level(Level(declared: image.level), of: subject, version: id, picture: Hash32(image.blob))
            }.max()
        }
        return switch post.body {
        case .imagePost(let body): highestOf(body.images)
        case .review(let body): highestOf(body.images)
        default: Self.highest(of: post).map { rules.level($0, of: subject, version: id) }
        }
    }
}
