import Catalog
import Digests
import Moderation
import PostLog
import WaggleProtocol

/// What the subjects of many cases are called, and where they are shown here: a few questions for all of them, because a
/// queue has hundreds.
struct CaseTitles {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    struct Title {
        var title: String
        /// A path on this node; empty where it has no page.
        var page = ""
    }

    /// - Parameter subjects: as cases name them.
    /// - Returns: a title for each that can be read.
    func all(_ subjects: [String]) async -> [String: Title] {
        var parsed: [String: ListSubject] = [:]
        for text in subjects where parsed[text] == nil { parsed[text] = ListSubject(text: text) }
        var (ids, files): (Set<Hash32>, Set<Hash32>) = ([], [])
        for case .exact(let exact) in parsed.values {
            switch exact {
            case .post(let id): ids.insert(id)
            case .blob(let hash): files.insert(hash)
            case .tensors: continue
            }
        }
        let (posts, wanted) = (ids, files)
        let log = ids.isEmpty ? [:] : (try? await context.log.posts(ids: Array(ids))) ?? [:]
        let places = ids.isEmpty ? [:] : (try? await context.catalog.places(ofPosts: posts)) ?? [:]
        let names = files.isEmpty ? [:] : (try? await context.catalog.fileNames(of: wanted)) ?? [:]
        return parsed.reduce(into: [:]) { titles, named in
            switch named.value {
            case .exact(.post(let id)):
                guard let post = log[id] else { return titles[named.key] = Title(title: named.key) }
                titles[named.key] = Title(title: Self.words(post), page: places[id].map(Self.page) ?? "")
            case .exact(.blob(let hash)):
                let name = names[hash] ?? ""
                titles[named.key] = Title(title: name.isEmpty ? "a file" : name)
            default: titles[named.key] = Title(title: named.key)
            }
        }
    }

    private static func page(_ place: PostPlace) -> String {
        switch place {
        case .model(let id): "/models/\(id)"
        case .release(let id, let model): "/models/\(model)?modelVersionId=\(id)"
        case .image(let id): "/images/\(id)"
        }
    }

    private static func words(_ post: LoggedPost) -> String {
        switch post.post.body {
        case .model(let body): "model \(body.name)"
        case .release(let body): "release \(body.modelSlug) \(body.version)"
        case .imagePost(let body): body.title.isEmpty ? "images" : "images \(body.title)"
        case .comment: "a comment"
        case .review: "a review"
        case .article(let body): "article \(body.title)"
        case .collection(let body): "collection \(body.name)"
        case .workflow(let body): "workflow \(body.name)"
        case .bounty(let body): "bounty \(body.title)"
        default: "a post"
        }
    }
}
