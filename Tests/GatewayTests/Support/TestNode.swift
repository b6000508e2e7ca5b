import Accounts
import Administration
import AsyncHTTPClient
import BlobStore
import Catalog
import Digests
import Economy
import Federation
import Foundation
import Gateway
import Generation
import Identity
import Ledger
import Logging
import Moderation
import Operations
import PostLog
import SystemPackage
import Testing
import WaggleProtocol

/// A node with real stores in a temporary directory, and people who publish on it. Seeds and times are fixed, so that
/// numbers and hashes are the same in every run.
final class TestNode: Sendable {
    /// Unix seconds at which everything happens: 2026-03-01.
    static let time: UInt64 = 1_772_323_200

    let directory: URL
    let log: PostLog
    let blobs: BlobStore
    let catalog: Catalog
    let moderation: Moderation
    let node: Person
    let maker: Person
    let accounts: Accounts
    let services: GatewayServices

    private init(
        directory: URL, log: PostLog, blobs: BlobStore, catalog: Catalog, moderation: Moderation, node: Person,
        maker: Person, accounts: Accounts, services: GatewayServices
    ) {
        self.directory = directory
        self.log = log
        self.blobs = blobs
        self.catalog = catalog
        self.moderation = moderation
        self.node = node
        self.maker = maker
        self.accounts = accounts
        self.services = services
    }

    deinit {
        try? FileManager.default.removeItem(at: directory)
    }

