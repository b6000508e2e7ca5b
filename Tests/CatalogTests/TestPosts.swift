import Catalog
import Digests
import Foundation
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

func hash(_ text: String) -> Hash32 { SHA256.hash(Array(text.utf8)) }

/// Somebody who signs posts; the same name is the same author.
struct TestAuthor {
    let name: String
    let id: Hash32
    private let signer: Signer

    init(_ name: String) {
        self.name = name
        id = hash("author \(name)")
        // 32 bytes always make a key.
        signer = Signer(author: id, device: SigningKey(seed: hash("key \(name)").bytes)!)
    }

    func post(
        _ body: WirePost.OneOf_Body, slot: String = "", refs: [(role: String, post: Hash32)] = [],
        labels: [String] = [], expires: UInt64 = 0, at created: UInt64
    ) -> LoggedPost {
        var post = WirePost()
        post.created = created
        post.expires = expires
        post.labels = labels
        post.refs = refs.map { ref in
            var wire = WireRef()
            wire.role = ref.role
            wire.id = ref.post.data
            return wire
        }
        post.slot = slot
        post.body = body
        guard let signed = try? signer.sign(post) else { preconditionFailure("a test made a post that is not valid") }
        return LoggedPost(
            id: signed.id, author: id, created: created, kind: signed.kind, slot: slot, post: signed.post,
            envelope: signed.envelope)
    }

    func profile(_ name: String, at created: UInt64 = 1) -> LoggedPost {
        var body = WireProfile()
        body.name = name
        body.home = "https://\(self.name).example"
        return post(.profile(body), at: created)
    }

    func follows(_ others: [TestAuthor], at created: UInt64 = 1) -> LoggedPost {
        var body = WireFollows()
        body.follows = others.map { other in
            var follow = WireFollow()
            follow.author = other.id.data
            return follow
        }
        return post(.follows(body), at: created)
    }

    func model(
        _ slug: String, name: String? = nil, type: String = "LORA", tags: [String] = [], level: Level? = .pg,
        licence: WireLicence = WireLicence(), at created: UInt64 = 10
    ) -> LoggedPost {
        var body = WireModel()
        body.name = name ?? slug
        body.type = type
        body.tags = tags
        body.level = level?.rawValue ?? 0
        body.licence = licence
        return post(.model(body), slot: slug, at: created)
    }

    func release(
        _ slug: String, version: String = "v1", base: String = "SDXL 1.0", words: [String] = [],
        files: [WireFile]? = nil, of author: TestAuthor? = nil, at created: UInt64 = 20
    ) -> LoggedPost {
        var body = WireRelease()
        body.modelAuthor = (author ?? self).id.data
        body.modelSlug = slug
        body.version = version
        body.baseModel = base
        body.trainedWords = words
        body.files = files ?? [file("\(name) \(slug) \(version)")]
        return post(.release(body), at: created)
    }

    func imagePost(
        _ images: [WireImage], releases: [LoggedPost] = [], title: String = "", at created: UInt64 = 30
    ) -> LoggedPost {
        var body = WireImagePost()
        body.images = images
        body.releases = releases.map(\.id.data)
        body.title = title
        return post(.imagePost(body), at: created)
    }

    func review(
        _ release: LoggedPost, _ isRecommended: Bool, text: String = "", images: [WireImage] = [],
        at created: UInt64 = 40
    ) -> LoggedPost {
        var body = WireReview()
        body.release = release.id.data
        body.recommended = isRecommended
        body.text = text
        body.images = images
        return post(.review(body), slot: release.id.hex, at: created)
    }

    func comment(_ subject: LoggedPost, _ text: String, at created: UInt64 = 50) -> LoggedPost {
        var body = WireComment()
        body.subject = subject.id.data
        body.text = text
        return post(.comment(body), at: created)
    }
}

func licence(_ name: String, sells: [String] = [], derivatives: Bool = false) -> WireLicence {
    var licence = WireLicence()
    licence.name = name
    licence.commercialUse = sells
    licence.derivatives = derivatives
    return licence
}

func file(_ content: String, name: String = "model.safetensors", format: String = "SafeTensor") -> WireFile {
    var file = WireFile()
    file.sha256 = hash("file \(content)").data
    file.piecesRoot = hash("pieces \(content)").data
    file.size = 1000
    file.name = name
    file.kind = "Model"
    file.format = format
    file.autov3 = hash("tensors \(content)").data
    file.tensorDigest = hash("digest \(content)").data
    file.autov1 = Data(hash("autov1 \(content)").bytes.prefix(4))
    file.crc32 = UInt32(truncatingIfNeeded: hash("crc \(content)").words.0) | 1
    file.mediaType = "application/octet-stream"
    return file
}

func image(_ content: String, _ level: Level? = .pg, prompt: String = "") -> WireImage {
    var image = WireImage()
    image.blob = hash("image \(content)").data
    image.piecesRoot = hash("image pieces \(content)").data
    image.size = 500
    image.mediaType = "image/png"
    image.width = 64
    image.height = 64
    image.level = level?.rawValue ?? 0
    image.alt = content
    if !prompt.isEmpty { image.recipe.prompt = prompt }
    return image
}

/// A log as the post log writes it.
struct TestLog {
    private(set) var entries: [LogEntry] = []
    private var seq: UInt64 = 0

    mutating func show(_ posts: LoggedPost...) {
        for post in posts { append(.shown, post) }
    }

    /// As the log says it when the payload is gone: only what names the post is left.
    mutating func hide(_ post: LoggedPost, _ reason: HiddenReason = .deleted) {
        append(.hidden(reason), post)
    }

    mutating func append(_ event: LogEntry.Event, _ post: LoggedPost) {
        seq += 1
        var post = post
        if event == .hidden(.deleted) {
            post = LoggedPost(
                id: post.id, author: post.author, created: post.created, kind: post.kind, slot: post.slot,
                post: WirePost(), envelope: Data())
        }
        entries.append(LogEntry(seq: seq, event: event, post: post))
    }

    /// The entries that were added since the last call.
    mutating func take() -> [LogEntry] {
        defer { entries = [] }
        return entries
    }
}

/// Runs a test with a catalog in a directory of its own.
func withCatalog(_ body: (Catalog, _ path: String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("catalog-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appendingPathComponent("catalog.db").path
    try await body(try Catalog(path: path), path)
}

extension ViewerFilter {
    static let pg = Viewer.anonymous.filter(ceiling: .xxx)
    static let all = Viewer.peer.filter(ceiling: .xxx)
    static let operator_ = Viewer.owner.filter(ceiling: .xxx)
}
