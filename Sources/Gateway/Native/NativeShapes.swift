// The JSON of the native API. Names become lower case with underscores on the way out. Integers named `id` hold on this node
// only; the 64 digits of a post and the SHA-256 of a file hold everywhere.

struct NativeList<Item: Encodable & Sendable>: Encodable, Sendable {
    let items: [Item]
    /// Absent at the end.
    let nextCursor: String?
    /// The text that was searched instead, when nothing matched as typed.
    var corrected: String?
}

struct NativeCreator: Encodable, Sendable {
    let id: Int32
    let author: String
    let handle: String
    let name: String
    let home: String
    let url: String
}

struct NativeCreatorPage: Encodable, Sendable {
    let id: Int32
    let author: String
    let handle: String
    let name: String
    let home: String
    let url: String
    /// Markdown.
    let about: String
    let links: [String]
    let followers: Int
    let following: Int
    let models: Int
    let images: Int
    let isFromHere: Bool
}

struct NativeCounts: Encodable, Sendable {
    struct Reaction: Encodable, Sendable {
        let emoji: String
        let count: Int
    }

    let downloads: Int
    let recommended: Int
    let notRecommended: Int
    let comments: Int
    let images: Int
    let collections: Int
    let drawnBy: Int
    let reactions: [Reaction]
}

struct NativeLicence: Encodable, Sendable {
    let name: String
    let url: String
    let noCredit: Bool
    let commercialUse: [String]
    let derivatives: Bool
    let differentLicence: Bool
}

struct NativeModel: Encodable, Sendable {
    let id: Int32
    let post: String
    let creator: NativeCreator
    let slug: String
    let name: String
    let type: String
    /// Markdown.
    let description: String
    let tags: [String]
    /// Of the model itself: "PG" … "XXX".
    let level: String
    /// Of the model and everything under it that the caller sees.
    let levels: [String]
    let licence: NativeLicence
    /// "yes", "no" or "unanswered".
    let realPerson: String
    let created: String
    let updated: String
    let counts: NativeCounts
    /// Newest first.
    let releases: [NativeRelease]
    let url: String
}

struct NativeSettings: Encodable, Sendable {
    let strength: Double?
    let strengthMin: Double?
    let strengthMax: Double?
    let clipSkip: UInt32?
    let sampler: String?
    let scheduler: String?
    let steps: UInt32?
    let cfgScale: Double?
    let width: UInt32?
    let height: UInt32?
    let hint: String?
}

struct NativeRelease: Encodable, Sendable {
    let id: Int32
    let post: String
    let modelId: Int32
    let modelPost: String
    let creator: NativeCreator
    let version: String
    let baseModel: String
    let trainedWords: [String]
    /// Markdown.
    let changes: String
    let settings: NativeSettings
    let mirrors: [String]
    let created: String
    let levels: [String]
    let counts: NativeCounts
    let files: [NativeFile]
    let images: [NativeImage]
    let downloadUrl: String
    let url: String
}

struct NativeFile: Encodable, Sendable {
    let id: Int32
    let name: String
    /// Bytes.
    let size: UInt64
    let kind: String
    let format: String
    let precision: String
    let sha256: String
    let piecesRoot: String
    let autov1: String?
    let autov2: String
    let autov3: String?
    let crc32: String
    let blake3: String?
    let tensorDigest: String?
    let isPrimary: Bool
    let url: String
    let torrentUrl: String
    let metalinkUrl: String
}

struct NativeRecipe: Encodable, Sendable {
    struct Resource: Encodable, Sendable {
        let kind: String
        let name: String
        let sha256: String?
        let claimedHash: String?
        let strength: Double
    }

    let prompt: String
    let negativePrompt: String
    let seed: UInt64?
    let steps: UInt32?
    let sampler: String?
    let scheduler: String?
    let cfgScale: Double?
    let clipSkip: UInt32?
    let width: UInt32?
    let height: UInt32?
    let engine: String?
    let resources: [Resource]
}

struct NativeImage: Encodable, Sendable {
    struct Link: Encodable, Sendable {
        let releaseId: Int32
        let modelId: Int32
        let modelName: String
        let version: String
        let baseModel: String
    }

    let id: Int32
    let post: String
    let postId: Int32
    let index: Int
    let creator: NativeCreator
    let created: String
    let title: String
    let level: String
    let width: UInt32
    let height: UInt32
    let mediaType: String
    let size: UInt64
    let alt: String
    let sha256: String
    let recipe: NativeRecipe?
    let releases: [Link]
    let counts: NativeCounts
    let fileUrl: String
    let url: String
}

struct NativeReview: Encodable, Sendable {
    let post: String
    let releaseId: Int32
    let version: String
    let creator: NativeCreator
    let created: String
    let isRecommended: Bool
    /// Markdown.
    let text: String
    let counts: NativeCounts
}

struct NativeComment: Encodable, Sendable {
    let post: String
    let subject: String
    let replyTo: String?
    let creator: NativeCreator
    let created: String
    /// Markdown.
    let text: String
    let depth: Int
    let replies: Int
    let counts: NativeCounts
}

struct NativeCollection: Encodable, Sendable {
    let id: Int32
    let post: String
    let creator: NativeCreator
    let slug: String
    let name: String
    /// Markdown.
    let description: String
    let level: String
    let updated: String
    let itemCount: Int
    let counts: NativeCounts
    let url: String
}

/// One of the members has a value.
struct NativeCollectionItem: Encodable, Sendable {
    var model: NativeModel?
    var release: NativeRelease?
    var images: [NativeImage]?
}

struct NativeHashMatch: Encodable, Sendable {
    let hash: String
    let releaseId: Int32
    let modelId: Int32
}

struct NativeFollow: Encodable, Sendable {
    let author: String
    let petname: String
    let creator: NativeCreator?
}

/// The caller.
struct NativeMe: Encodable, Sendable {
    let account: String
    let author: String
    let role: String
    /// Where the key is that signs: "key-file", "node" or "own".
    let custody: String
    let scopes: [String]
    /// Levels that the account sees.
    let levels: [String]
    /// The level from which on pages blur pictures; null for never.
    let blurFrom: Nullable<String>
    /// The person said that they are an adult: nobody else sees more than PG-13.
    let isAdult: Bool
    let storage: Storage
    let created: String
    /// When this token or session ends; null for never.
    let expires: Nullable<String>

    /// Bytes.
    struct Storage: Encodable, Sendable {
        /// What this node keeps of what the account brings, at most; null for no limit.
        let quota: Nullable<UInt64>
        /// What its posts have this node keep.
        let stored: UInt64
        /// What its uploads have or will have, until they are published, deleted or expired.
        let uploads: UInt64
    }
}
