/// Why thumbnails cannot be made or kept.
public enum MediaError: Error, Hashable, Sendable {
    /// The tools or the sandbox are missing; pictures are shown as they are.
    case unavailable(String)
    case database(String)
    /// The folder cannot be written to.
    case folder(String)

    public var message: String {
        switch self {
        case .unavailable(let why): "no thumbnails are made: \(why); install libvips-tools and bubblewrap"
        case .database(let why): "the list of thumbnails: \(why)"
        case .folder(let why): "the folder of thumbnails: \(why)"
        }
    }
}
