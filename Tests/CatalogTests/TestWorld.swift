import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import WaggleProtocol

/// A random world of posts: what stands at the end, and what stood for a while. Any order in which a log could have told
/// it must give the same catalog.
struct TestWorld {
    /// Posts in force at the end.
    private(set) var standing: [LoggedPost] = []
    /// Posts that went out of force, and why; for a superseded one, the post that stands instead.
    private var fallen: [(post: LoggedPost, reason: HiddenReason, successor: Hash32?)] = []
    let authors: [TestAuthor]
    private(set) var releases: [LoggedPost] = []
    private(set) var models: [LoggedPost] = []

    static let types = ["LORA", "Checkpoint", "TextualInversion", "lora"]
    static let bases = ["SDXL 1.0", "SD 1.5", "Flux.1 D", "sdxl 1.0", "Pony"]
    static let tags = ["style", "Character", "anime", "photo", "concept", "STYLE"]
    static let formats = ["SafeTensor", "GGUF", "safetensor", "Odd, one"]
    static let licences = ["CC0-1.0", "cc0-1.0", "Open RAIL", ""]
    static let names = ["Maker", "maker!", "Ann-Marie", "東京", "", "bee_keeper", "w1", "  "]

    init(seed: UInt64, authors count: Int = 6, scale: Int = 1) {
        var random = SeededRandom(seed)
        authors = (0..<count).map { TestAuthor("a\($0)") }
        for author in authors where random.chance(80) {
            stand(
                slot(1 + Int(random.next() % 3), using: &random) { version, random in
                    author.profile(Self.names.randomElement(using: &random)!, at: 1 + UInt64(version))
                })
        }
        for _ in 0..<12 * scale {
            let author = authors.randomElement(using: &random)!
            let slug = "m\(Int.random(in: 0..<8 * scale, using: &random))"
            guard !models.contains(where: { $0.author == author.id && $0.slot == slug }) else { continue }
            let versions = slot(1 + Int(random.next() % 3), using: &random) { version, random in
                author.model(
                    slug, name: "Model \(slug) \(["red", "blue", "deep sea"].randomElement(using: &random)!)",
                    type: Self.types.randomElement(using: &random)!,
                    tags: Array(Self.tags.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random))),
                    level: (Level.allCases + [nil, .pg, .pg]).randomElement(using: &random)!,
                    licence: licence(
                        Self.licences.randomElement(using: &random)!,
                        sells: [[], ["Image"], ["image", "Rent", "Sell"]].randomElement(using: &random)!,
                        derivatives: random.chance(50)),
                    at: UInt64(version) * 10 + UInt64.random(in: 1...9, using: &random))
            }
            stand(versions, isStanding: random.chance(80))
            models.append(versions[versions.count - 1])
        }
        makeReleases(24 * scale, &random)
        makeImages(20 * scale, &random)
        makeTalk(40 * scale, &random)
        makeFeedback()
    }

    private mutating func makeFeedback() {
        for (number, release) in releases.enumerated() where number % 2 == 0 {
            for picture in 0..<number % 4 {
                let author = authors[(number + picture / 2) % authors.count]
                let post = author.feedback(
                    "drawing \(number) \(picture)", drawnWith: [release, releases[number / 2]], isGood: picture == 0)
                stand([post], isStanding: (number + picture) % 5 != 0)
            }
        }
    }

    private func slot(
        _ count: Int, using random: inout SeededRandom, _ make: (Int, inout SeededRandom) -> LoggedPost
    ) -> [LoggedPost] {
        (0..<count).map { make($0, &random) }
    }

    /// The last of several versions stands, or nothing does.
    private mutating func stand(_ versions: [LoggedPost], isStanding: Bool = true) {
        var versions = versions
        let last = versions.removeLast()
        for (index, version) in versions.enumerated() {
            let successor = index + 1 < versions.count ? versions[index + 1] : last
            fallen.append((version, .superseded, successor.id))
        }
        if isStanding { standing.append(last) } else { fallen.append((last, .deleted, nil)) }
    }

    private mutating func makeReleases(_ count: Int, _ random: inout SeededRandom) {
        for number in 0..<count {
            let model = models.randomElement(using: &random)!
            let owner = authors.first { $0.id == model.author }!
            // Some are signed by others than the model's author, and some name models that nobody made.
            let signer = random.chance(10) ? authors.randomElement(using: &random)! : owner
            let files = (0..<Int.random(in: 1...3, using: &random)).map { part in
                file(
                    "content \(Int.random(in: 0..<count, using: &random)) \(part)", name: "file\(part).safetensors",
                    format: Self.formats.randomElement(using: &random)!)
            }
            let release = signer.release(
                random.chance(5) ? "unknown" : model.slot, version: "v\(number)",
                base: Self.bases.randomElement(using: &random)!, words: ["trigger\(number % 5)"], files: files,
                of: owner, at: UInt64.random(in: 20...60, using: &random))
            releases.append(release)
            stand([release], isStanding: random.chance(85))
        }
    }

    private mutating func makeImages(_ count: Int, _ random: inout SeededRandom) {
        for number in 0..<count {
            let images = (0..<Int.random(in: 1...4, using: &random)).map { part in
                image(
                    "\(number % 15) \(part)", (Level.allCases + [nil, .pg]).randomElement(using: &random)!,
                    prompt: random.chance(50) ? "bees" : "")
            }
            let author = authors.randomElement(using: &random)!
            let about = releases.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random))
            let post = author.imagePost(
                images, releases: Array(about) + about.prefix(1), title: "post \(number)",
                at: UInt64.random(in: 25...70, using: &random))
            stand([post], isStanding: random.chance(85))
        }
    }

    private mutating func makeTalk(_ count: Int, _ random: inout SeededRandom) {
        var reviewed: Set<String> = []
        for number in 0..<count {
            let author = authors.randomElement(using: &random)!
            let release = releases.randomElement(using: &random)!
            guard reviewed.insert(author.name + release.id.hex).inserted else { continue }
            let versions = slot(1 + Int(random.next() % 2), using: &random) { version, random in
                author.review(
                    release, random.chance(70), text: "review \(number) \(version)",
                    images: random.chance(20) ? [image("review \(number)", .r)] : [], at: 40 + UInt64(version))
            }
            stand(versions, isStanding: random.chance(85))
        }
        for number in 0..<count / 2 {
            let subject = (releases + models).randomElement(using: &random)!
            let comment = authors.randomElement(using: &random)!.comment(
                subject, "comment \(number)", at: UInt64.random(in: 50...80, using: &random))
            stand([comment], isStanding: random.chance(80))
        }
    }

    /// One of the logs that end in this world: a post is shown before it is hidden, and the version before it is hidden
    /// first where it was ever shown.
    func log(seed: UInt64) -> [LogEntry] {
        var random = SeededRandom(seed)
        var waiting: [(key: UInt64, event: LogEntry.Event, post: LoggedPost)] = []
        var shownAt: [Hash32: UInt64] = [:]
        for post in standing { shownAt[post.id] = 1 << 32 + random.next() >> 34 }
        // A version stands in the list before its successor, which must be placed first.
        for fall in fallen.reversed() {
            let end = fall.successor.flatMap { shownAt[$0] } ?? (1 << 32 + random.next() >> 34)
            let start = UInt64.random(in: end / 2..<end, using: &random)
            shownAt[fall.post.id] = start
            waiting.append((4 * start, .shown, fall.post))
            waiting.append((4 * end - 1, .hidden(fall.reason), fall.post))
        }
        for post in standing { waiting.append((4 * shownAt[post.id]!, .shown, post)) }
        var log = TestLog()
        for line in waiting.sorted(by: { ($0.key, $0.post.id.hex) < ($1.key, $1.post.id.hex) }) {
            log.append(line.event, line.post)
        }
        return log.entries
    }
}

extension Catalog {
    /// Applies a log in batches of random sizes.
    /// - Parameter filling: say that more follow until the last batch.
    func apply(_ entries: [LogEntry], batches seed: UInt64, filling: Bool = false) async throws {
        var random = SeededRandom(seed)
        var rest = entries[...]
        while !rest.isEmpty {
            let batch = rest.prefix(Int.random(in: 1...20, using: &random))
            rest = rest.dropFirst(batch.count)
            try await apply(Array(batch), moreFollow: filling && !rest.isEmpty)
        }
    }
}
