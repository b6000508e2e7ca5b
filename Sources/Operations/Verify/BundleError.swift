/// Why a bundle proves nothing.
public enum BundleError: Error, Equatable, Sendable {
    case notABundle
    case tooLarge(limit: Int)
    case badPost(String)
    case notSignedByAuthor(String)
    case wrongModel

    public var message: String {
        switch self {
        case .notABundle: "this is no release bundle; `waggle export REF --format waggle` makes one"
        case .tooLarge(let limit):
            "a release bundle has at most \(limit) bytes; name the file that `waggle export REF --format waggle` wrote"
        case .badPost(let why):
            "a post in the bundle is not valid: \(why). The bundle was changed on the way; get it again, from elsewhere"
        case .notSignedByAuthor(let why):
            "the release is not signed by a key that may sign for its author: \(why). Do not use its files; ask the author "
                + "for a newer release, or a node that knows more: `waggle verify FILE`"
        case .wrongModel:
            "the model in the bundle is not the one that the release belongs to. The bundle was changed; get it again"
        }
    }
}
