public import Digests
public import Ledger

/// What a charter can reward. The words are those of charters and of evidence lists.
public enum RewardAction: String, Codable, CaseIterable, Sendable {
    /// Said anything in the epoch.
    case dailyBoost = "daily-boost"
    /// Published a model, release, image, article, workflow or collection in the epoch.
    case firstPost = "first-post"
    case reactionGiven = "reaction-given"
    case reactionReceived = "reaction-received"
    /// Somebody put what one made into a collection.
    case collected
    case follow
    /// Somebody posted an image that was made with one's model.
    case imageForModel = "image-for-model"
    /// Said of a picture that the granter drew for them whether it is good.
    case generatorFeedback = "generator-feedback"

    /// Place in evidence lists.
    var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Counted once in an epoch for whoever is rewarded, whatever else is there.
    var isOnceAnEpoch: Bool { self == .dailyBoost || self == .firstPost }
}

/// Somebody whom the granter admitted. Nobody can measure what anonymous keys do, so only members count.
public struct RewardMember: Hashable, Sendable {
    public let author: Hash32
    public let account: AccountID
    /// Unix seconds.
    public let admitted: UInt64

    public init(author: Hash32, account: AccountID, admitted: UInt64) {
        (self.author, self.account, self.admitted) = (author, account, admitted)
    }
}

/// One signed thing that somebody did in an epoch, and who is rewarded for it.
public struct RewardFact: Hashable, Sendable {
    public let action: RewardAction
    /// Who did it: the author of the post.
    public let actor: Hash32
    /// Who is rewarded.
    public let recipient: Hash32
    /// The post that shows it.
    public let post: Hash32
    public let created: UInt64
    /// What it is about: a post, a person, a model (`model(_:slug:)`), a picture, or nothing (zero).
    public let subject: Hash32

    public init(
        _ action: RewardAction, actor: Hash32, recipient: Hash32, post: Hash32, created: UInt64,
        subject: Hash32 = .zero
    ) {
        (self.action, self.actor, self.recipient) = (action, actor, recipient)
        (self.post, self.created, self.subject) = (post, created, subject)
    }

    /// What is counted once and never again, however often it is undone and done anew; nil for what each epoch has anew.
    public var key: Hash32? {
        guard !action.isOnceAnEpoch else { return nil }
        // Each image is another one; a reaction, a follow or a place in a collection is the same one again.
        let thing = action == .imageForModel ? post.bytes : []
        return SHA256.hash(
            Array(action.rawValue.utf8) + [0] + actor.bytes + recipient.bytes + subject.bytes + thing)
    }

    /// The name of a model whatever its post in force: SHA-256 of its author and slug.
    public static func model(_ author: Hash32, slug: String) -> Hash32 {
        SHA256.hash(author.bytes + Array(slug.utf8))
    }
}
