import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import WaggleProtocol

/// Posts of every kind that the catalog shows, some edited, some deleted. The log of any order of arrival follows the
/// rules of slots and deletes, so that versions that come late are never shown, and a delete may bring an older version
/// back or come before what it deletes.
struct ArrivalWorld {
    private(set) var posts: [LoggedPost] = []
    private(set) var deleted: Set<Hash32> = []
    let authors: [TestAuthor]
    private(set) var releases: [LoggedPost] = []
    private(set) var images: [LoggedPost] = []

    static let emojis = ["❤", "❤️", "👍", "e\u{301}", "\u{e9}", "ok then"]

    init(seed: UInt64) {
        var random = SeededRandom(seed)
        authors = (0..<4).map { TestAuthor("s\($0)") }
        makeAuthors(&random)
        makeModels(&random)
        makeImages(&random)
        makeWorks(&random)
        makeTalk(&random)
        deleted = Set(posts.filter { _ in random.chance(15) }.map(\.id))
    }

    private mutating func makeAuthors(_ random: inout SeededRandom) {
        for author in authors {
            for version in 0..<Int.random(in: 1...3, using: &random) {
                let labels = random.chance(30) ? ["R", "other"] : []
                posts.append(
                    author.page(
                        "name \(version)", about: "about \(version)",
                        avatar: hash("image \(Int.random(in: 0..<4, using: &random))"), links: ["https://x.example"],
                        labels: labels, at: UInt64(version) + 1))
                let followed = authors.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random))
                posts.append(author.follows(Array(followed) + [TestAuthor("nobody")], at: UInt64(version) + 1))
            }
        }
    }

    private mutating func makeModels(_ random: inout SeededRandom) {
        for number in 0..<5 {
            let author = authors[number % 3]
            let slug = "m\(number)"
            for version in 0..<Int.random(in: 1...2, using: &random) {
                posts.append(
                    author.model(slug, level: Level.allCases.randomElement(using: &random), at: UInt64(10 + version)))
            }
            for version in 0..<2 {
                let parents = inForce(posts.filter { $0.kind == .release || $0.kind == .model })
                    .shuffled(using: &random)
                let refs = parents.prefix(2).map { post in
                    (["base", "merge-of", "trained-from", "other"].randomElement(using: &random)!, post.id)
                }
                let release = author.derived(
                    slug, version: "v\(version)", from: refs, at: UInt64.random(in: 20...29, using: &random))
                releases.append(release)
                posts.append(release)
                posts.append(author.channel(slug, release, number: UInt64(version), at: UInt64(30 + version)))
            }
        }
    }

    private mutating func makeImages(_ random: inout SeededRandom) {
        for number in 0..<10 {
            let author = authors.randomElement(using: &random)!
            let file = releases.randomElement(using: &random)!.post.release.files[0]
            let resources = [
                resource("full", sha256: file.sha256), resource("none"),
                resource("short", claimed: String(Hex.encode(file.sha256).prefix(10))),
            ]
            var body = WireImagePost()
            body.images = (0..<2).map { part in
                var wire = image("\(number % 7) \(part)", made: Array(resources.shuffled(using: &random).prefix(2)))
                wire.level = Level.allCases.randomElement(using: &random)!.rawValue
                return wire
            }
            body.releases = releases.shuffled(using: &random).prefix(2).map(\.id.data)
            let refs = images.randomElement(using: &random).map { [("remix-of", $0.id)] } ?? []
            let post = author.post(.imagePost(body), refs: refs, at: UInt64.random(in: 30...50, using: &random))
            images.append(post)
            posts.append(post)
        }
    }

    private mutating func makeWorks(_ random: inout SeededRandom) {
        for number in 0..<9 {
            let author = authors.randomElement(using: &random)!
            for version in 0..<Int.random(in: 1...3, using: &random) {
                let (slug, time) = ("w\(number)", UInt64(70 + version))
                let level = Level.allCases.randomElement(using: &random)!.rawValue
                let blob = "image \(Int.random(in: 0..<4, using: &random))"
                switch number % 3 {
                case 0:
                    let items = inForce(releases + images + posts.filter { $0.kind == .model })
                    posts.append(
                        author.collection(
                            slug, Array(items.shuffled(using: &random).prefix(8)), level: level, at: time))
                case 1: posts.append(author.article(slug, cover: hash(blob), level: level, at: time))
                default: posts.append(author.workflow(slug, graph: blob, level: level, at: time))
                }
            }
        }
    }

    private mutating func makeTalk(_ random: inout SeededRandom) {
        // Any version, also one that a node never sees in force.
        let subjects =
            posts.filter { $0.kind.hasVersions }
            + inForce(
                posts.filter { !$0.kind.hasVersions && ![.profile, .follows, .channel].contains($0.kind) })
        var comments: [LoggedPost] = []
        for number in 0..<40 {
            let author = authors.randomElement(using: &random)!
            let subject = (subjects + comments.prefix(3)).randomElement(using: &random)!
            let time = UInt64.random(in: 80...90, using: &random)
            if let parent = comments.randomElement(using: &random), random.chance(60) {
                let about = comments.isEmpty || random.chance(10) ? subject : self.subject(of: parent, in: posts)
                comments.append(author.reply(to: parent, on: about, "reply \(number)", at: time))
            } else {
                comments.append(author.comment(subject, "comment \(number)", at: time))
            }
            posts.append(comments[comments.count - 1])
            let emoji = Self.emojis.randomElement(using: &random)!
            for version in 0..<Int.random(in: 1...3, using: &random) {
                posts.append(
                    author.reaction(subject, emoji, withdrawn: random.chance(20), at: UInt64(60 + version)))
            }
            if number % 4 == 0 {
                let release = releases.randomElement(using: &random)!
                let pictures = random.chance(30) ? [image("review \(number)")] : []
                for version in 0..<2 {
                    posts.append(
                        author.review(release, random.chance(60), images: pictures, at: UInt64(60 + version)))
                }
            }
        }
        var seen: Set<Hash32> = []
        posts = posts.filter { seen.insert($0.id).inserted }
    }

    private func subject(of comment: LoggedPost, in posts: [LoggedPost]) -> LoggedPost {
        posts.first { $0.id.data == comment.post.comment.subject } ?? comment
    }

    /// What stands at the end, whatever the order.
    var standing: [LoggedPost] { inForce(posts.filter { !deleted.contains($0.id) }) }

    /// The posts that stand when none is deleted: of a slot, the newest.
    private func inForce(_ posts: [LoggedPost]) -> [LoggedPost] {
        posts.filter { post in
            !post.kind.isReplaceable || !posts.contains { $0.isSameSlot(post) && $0.stands(over: post) }
        }
    }

    /// What the log says when posts and deletes arrive in an order of this seed.
    func log(seed: UInt64) -> [LogEntry] {
        var random = SeededRandom(seed)
        var log = TestLog()
        var here: [LoggedPost] = []
        var gone: Set<Hash32> = []
        var shown: Set<Hash32> = []
        let arrivals = (posts.map { ($0, false) } + posts.filter { deleted.contains($0.id) }.map { ($0, true) })
            .shuffled(using: &random)
        for (post, isDelete) in arrivals {
            if isDelete {
                gone.insert(post.id)
                let isHere = here.contains { $0.id == post.id }
                guard shown.remove(post.id) != nil else {
                    if isHere, post.kind.hasVersions { log.hide(post) }
                    continue
                }
                log.hide(post)
            } else {
                here.append(post)
            }
            let rivals = post.kind.isReplaceable ? here.filter { $0.isSameSlot(post) } : isDelete ? [] : [post]
            let best = rivals.filter { !gone.contains($0.id) }.max { $1.stands(over: $0) }
            guard let best, !shown.contains(best.id) else {
                if !isDelete, post.kind.hasVersions, !gone.contains(post.id) { log.hide(post, .superseded) }
                continue
            }
            for old in rivals where shown.remove(old.id) != nil { log.hide(old, .superseded) }
            shown.insert(best.id)
            log.show(best)
        }
        return log.entries
    }
}

extension LoggedPost {
    fileprivate func isSameSlot(_ other: LoggedPost) -> Bool {
        author == other.author && kind == other.kind && slot.utf8.elementsEqual(other.slot.utf8)
    }

    fileprivate func stands(over other: LoggedPost) -> Bool {
        created == other.created ? id.hex < other.id.hex : created > other.created
    }
}
