import Catalog
import WaggleProtocol

// The JSON of version 1 of Civitai's REST API, with every member that a known client fails without. What has no meaning
// here has the value that says so. `waggle` carries the names that hold on every node; integers hold on this one only.

/// Where a list goes on.
struct CivitaiPaging: Encodable, Sendable {
    /// Absent at the end, like `nextPage`: there are clients that look for the member, not for its value.
    var nextCursor: String?
    var nextPage: String?
    var prevPage: String?
    var currentPage: Int?
    var pageSize: Int?
}

struct CivitaiList<Item: Encodable & Sendable>: Encodable, Sendable {
    let items: [Item]
    let metadata: CivitaiPaging
}

/// The names of a post that hold on every node.
struct CivitaiOrigin: Encodable, Sendable {
    /// SHA-256 of the signed post.
    let post: String
    /// Author id.
    let author: String
}

struct CivitaiModel: Encodable, Sendable {
    struct Creator: Encodable, Sendable {
        let username: String
        let image: Nullable<String>
    }

    let id: Int32
    let name: String
    /// HTML.
    let description: Nullable<String>
    let type: String
    let nsfw: Bool
    /// OR of level bits.
    let nsfwLevel: UInt32
    let availability = "Public"
    let supportsGeneration = false
    let allowNoCredit: Bool
    let allowCommercialUse: [String]
    let allowDerivatives: Bool
    let allowDifferentLicense: Bool
    let minor = false
    let poi: Bool
    let sfwOnly = false
    let userId: Int32
    let creator: Creator
    let tags: [String]
    let stats: CivitaiStats
    let modelVersions: [CivitaiVersion]
    let waggle: CivitaiOrigin
}

struct CivitaiStats: Encodable, Sendable {
    let downloadCount: Int
    let thumbsUpCount: Int
    let thumbsDownCount: Int
    let commentCount: Int
    let tippedAmountCount = 0
    let favoriteCount = 0
    let ratingCount = 0
    let rating = 0
}

struct CivitaiVersion: Encodable, Sendable {
    struct Model: Encodable, Sendable {
        let name: String
        let type: String
        let nsfw: Bool
        let poi: Bool
    }

    struct Nothing: Encodable, Sendable {}

    let id: Int32
    let modelId: Int32
    let model: Model
    /// Newest = 0.
    let index: Int
    let name: String
    let air: String
    let baseModel: String
    let baseModelType = "Standard"
    let createdAt: String
    let updatedAt: String
    let publishedAt: String
    let status = "Published"
    let availability = "Public"
    let nsfwLevel: UInt32
    /// HTML.
    let description: Nullable<String>
    let trainedWords: [String]
    let covered: Bool
    let supportsGeneration = false
    let uploadType: String
    let usageControl = "Download"
    let earlyAccessConfig = Nothing()
    let earlyAccessEndsAt = Nullable<String>(nil)
    let trainingStatus = Nullable<String>(nil)
    let trainingDetails = Nullable<String>(nil)
    let stats: CivitaiStats
    let files: [CivitaiFile]
    let images: [CivitaiImage]
    let downloadUrl: String
    let waggle: CivitaiOrigin
}

struct CivitaiFile: Encodable, Sendable {
    struct Metadata: Encodable, Sendable {
        let format: String
        /// `full` or `pruned`.
        let size: String
        let fp: Nullable<String>
        /// Of a GGUF file, whose precision is a way of quantizing; absent elsewhere.
        let quantType: String?

        init(_ file: WireFile) {
            let precision = file.precision.isEmpty ? nil : file.precision
            let isQuantized = file.format == "GGUF"
            format = file.format.isEmpty ? "Other" : file.format
            size = file.kind == "Pruned Model" ? "pruned" : "full"
            fp = Nullable(isQuantized ? nil : precision)
            quantType = isQuantized ? precision : nil
        }
    }

    struct Hashes: Encodable, Sendable {
        let SHA256: String
        let AutoV1: String
        let AutoV2: String
        let AutoV3: String
        let CRC32: String
        /// Empty for a file that this node never had: posts do not name it, and clients want the member.
        let BLAKE3: String
    }

    let id: Int32
    let name: String
    let type: String
    /// Bytes / 1024 in full: clients turn it back into bytes.
    let sizeKB: Double
    let metadata: Metadata
    let pickleScanResult: String
    let pickleScanMessage: Nullable<String>
    let virusScanResult = "Pending"
    let virusScanMessage = Nullable<String>(nil)
    let scannedAt: String
    let hashes: Hashes
    let downloadUrl: String
    /// On exactly one file of a version.
    let primary: Bool
}

/// An image under a version.
struct CivitaiImage: Encodable, Sendable {
    struct Metadata: Encodable, Sendable {
        let width: UInt32
        let height: UInt32
        let size: UInt64
    }

    let id: Int32
    let url: String
    /// A level bit, where the list of images has a word.
    let nsfwLevel: UInt32
    let width: UInt32
    let height: UInt32
    /// A BlurHash on other sites.
    let hash = ""
    let type = "image"
    let metadata: Metadata
    let meta: Nullable<CivitaiMeta>
    let hasMeta: Bool
    let minor = false
    let poi = false
    let availability = "Public"
}

/// An image in the list of images.
struct CivitaiListedImage: Encodable, Sendable {
    /// Reactions here are any emoji; these are the five that this API counts.
    struct Stats: Encodable, Sendable {
        let cryCount: Int
        let laughCount: Int
        let likeCount: Int
        let dislikeCount: Int
        let heartCount: Int
        let commentCount: Int

        init(_ counts: SubjectCounts) {
            func sum(_ emojis: String...) -> Int {
                counts.reactions.filter { emojis.contains($0.emoji) }.reduce(0) { $0 + $1.count }
            }
            cryCount = sum("😢", "😭")
            laughCount = sum("😂", "🤣", "😆")
            likeCount = sum("👍")
            dislikeCount = sum("👎")
            heartCount = sum("❤️", "❤", "😍")
            commentCount = counts.comments
        }
    }

    let id: Int32
    let url: String
    let hash = ""
    let width: UInt32
    let height: UInt32
    let type = "image"
    let nsfw: Bool
    /// `None`, `Soft`, `Mature` or `X`.
    let nsfwLevel: String
    let browsingLevel: UInt32
    let createdAt: String
    let postId: Int32
    let username: String
    let baseModel: String
    let modelVersionIds: [Int32]
    let stats: Stats
    let meta: Nullable<CivitaiMeta>
}

/// How an image was made. Other generators write other members too; these are those that clients read.
struct CivitaiMeta: Encodable, Sendable {
    struct Resource: Encodable, Sendable {
        let name: String
        let type: String
        let weight: Double
        let hash: String?
    }

    let prompt: String
    let negativePrompt: String?
    let seed: UInt64?
    let steps: UInt32?
    let sampler: String?
    let cfgScale: Double?
    let clipSkip: UInt32?
    let Size: String?
    let resources: [Resource]
}
