import ArgumentParser
import Catalog
import Digests
import FoundationEssentials
import Moderation
import PostLog
import WaggleProtocol

/// One image that everybody reacts to: what a reaction costs when it is the first and when it is the millionth.
struct ReactionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog-reactions",
        abstract: "Many people's reactions to one image; JSON lines of what a reaction and the image's page cost.")

    @Argument(help: "A folder for the catalog, which must be there.")
    var folder: String

    @Option(help: "Reactions, each by somebody else.")
    var reactions = 1_000_000

    private struct Line: Encodable {
        /// Reactions that are there.
        let reactions: Int
        /// Microseconds a reaction in batches, since the line before.
        let microseconds: Double
        /// Milliseconds of one reaction by itself, committed.
        let single: Double
        /// Milliseconds of the page's query: the image in full, its reactions counted, and the visitor's own.
        let page: Double
        /// The same for the slowest twentieth of the questions.
        let pageP95: Double
        /// Milliseconds of the model's gallery by reactions.
        let gallery: Double
        /// Of the catalog with its log.
        let databaseBytes: Int
    }

    private static let batch = 2000
    /// Lines that are printed.
    private static let steps = 10
    /// Measurements of which the median is told.
    private static let rounds = 51
    private static let emoji = ["❤", "👍", "😂", "🔥", "😮", "🎉", "🐝", "👎"] + (0..<200).map { "e\($0)" }

    func run() async throws {
        let catalog = try Catalog(path: "\(folder)/catalog.db")
        var crowd = ReactionCrowd(emoji: Self.emoji)
        try await catalog.apply(crowd.setting())
        let query = Self.gallery(of: try await catalog.images(ImageQuery(), CatalogVisitor.everything).items.first)
        guard let image = query.imageID else { throw ValidationError("the image is not there") }
        var gallery = query
        gallery.imageID = nil
        var (made, spent, sinceLine) = (0, Duration.zero, 0)
        while made < reactions {
            let batch = try crowd.reactions(min(Self.batch, reactions - made))
            let began = ContinuousClock.now
            try await catalog.apply(batch)
            spent += ContinuousClock.now - began
            made += batch.count
            sinceLine += batch.count
            guard sinceLine >= reactions / Self.steps || made >= reactions else { continue }
            let fan = try crowd.reactions(1)
            try await catalog.apply(fan)
            var singles: [[LogEntry]] = []
            for _ in 0..<Self.rounds { singles.append(try crowd.reactions(1)) }
            let page = try await Self.times { _ in
                let shown = try await catalog.image(id: image, CatalogVisitor.anonymous)
                guard let shown, shown.counts.reactionTotal > made else {
                    throw ValidationError("a reaction is lost")
                }
                _ = try await catalog.reaction(of: fan[0].post.author, on: shown.post)
            }
            let line = Line(
                reactions: made, microseconds: spent / .microseconds(sinceLine),
                single: try await Self.median { try await catalog.apply(singles[$0]) },
                page: page[Self.rounds / 2], pageP95: page[Self.rounds * 95 / 100],
                gallery: try await Self.median { _ in
                    _ = try await catalog.images(gallery, CatalogVisitor.anonymous)
                }, databaseBytes: Self.bytes(folder))
            print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
            made += Self.rounds + 1
            (spent, sinceLine) = (.zero, 0)
        }
    }

    private static func gallery(of image: ImageView?) -> ImageQuery {
        var query = ImageQuery()
        query.imageID = image?.id
        query.modelID = image?.releases.first?.modelID
        query.sort = .mostReactions
        return query
    }

    private static func bytes(_ folder: String) -> Int {
        ["", "-wal"].reduce(0) { sum, suffix in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/catalog.db\(suffix)")
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    private static func median(_ body: (Int) async throws -> Void) async throws -> Double {
        try await times(body)[rounds / 2]
    }

    /// Milliseconds of each round, the fastest first.
    private static func times(_ body: (Int) async throws -> Void) async throws -> [Double] {
        var times: [Double] = []
        for round in 0..<rounds {
            let began = ContinuousClock.now
            try await body(round)
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        return times.sorted().map { ($0 * 1000).rounded() / 1000 }
    }
}

/// The log of a crowd in front of one image.
private struct ReactionCrowd {
    let emoji: [String]
    private var seq: UInt64 = 0
    private var person = 0
    private var random = BenchRandom(3)
    private let image = SHA256.hash(Array("image".utf8))

    init(emoji: [String]) {
        self.emoji = emoji
    }

    private mutating func entry(
        _ id: Hash32, _ author: Hash32, _ slot: String, _ body: WirePost.OneOf_Body, _ kind: PostKind
    ) -> LogEntry {
        seq += 1
        var post = WirePost()
        (post.v, post.author, post.slot) = (1, author.data, slot)
        (post.created, post.kind, post.body) = (1_700_000_000 + seq, UInt32(kind.rawValue), body)
        return LogEntry(
            seq: seq, event: .shown,
            post: LoggedPost(
                id: id, author: author, created: post.created, kind: kind, slot: slot, post: post, envelope: Data()))
    }

    /// A model with a release and the image.
    mutating func setting() -> [LogEntry] {
        let maker = SHA256.hash(Array("maker".utf8))
        var model = WireModel()
        (model.name, model.type, model.level) = ("A model", "LORA", 1)
        var release = WireRelease()
        (release.modelAuthor, release.modelSlug, release.version) = (maker.data, "m", "v1")
        var file = WireFile()
        (file.sha256, file.piecesRoot, file.size) = (maker.data, maker.data, 1)
        (file.name, file.kind, file.format) = ("m.safetensors", "Model", "SafeTensor")
        release.files = [file]
        let releaseID = SHA256.hash(Array("release".utf8))
        var shown = WireImage()
        (shown.blob, shown.piecesRoot, shown.level) = (image.data, image.data, 1)
        (shown.mediaType, shown.width, shown.height, shown.size) = ("image/png", 1024, 1024, 1)
        var post = WireImagePost()
        (post.releases, post.images) = ([releaseID.data], [shown])
        return [
            entry(SHA256.hash(Array("model".utf8)), maker, "m", .model(model), .model),
            entry(releaseID, maker, "", .release(release), .release),
            entry(image, maker, "", .imagePost(post), .imagePost),
        ]
    }

    /// Each by somebody who has not been there before.
    mutating func reactions(_ count: Int) throws -> [LogEntry] {
        (0..<count).map { _ in
            person += 1
            var reaction = WireReaction()
            reaction.subject = image.data
            reaction.emoji = emoji[random.rank(below: emoji.count)]
            let author = SHA256.hash(Array("person \(person)".utf8))
            let id = SHA256.hash(Array("reaction \(person)".utf8))
            return entry(id, author, "\(image.hex) \(reaction.emoji)", .reaction(reaction), .reaction)
        }
    }
}
