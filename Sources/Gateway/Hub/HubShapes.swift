import Accounts
import Catalog
import Digests
import WaggleProtocol

// The JSON of the Hugging Face Hub, with what its clients read.

struct HubModelInfo: Encodable, Sendable {
    struct Sibling: Encodable, Sendable {
        struct LargeFile: Encodable, Sendable {
            let sha256: String
            let size: UInt64
            let pointerSize: Int
        }

        let rfilename: String
        var size: UInt64?
        var blobId: String?
        var lfs: LargeFile?
    }

    struct Card: Encodable, Sendable {
        let license: String?
        let tags: [String]
        let instance_prompt: String?
    }

    let _id: String
    let id: String
    let modelId: String
    let author: String
    let sha: String
    let lastModified: String
    let createdAt: String
    let `private` = false
    let gated = false
    let disabled = false
    let downloads: Int
    let likes: Int
    let tags: [String]
    let pipeline_tag = "text-to-image"
    let library_name = "diffusers"
    let siblings: [Sibling]?
    let cardData: Card?

    init(_ repository: HubRepository, withSiblings: Bool, withBlobs: Bool) {
        let model = repository.model
        _id = HubRepository.commit(model.post)
        id = repository.name
        modelId = repository.name
        author = model.author.handle
        sha = repository.commit
        lastModified = Dates.timestamp(model.updated)
        createdAt = Dates.timestamp(model.created)
        downloads = model.counts.downloads
        likes = model.counts.recommended
        let licence = HubModelCard.licence(model)
        tags = HubModelCard.tags(model) + (licence.isEmpty ? [] : ["license:\(licence)"])
        siblings = withSiblings ? repository.files.map { Self.sibling($0, withBlobs) } : nil
        cardData =
            withSiblings
            ? Card(
                license: licence.isEmpty ? nil : licence, tags: HubModelCard.tags(model),
                instance_prompt: repository.release?.body.trainedWords.first) : nil
    }

    private static func sibling(_ file: HubFile, _ withBlobs: Bool) -> Sibling {
        var sibling = Sibling(rfilename: file.path)
        guard withBlobs else { return sibling }
        sibling.size = file.size
        sibling.blobId = file.gitID
        if case .blob(let hash) = file.content {
            sibling.lfs = .init(sha256: hash.hex, size: file.size, pointerSize: file.pointerSize)
        }
        return sibling
    }
}

/// A file in a tree.
struct HubEntry: Encodable, Sendable {
    struct LargeFile: Encodable, Sendable {
        let oid: String
        let size: UInt64
        let pointerSize: Int
    }

    let type = "file"
    let path: String
    let size: UInt64
    let oid: String
    let lfs: LargeFile?

    init(_ file: HubFile) {
        path = file.path
        size = file.size
        oid = file.gitID
        if case .blob(let hash) = file.content {
            lfs = LargeFile(oid: hash.hex, size: file.size, pointerSize: file.pointerSize)
        } else {
            lfs = nil
        }
    }
}

struct HubRefs: Encodable, Sendable {
    struct Ref: Encodable, Sendable {
        let name: String
        let ref: String
        let targetCommit: String
    }

    let branches: [Ref]
    let converts: [Ref] = []
    /// One for each version.
    let tags: [Ref]

    init(_ model: ModelView) {
        let newest = HubRepository.commit(model.releases.first?.post ?? model.post)
        branches = [Ref(name: "main", ref: "refs/heads/main", targetCommit: newest)]
        tags = model.releases.map { release in
            Ref(
                name: release.body.version, ref: "refs/tags/\(release.body.version)",
                targetCommit: HubRepository.commit(release.post))
        }
    }
}

struct HubWho: Encodable, Sendable {
    struct Auth: Encodable, Sendable {
        struct Token: Encodable, Sendable {
            let displayName: String
            /// "read" or "write".
            let role: String
        }

        let type = "access_token"
        let accessToken: Token
    }

    let type = "user"
    let id: String
    let name: String
    let fullname: String
    let isPro = false
    let orgs: [String] = []
    let auth: Auth

    init(_ grant: Grant, handle: String, name: String) {
        id = grant.account.author.hex
        self.name = handle
        fullname = name
        var label = ""
        if case .token(_, let text) = grant.source { label = text }
        auth = Auth(accessToken: .init(displayName: label, role: grant.allows(.publish) ? "write" : "read"))
    }
}