    static func make(
        ceiling: Level = .xxx, clock: any Clock<Duration> = ContinuousClock(), accepts: Bool = true,
        holders: [String] = [], registration: RegistrationMode = .open, adults: Bool = false, nodeSeed: UInt8 = 1,
        configure: (inout GatewayConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        let directory = FileManager.default.temporaryDirectory.appending(path: "gateway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory.appending(path: "db"), withIntermediateDirectories: true)
        let path = { (name: String) in directory.appending(path: "db/\(name)").path }
        let log = try PostLog(path: path("posts.db"), now: { Self.time })
        let blobs = try await BlobStore.open(home: FilePath(directory.path))
        let catalog = try Catalog(path: path("catalog.db"))
        let moderation = try Moderation(ceiling: ceiling, path: path("moderation.db"))
        let node = try Person(seed: nodeSeed, role: .node)
        let maker = try Person(seed: 2, role: .person)
        var configuration = GatewayConfiguration(
            host: "127.0.0.1", port: 0, publicURLs: [try PeerURL("https://hive.example")],
            allowedOrigins: [try PeerURL("https://civitai.com")], nodeName: "Hive", software: "waggle/test",
            ownerToken: "wgl_owner")
        configure(&configuration)
        var logger = Logger(label: "gateway")
        logger.logLevel = .critical
        let home = Home(root: FilePath(directory.path))
        try FileManager.default.createDirectory(atPath: home.keys.string, withIntermediateDirectories: true)
        try KeyFile(author: node.id, label: "node", secret: node.seed).write(to: home.nodeKey.string)
        try KeyFile(author: maker.id, label: "maker", secret: maker.seed).write(
            to: home.key(ofAccount: "maker").string)
        let keyring = try Keyring(home: home, passphrase: nil)
        let accounts = try await Accounts(
            path: path("accounts.db"), node: node.device, now: { Self.time })
        let administration = try Administration(path: path("admin.db"), isOldHome: true, now: { Self.time })
        try await accounts.adopt(handle: "maker", author: maker.id, role: .admin, levels: Level.xxx.upTo)
        let federation = Federation(
            peers: try PeerStore(path: path("peers.db")),
            identity: NodeIdentity(id: node.id, key: node.device, keyDocuments: [node.genesis.envelope]), log: log,
            catalog: catalog, blobs: blobs, moderation: moderation, http: .shared, logger: logger, now: { Self.time },
            clock: clock)
        let settings = [
            SettingView(key: "registration.mode", value: registration.rawValue, origin: "default"),
            SettingView(key: "registration.adults", value: adults ? "yes" : "no", origin: "default"),
        ]
        let currencies = try await Currencies(
            path: path("ledger.db"), keyPath: home.ledgerKey.string,
            transport: LedgerClient { federation.client(for: $0) }, now: { Self.time })
        // Nobody installed an engine: whoever asks for a picture is told so.
        let generation = GenerationService(
            backend: EmbeddedBackend(
                options: { .init(engine: nil, threads: 1) }, files: DrawingStudio.files(blobs),
                temporary: home.temporary.appending("drawing")),
            store: try JobStore(path: nil), payment: NoPayment(),
            studio: DrawingStudio(blobs: blobs, keyring: keyring, isListed: { _ in true }, now: { Self.time }).services,
            slots: 1, now: { Self.time })
        let context = OperationContext(
            home: home, log: log, blobs: blobs, catalog: catalog, moderation: moderation, federation: federation,
            accounts: accounts, administration: administration, currencies: currencies,
            economy: try EconomyStore(path: path("economy.db")),
            generation: generation, keyring: keyring, signing: SigningHold(home: home),
            attachmentRoom: AttachmentRoom(), settings: settings,
            publicURL: "https://hive.example",
            urls: ["https://hive.example"], software: "waggle/test", startedAt: Self.time, now: { Self.time },
            loadCheckpoint: { _ in false }, progress: { _ in })
        let uploads = UploadStore(
            folder: home.temporary.appending("uploads"), now: { Self.time }, random: { SecureRandom.bytes(16) })
        let services = GatewayServices(
            catalog: catalog, blobs: blobs, postLog: log, moderation: moderation, accounts: accounts,
            administration: administration, uploads: uploads,
            context: { context }, nodeID: node.id,
            configuration: configuration, now: { Self.time }, clock: clock, acceptsPeer: { _ in accepts },
            provenAddresses: { ["https://other.example"] }, holders: { _ in holders }, logger: logger)
        let world = TestNode(
            directory: directory, log: log, blobs: blobs, catalog: catalog, moderation: moderation, node: node,
            maker: maker, accounts: accounts, services: services)
        try await world.take([node.genesis, maker.genesis])
        try await world.publish(by: maker) { post in
            post.profile.name = "Maker"
            post.created = Self.time - 5000
        }
        return world
    }

    /// Takes posts in, and has the catalog show them.
    func take(_ posts: [SignedPost]) async throws {
        let results = try await log.intake.submit(posts.map(\.envelope), from: .local)
        for result in results where !result.isHere { throw Refused(what: "\(result)") }
        while catalog.appliedSeq < log.newestSeq {
            try await catalog.apply(log.entries(after: catalog.appliedSeq, limit: 1000))
        }
    }

    struct Refused: Error {
        let what: String
    }

    @discardableResult
    func publish(by person: Person, _ fill: (inout WirePost) -> Void) async throws -> SignedPost {
        var post = WirePost()
        post.created = Self.time - 1000
        fill(&post)
        let signed = try person.signer.sign(post)
        try await take([signed])
        return signed
    }

    // MARK: Content

    /// A model with one release of one file and one picture, all of `level`.
    struct Published {
        let model: SignedPost
        let release: SignedPost
        let picture: SignedPost
        let file: Hash32
        let image: Hash32
    }

    /// - Parameter mark: appears in every text, so that a leak can be found by it.
    func publishModel(
        _ mark: String, level: Level = .pg, bytes: Int = 3000, picture: [UInt8] = png, fileName: String? = nil,
        age: UInt64 = 0,
        change: (inout WireModel) -> Void = { _ in }, changeRelease: (inout WireRelease) -> Void = { _ in }
    ) async throws -> Published {
        let slug = mark.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let time = Self.time - 2000 - age * 10
        let file = try await blobs.add(bytes: Self.bytes("file of \(mark)", count: bytes))
        let image = try await blobs.add(bytes: picture + Array("\(mark)".utf8))
        let model = try await publish(by: maker) { post in
            post.created = time
            post.slot = slug
            post.model.name = "Model \(mark)"
            post.model.type = "LORA"
            post.model.description_p = "About \(mark).\n\nSecond paragraph."
            post.model.tags = ["tag-\(slug)", "bees"]
            post.model.level = level.rawValue
            post.model.licence.name = "CC0-1.0"
            post.model.licence.commercialUse = ["Image", "Sell"]
            post.model.licence.derivatives = true
            post.model.realPerson = .no
            change(&post.model)
        }
        let release = try await publish(by: maker) { post in
            post.created = time + 1
            post.release.modelAuthor = maker.id.data
            post.release.modelSlug = slug
            post.release.version = "v1 \(mark)"
            post.release.baseModel = "SDXL 1.0"
            post.release.trainedWords = ["word \(mark)"]
            post.release.settings.strength = 0.8
            post.release.changes = "First release of \(mark)."
            post.release.files = [Self.wire(file, name: fileName ?? "\(slug).safetensors")]
            changeRelease(&post.release)
        }
        let picture = try await publish(by: maker) { post in
            post.created = time + 2
            post.imagePost.releases = [release.id.data]
            post.imagePost.title = "Picture of \(mark)"
            post.imagePost.images = [Self.wire(image, level: level, file: file.sha256, mark: mark)]
        }
        return Published(
            model: model, release: release, picture: picture, file: file.sha256, image: image.sha256)
    }

    /// A collection, an article, a workflow and what people say of a model, all of one level.
    struct Works {
        let collection: SignedPost
        let article: SignedPost
        let bounty: Hash32
        let workflow: SignedPost
    }

    func publishWorks(_ mark: String, level: Level = .pg, of model: Published) async throws -> Works {
        let slug = mark.lowercased()
        try await publish(by: maker) { post in
            post.slot = model.release.id.hex
            post.review.release = model.release.id.data
            post.review.recommended = true
            post.review.text = "Review of **\(mark)**."
        }
        let comment = try await publish(by: maker) { post in
            post.comment.subject = model.model.id.data
            post.comment.text = "Comment on *\(mark)*."
        }
        try await publish(by: maker) { post in
            post.created = Self.time - 900
            post.comment.subject = model.model.id.data
            post.comment.replyTo = comment.id.data
            post.comment.text = "Reply on \(mark)."
        }
        try await publish(by: maker) { post in
            post.slot = "\(model.model.id.hex) 🐝"
            post.reaction.subject = model.model.id.data
            post.reaction.emoji = "🐝"
        }
        let collection = try await publish(by: maker) { post in
            post.slot = "set-\(slug)"
            post.collection.name = "Collection \(mark)"
            post.collection.description_p = "# About\n\nWhat \(mark) is."
            post.collection.items = [model.model.id.data, model.release.id.data, model.picture.id.data]
            post.collection.level = level.rawValue
        }
        let article = try await publish(by: maker) { post in
            post.slot = "text-\(slug)"
            post.article.title = "Article \(mark)"
            post.article.text = "Words on \(mark).\n\n## Part\n\n- one\n- two"
            post.article.tags = ["tag-\(slug)"]
            post.article.level = level.rawValue
        }
        let bounty = try await publish(by: maker) { post in
            post.bounty.title = "Bounty \(mark)"
            post.bounty.text = "Wished for: \(mark)."
            post.bounty.level = level.rawValue
            post.bounty.tags = ["tag-\(slug)"]
            post.bounty.currency = Hash32.zero.data
            post.bounty.arbiter = node.device.publicKey.data
            post.bounty.arbiterNode = node.id.data
            post.bounty.deadline = Self.time + 86400
            post.bounty.decided = Self.time + 2 * 86400
            post.bounty.rule = .first
        }
        try await publish(by: maker) { post in
            post.bountyEntry.bounty = bounty.id.data
            post.bountyEntry.text = "Entry for \(mark)."
        }
        let graph = try await blobs.add(bytes: Self.bytes("graph of \(mark)", count: 900))
        let workflow = try await publish(by: maker) { post in
            post.slot = "graph-\(slug)"
            post.workflow.name = "Workflow \(mark)"
            post.workflow.description_p = "How \(mark) is drawn."
            post.workflow.tags = ["tag-\(slug)"]
            post.workflow.graph = Self.wire(graph, name: "\(slug).json")
            post.workflow.graph.kind = "Workflow"
            post.workflow.graph.mediaType = "application/json"
            post.workflow.level = level.rawValue
        }
        return Works(collection: collection, article: article, bounty: bounty.id, workflow: workflow)
    }

    /// The numbers of works for the operator.
    func numbers(of works: Works) async throws -> [Int32] {
        let owner = moderation.filter(for: .owner)
        return [
            try await catalog.collection(author: maker.id, slug: works.collection.post.slot, owner)?.id,
            try await catalog.article(author: maker.id, slug: works.article.post.slot, owner)?.id,
            try await catalog.workflow(author: maker.id, slug: works.workflow.post.slot, owner)?.id,
        ].compactMap { $0 }
    }

    static func wire(_ facts: BlobFacts, name: String) -> WireFile {
        var file = WireFile()
        file.sha256 = facts.sha256.data
        file.piecesRoot = facts.piecesRoot.data
        file.size = facts.size
        file.crc32 = facts.crc32
        file.autov1 = Data([UInt8](withUnsafeBytes(of: facts.autoV1.bigEndian) { Array($0) }))
        file.name = name
        file.kind = "Model"
        file.format = "SafeTensor"
        file.precision = "fp16"
        file.autov3 = SHA256.hash(Array("tensors of \(name)".utf8)).data
        file.tensorDigest = SHA256.hash(Array("digest of \(name)".utf8)).data
        file.mediaType = "application/octet-stream"
        return file
    }

    private static func wire(_ facts: BlobFacts, level: Level, file: Hash32, mark: String) -> WireImage {
        var image = WireImage()
        image.blob = facts.sha256.data
        image.size = facts.size
        image.piecesRoot = facts.piecesRoot.data
        image.mediaType = "image/png"
        image.width = 128
        image.height = 96
        image.level = level.rawValue
        image.alt = "Alt of \(mark)"
        image.recipe.prompt = "prompt of \(mark)"
        image.recipe.seed = 7
        image.recipe.hasSeed_p = true
        image.recipe.steps = 20
        var resource = WireResource()
        resource.kind = "lora"
        resource.name = "file of \(mark)"
        resource.sha256 = file.data
        resource.strength = 0.7
        image.recipe.resources = [resource]
        return image
    }

    /// Bytes that differ everywhere, so that a range from a wrong place is noticed.
    static func bytes(_ seed: String, count: Int) -> [UInt8] {
        var state = SHA256.hash(Array(seed.utf8)).words.0 | 1
        return [UInt8](unsafeUninitializedCapacity: count + 8) { memory, length in
            for start in stride(from: 0, to: count, by: 8) {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                UnsafeMutableRawBufferPointer(memory).storeBytes(of: state, toByteOffset: start, as: UInt64.self)
            }
            length = count
        }
    }

    /// The signature of a PNG is all that anything here looks at.
    static let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    /// A whole picture of one black pixel.
    static let wholePNG: [UInt8] = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
        0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b,
        0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x60, 0x00, 0x00, 0x00,
        0x02, 0x00, 0x01, 0x48, 0xaf, 0xa4, 0x71, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae,
        0x42, 0x60, 0x82,
    ]
}

/// An author: a chain of one key document with one device.
struct Person: Sendable {
    let id: Hash32
    let genesis: SignedPost
    let device: SigningKey
    /// Of the device.
    let seed: [UInt8]
    var signer: Signer { Signer(author: id, device: device) }

