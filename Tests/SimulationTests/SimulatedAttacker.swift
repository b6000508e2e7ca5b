import Digests
import Foundation
import Identity
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// A node that wants harm. It has an identity of its own and says what it likes.
struct SimulatedAttacker {
    enum Manner: CaseIterable {
        /// Sends copies of real posts with broken signatures, posts of real people by a key of its own, and noise.
        case forges
        /// Sends what everybody has again and again.
        case replays
        /// Makes a fresh author for every few posts.
        case floods
        /// Takes connections and says nothing, and names addresses of its own only.
        case eclipses
        /// Answers every question with nothing, and says that all is settled.
        case answersEmpty
        /// Names ids that nobody has, and claims more than it sends.
        case claimsMuch
        /// Signs with somebody's stolen phone.
        case steals
    }

    let number: Int
    let manner: Manner
    let victims: [Int]
    /// The person whose phone it has, and the key, once it is stolen.
    var stolen: (author: Hash32, key: SigningKey)?
    private let key: SigningKey
    private var seen: [Data] = []
    private var made = 0
    /// The author that a flood is at.
    private var fresh: (genesis: SignedPost, device: SigningKey)?
    /// Ids of the well signed posts of authors that it made up.
    private(set) var ownPosts: Set<Hash32> = []

    init(number: Int, manner: Manner, victims: [Int]) throws {
        (self.number, self.manner, self.victims) = (number, manner, victims)
        key = try SimulatedPerson.key("attacker \(number)")
    }

    var id: Hash32 { SimulatedNode.id(of: number) }

    // MARK: Doing

    mutating func tick(now: UInt64, _ random: inout SplitMix) throws -> [SimulatedNode.Action] {
        guard let victim = victims.randomElement(using: &random) else { return [] }
        switch manner {
        case .forges:
            let posts = try (0..<3).compactMap { _ in
                try seen.randomElement(using: &random).map { try forgery($0, &random) }
            }
            return posts.isEmpty ? [] : [.send(to: victim, .give(posts, naming: []))]
        case .replays:
            let posts = (0..<20).compactMap { _ in seen.randomElement(using: &random) }
            return posts.isEmpty ? [] : [.send(to: victim, .give(posts, naming: []))]
        case .floods:
            let posts = try (0..<30).map { _ in try stranger(now).envelope }
            return victims.map { .send(to: $0, .give(posts, naming: [])) }
        case .claimsMuch:
            let ids = (0..<200).map { _ in Hash32(words: (random.next(), random.next(), random.next(), random.next())) }
            return [
                .send(to: victim, .give([], naming: ids)),
                .send(to: victim, .syncAnswer(.since(0), Self.hugeList(&random))),
            ]
        case .steals:
            let posts = try (0..<4).compactMap { _ in try thievery(now, &random)?.envelope }
            return posts.isEmpty ? [] : [.send(to: victim, .give(posts, naming: []))]
        case .eclipses, .answersEmpty: return []
        }
    }

