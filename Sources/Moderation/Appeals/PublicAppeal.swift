public import Digests

/// An appeal that travels between nodes (kind 45), with the newest answer of whoever keeps the list.
public struct PublicAppeal: Sendable, Hashable {
    public let post: Hash32
    /// The entry or the purge that it is against.
    public let action: Hash32
    /// Who keeps the list, and whose appeal it is.
    public let keeper: Hash32
    public let author: Hash32
    public let text: String
    /// Unix seconds.
    public let created: UInt64
    public let answer: Answer?

    public struct Answer: Sendable, Hashable {
        public let post: Hash32
        public let isUpheld: Bool
        public let text: String
        /// Unix seconds.
        public let created: UInt64

        public init(post: Hash32, isUpheld: Bool, text: String, created: UInt64) {
            self.post = post
            self.isUpheld = isUpheld
            self.text = text
            self.created = created
        }
    }

    public init(
        post: Hash32, action: Hash32, keeper: Hash32, author: Hash32, text: String, created: UInt64,
        answer: Answer? = nil
    ) {
        self.post = post
        self.action = action
        self.keeper = keeper
        self.author = author
        self.text = text
        self.created = created
        self.answer = answer
    }
}
