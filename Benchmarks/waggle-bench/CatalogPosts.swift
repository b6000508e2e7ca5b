import Digests
import FoundationEssentials
import Glibc
import Identity
import PostLog
import WaggleProtocol

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed everywhere.
struct BenchRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func unit() -> Double { Double.random(in: 0..<1, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// A rank below `count` by Zipf's law with exponent 1: rank k comes 1/(k + 1) times as often as the first.
    mutating func rank(below count: Int) -> Int {
        min(Int(exp(unit() * log(Double(count + 1)))) - 1, count - 1)
    }
}

/// Everything that people said in a network of a given size, as the log would tell it: from one seed always the same.
///
/// Few creators have most models and few tags most uses (Zipf). A model has 1 to 6 releases, a release has reviews,
/// comments and image posts of 1 to 6 images with recipes.
struct CatalogPosts {
    /// Unix seconds; a second passes with each post.
    private static let begin: UInt64 = 1_700_000_000

    static let types = ["LORA", "LORA", "LORA", "Checkpoint", "TextualInversion", "LoCon", "VAE", "Workflows"]
    static let bases = ["SDXL 1.0", "SD 1.5", "Pony", "Flux.1 D", "Illustrious", "SD 2.1", "Qwen", "Wan 2.2"]
    static let formats = ["SafeTensor", "SafeTensor", "SafeTensor", "GGUF", "Diffusers", "Other"]
    static let licences = ["OpenRAIL++", "CreativeML OpenRAIL-M", "Apache-2.0", "FLUX.1 [dev]", "CC0-1.0"]
    private static let uses: [[String]] = [[], ["Image"], ["Image", "Rent"], ["Image", "Rent", "Sell"]]
    static let levels: [UInt32] = [1, 1, 1, 1, 1, 2, 2, 4, 8, 16]
    static let vocabulary = 30_000

    let releases: Int
    let images: Int
    private var random: BenchRandom
    private var seq: UInt64 = 0
    private var madeReleases = 0
    private var madeImages = 0
    private let creators: [Hash32]
    private let people: [Hash32]
    /// Who signs for each of them; without, posts carry made-up ids and no envelope.
    private let signers: [Hash32: Signer]
    /// Releases that can be talked about, the newest last.
    private var known: [Hash32] = []
    private var waiting: [LoggedPost] = []
    /// Slots that are taken: a person reviews a release once, and reacts to it once.
    private var reviewed: Set<Said> = []
    private var reacted: Set<Said> = []

    private struct Said: Hashable {
        let person: Hash32
        let subject: Hash32
    }

    init(releases: Int, images: Int, seed: UInt64) {
        self.init(
            releases: releases, images: images, seed: seed,
            creators: (0..<Self.creatorCount(releases)).map { SHA256.hash(Array("creator \($0)".utf8)) },
            people: (0..<Self.personCount(releases)).map { SHA256.hash(Array("person \($0)".utf8)) }, signers: [])
    }

    /// The same network with signed posts, which a log takes.
    /// - Parameter authors: `authorCount` of them.
    init(releases: Int, images: Int, seed: UInt64, authors: [BenchAuthor]) {
        let ids = authors.map(\.signer.author)
        let creatorCount = Self.creatorCount(releases)
        self.init(
            releases: releases, images: images, seed: seed, creators: Array(ids.prefix(creatorCount)),
            people: Array(ids.dropFirst(creatorCount)), signers: authors.map(\.signer))
    }

    private init(
        releases: Int, images: Int, seed: UInt64, creators: [Hash32], people: [Hash32], signers: [Signer]
    ) {
        self.releases = releases
        self.images = images
        random = BenchRandom(seed)
        self.creators = creators
        self.people = people
        self.signers = Dictionary(uniqueKeysWithValues: signers.map { ($0.author, $0) })
    }

    static func authorCount(_ releases: Int) -> Int { creatorCount(releases) + personCount(releases) }
    private static func creatorCount(_ releases: Int) -> Int { max(releases / 12, 1) }
    private static func personCount(_ releases: Int) -> Int { max(releases / 4, 1) }

    /// The next lines of the log; empty at the end.
    mutating func next(_ count: Int) throws -> [LogEntry] {
        while waiting.count < count, madeReleases < releases { try addModel() }
        let batch = waiting.prefix(count)
        waiting.removeFirst(batch.count)
        return batch.map { post in
            seq += 1
            return LogEntry(seq: seq, event: .shown, post: post)
        }
    }

    /// A pronounceable word: the same rank is always the same word.
    static func word(_ rank: Int) -> String { allWords[rank] }

    private static let allWords = (0..<vocabulary).map(makeWord)
    private static let syllables = "ka ro mi sen ta lu vo ner shi el dra po qui za fen".split(separator: " ")

    private static func makeWord(_ rank: Int) -> String {
        var (rest, word) = (rank + 1, "")
        repeat {
            word += syllables[rest % syllables.count]
            rest /= syllables.count
        } while rest > 0
        return word + ["", "n", "s", "x"][rank % 4]
    }

    static func tag(_ rank: Int) -> String { word(rank * 7 + 3) }

    private mutating func words(_ count: Int) -> String {
        (0..<count).map { _ in Self.word(random.rank(below: Self.vocabulary)) }.joined(separator: " ")
    }