    /// What cannot be taken: the id of a real post with a signature that does not hold, a real person's post by a key that
    /// nobody listed, or bytes without sense.
    private func forgery(_ envelope: Data, _ random: inout SplitMix) throws -> Data {
        var wire = try WireEnvelope(serializedBytes: envelope)
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            guard var signature = wire.signatures.first?.sig, !signature.isEmpty else { return envelope }
            signature[signature.startIndex + Int.random(in: 0..<signature.count, using: &random)] ^= 4
            wire.signatures[0].sig = signature
            return try wire.serializedBytes()
        case 1:
            // Another text under the same signature.
            wire.payload.append(contentsOf: [0x78, UInt8(random.next() & 0x7f)])
            return try wire.serializedBytes()
        default: return Data((0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
    }

    /// The next post of an author whom nobody knows: keys, then three comments, then somebody else.
    private mutating func stranger(_ now: UInt64) throws -> SignedPost {
        defer { made += 1 }
        let post: SignedPost
        if made % 4 == 0 {
            var document = WireKeyDocument()
            let name = "stranger \(number) \(made)"
            let root = try SimulatedPerson.key(name)
            let device = try SimulatedPerson.key(name + " device")
            document.version = 1
            document.roots = [root.publicKey.data]
            document.threshold = 1
            document.nextRoots = [SHA256.hash(Array(name.utf8)).data]
            document.nextThreshold = 1
            document.role = .person
            document.devices = [.with { ($0.key, $0.scopes) = (device.publicKey.data, [.post]) }]
            post = try PostSigning.genesis(document, created: now, roots: [root])
            fresh = (post, device)
        } else {
            guard let fresh else { throw SimulatedPerson.Unmade(what: "stranger") }
            var comment = WirePost()
            comment.created = now
            comment.comment.subject = fresh.genesis.id.data
            comment.comment.text = String(repeating: "💰", count: 50 + made % 200)
            post = try Signer(author: fresh.genesis.id, device: fresh.device).sign(comment)
        }
        ownPosts.insert(post.id)
        return post
    }

    /// Something in the name of whose phone it has.
    private mutating func thievery(_ now: UInt64, _ random: inout SplitMix) throws -> SignedPost? {
        guard let stolen else { return nil }
        made += 1
        var post = WirePost()
        // As he likes: the past, and a little of the future.
        post.created = now - 5000 + UInt64(Int.random(in: 0..<5500, using: &random))
        switch made % 3 {
        case 0: post.profile.name = "Thief \(made)"
        case 1:
            post.delete.ids = (0..<4).compactMap { _ in
                seen.randomElement(using: &random).flatMap { try? OpenedEnvelope($0).id.data }
            }
            if post.delete.ids.isEmpty { return nil }
        default:
            post.comment.subject = stolen.author.data
            post.comment.text = "send Buzz to \(made)"
        }
        return try Signer(author: stolen.author, device: stolen.key).sign(post)
    }

    // MARK: Answering

    mutating func receive(
        _ message: SimulatedNode.Message, from peer: Int, _ random: inout SplitMix
    ) throws -> [SimulatedNode.Action] {
        switch message {
        case .give(let posts, let names):
            seen = Array((seen + posts).suffix(64))
            guard manner != .eclipses else { return [] }
            // It takes whatever it can get.
            let wanted = manner == .answersEmpty ? [] : names
            return [.send(to: peer, .results([], wanted: wanted, parked: []))]
        case .posts(let posts, _):
            seen = Array((seen + posts).suffix(64))
            return []
        case .get(let ids):
            switch manner {
            case .eclipses: return []
            case .forges:
                let posts = try seen.prefix(2).map { try forgery($0, &random) }
                return [.send(to: peer, .posts(posts, asked: ids))]
            default: return [.send(to: peer, .posts([], asked: ids))]
            }
        case .sync(let scope, _):
            switch manner {
            case .eclipses: return []
            case .claimsMuch: return [.send(to: peer, .syncAnswer(scope, Self.hugeList(&random)))]
            case .forges:
                let noise = (0..<40).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                return [.send(to: peer, .syncAnswer(scope, noise))]
            default: return [.send(to: peer, .syncAnswer(scope, [0x61]))]
            }
        case .askAddresses:
            return [.send(to: peer, .addresses((0..<100).map { "http://evil-\(number)-\(made)-\($0).example:7700" }))]
        case .results, .syncAnswer, .addresses: return []
        }
    }

    /// An id list to infinity: with a count that the bytes do not bear out, or with ids that nobody has.
    private static func hugeList(_ random: inout SplitMix) -> [UInt8] {
        if random.chance(50) { return [0x61, 0, 0, 2, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3] }
        let ids = (0..<100).flatMap { _ in (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
        return [0x61, 0, 0, 2, 100] + ids
    }
}
