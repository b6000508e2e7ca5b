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
}