    private mutating func post(_ author: Hash32, _ slot: String, _ body: WirePost.OneOf_Body, _ kind: PostKind)
        throws -> LoggedPost
    {
        var post = WirePost()
        post.v = 1
        post.author = author.data
        post.created = Self.begin + seq + UInt64(waiting.count)
        post.slot = slot
        post.kind = UInt32(kind.rawValue)
        post.body = body
        let id = SHA256.hash(withUnsafeBytes(of: random.next()) { Array($0) })
        if let signed = try signers[author]?.sign(post) {
            return LoggedPost(
                id: signed.id, author: author, created: post.created, kind: kind, slot: slot, post: signed.post,
                envelope: signed.envelope)
        }
        return LoggedPost(
            id: id, author: author, created: post.created, kind: kind, slot: slot, post: post, envelope: Data())
    }

    private mutating func addModel() throws {
        let author = creators[random.rank(below: creators.count)]
        let slug = "model-\(madeReleases)"
        var model = WireModel()
        model.name = words(3)
        model.type = Self.types.randomElement(using: &random) ?? ""
        model.tags = (0..<Int.random(in: 1...8, using: &random)).map { _ in Self.tag(random.rank(below: 4000)) }
        model.level = Self.levels.randomElement(using: &random) ?? 1
        model.description_p = words(150)
        model.realPerson = .no
        model.licence.name = Self.licences.randomElement(using: &random) ?? ""
        model.licence.commercialUse = Self.uses.randomElement(using: &random) ?? []
        model.licence.derivatives = random.chance(70)
        waiting.append(try post(author, slug, .model(model), .model))
        for version in 0..<min(1 + random.rank(below: 6), releases - madeReleases) {
            try addRelease(author, slug, version)
        }
    }

    private mutating func addRelease(_ author: Hash32, _ slug: String, _ version: Int) throws {
        var release = WireRelease()
        release.modelAuthor = author.data
        release.modelSlug = slug
        release.version = "v\(version + 1).0"
        release.baseModel = Self.bases[random.rank(below: Self.bases.count)]
        release.trainedWords = [words(2)]
        release.changes = words(20)
        var file = WireFile()
        let sha256 = SHA256.hash(withUnsafeBytes(of: random.next()) { Array($0) })
        (file.sha256, file.piecesRoot, file.autov3) = (sha256.data, sha256.data, sha256.data)
        file.tensorDigest = sha256.data
        file.crc32 = UInt32(truncatingIfNeeded: random.next()) | 1
        file.autov1 = Data(sha256.bytes.prefix(4))
        file.size = 200 << 20
        file.name = "\(slug)-v\(version + 1).safetensors"
        file.kind = "Model"
        file.format = Self.formats.randomElement(using: &random) ?? ""
        file.mediaType = "application/octet-stream"
        release.files = [file]
        let made = try post(author, "", .release(release), .release)
        waiting.append(made)
        known.append(made.id)
        madeReleases += 1
        try addTalk()
        while madeImages < images / releases * madeReleases { try addImagePost() }
    }

    /// Reviews, comments and reactions on releases that are there, the newest ones most of all.
    private mutating func addTalk() throws {
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let (subject, person) = (pick(), people[random.rank(below: people.count)])
            guard reviewed.insert(Said(person: person, subject: subject)).inserted else { continue }
            var review = WireReview()
            review.release = subject.data
            review.recommended = random.chance(85)
            review.text = words(20)
            waiting.append(try post(person, subject.hex, .review(review), .review))
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let (subject, person) = (pick(), people[random.rank(below: people.count)])
            var comment = WireComment()
            comment.subject = subject.data
            comment.text = words(15)
            waiting.append(try post(person, "", .comment(comment), .comment))
        }
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let (subject, person) = (pick(), people[random.rank(below: people.count)])
            guard reacted.insert(Said(person: person, subject: subject)).inserted else { continue }
            var reaction = WireReaction()
            reaction.subject = subject.data
            reaction.emoji = "❤"
            waiting.append(try post(person, subject.hex + " ❤", .reaction(reaction), .reaction))
        }
        if random.chance(2) {
            var collection = WireCollection()
            collection.name = words(2)
            collection.items = (0..<20).map { _ in pick().data }
            collection.level = 1
            let person = people[random.rank(below: people.count)]
            waiting.append(try post(person, "collection-\(madeReleases)", .collection(collection), .collection))
        }
    }

    private mutating func pick() -> Hash32 { known[known.count - 1 - random.rank(below: known.count)] }

    private mutating func addImagePost() throws {
        let subject = pick()
        let author = people[random.rank(below: people.count)]
        var body = WireImagePost()
        body.releases = [subject.data]
        body.title = words(2)
        body.images = (0..<Int.random(in: 1...6, using: &random)).map { _ in image(subject) }
        madeImages += body.images.count
        waiting.append(try post(author, "", .imagePost(body), .imagePost))
    }

    private mutating func image(_ release: Hash32) -> WireImage {
        let sha256 = SHA256.hash(withUnsafeBytes(of: random.next()) { Array($0) })
        var image = WireImage()
        (image.blob, image.piecesRoot) = (sha256.data, sha256.data)
        image.size = 1_500_000
        image.mediaType = "image/png"
        (image.width, image.height) = (1024, 1536)
        image.level = Self.levels.randomElement(using: &random) ?? 1
        if random.chance(80) {
            var recipe = WireRecipe()
            recipe.prompt = words(40)
            recipe.negativePrompt = words(10)
            (recipe.seed, recipe.hasSeed_p) = (random.next() >> 32, true)
            (recipe.steps, recipe.cfgScale, recipe.sampler) = (30, 6.5, "DPM++ 2M Karras")
            var resource = WireResource()
            resource.kind = "lora"
            resource.name = words(1)
            resource.sha256 = release.data
            resource.strength = 0.8
            recipe.resources = [resource]
            image.recipe = recipe
        }
        return image
    }
}
