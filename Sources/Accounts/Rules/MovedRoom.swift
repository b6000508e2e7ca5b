import WaggleProtocol

/// What somebody may still bring along from other homes: more than what an hour has room for, and once. What is beyond it
/// comes at the pace at which nodes exchange posts.
///
/// A value; it is kept with the account.
public struct MovedRoom: Sendable, Hashable {
    public private(set) var posts: Int
    public private(set) var bytes: Int

    /// - Parameter posts: that came so far, of so many bytes.
    public init(after posts: Int = 0, bytes: Int = 0) {
        self.posts = max(0, Limits.Accounts.movedPosts - posts)
        self.bytes = max(0, Limits.Accounts.movedBytes - bytes)
    }

    /// Takes room for posts that are about to be taken in, for all or none of them.
    ///
    /// - Returns: false where there is too little.
    public mutating func take(posts count: Int, bytes size: Int) -> Bool {
        guard count <= posts, size <= bytes else { return false }
        posts -= count
        bytes -= size
        return true
    }
}