    init(seed: UInt8, role: WireRole, scopes: [WireScope]? = nil) throws {
        let root = try Self.key(seed, 1)
        let next = try Self.key(seed, 2)
        device = try Self.key(seed, 3)
        self.seed = [seed, 3] + [UInt8](repeating: 0, count: 30)
        var document = WireKeyDocument()
        document.version = 1
        document.roots = [root.publicKey.data]
        document.threshold = 1
        document.nextRoots = [SHA256.hash(next.publicKey.bytes).data]
        document.nextThreshold = 1
        document.role = role
        var listed = WireDevice()
        listed.key = device.publicKey.data
        listed.label = "laptop"
        listed.scopes = scopes ?? (role == .node ? [.node] : [.release, .review, .post])
        listed.notBefore = 1_767_225_600
        document.devices = [listed]
        genesis = try PostSigning.genesis(document, created: 1_767_225_600, roots: [root])
        id = genesis.id
    }

    init(id: Hash32, genesis: SignedPost, device: SigningKey) {
        self.id = id
        self.genesis = genesis
        self.device = device
        seed = []
    }

    /// Use 1 is the root, 2 the next one, 3 the device.
    static func key(_ seed: UInt8, _ use: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: [seed, use] + [UInt8](repeating: 0, count: 30)))
    }
}
