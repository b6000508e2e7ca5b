import Digests
import Foundation
import Identity
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// Somebody at home on an honest node, with keys that follow from a number: what he says is signed as anybody's posts are.
struct SimulatedPerson {
    let number: Int
    let genesis: SignedPost
    private(set) var chain: KeyChain
    private var secret: RecoverySecret
    /// Those that sign, the first for everyday use.
    private(set) var devices: [SigningKey] = []
    /// What can be deleted, and whose list a checkpoint of its key is made from.
    private var said: [(device: Hash32, id: Hash32)] = []
    private var made = 0

    var id: Hash32 { genesis.id }

    init(_ number: Int) throws {
        self.number = number
        secret = try Self.secret("person \(number)")
        genesis = try secret.genesis(.person)
        chain = try KeyChain(genesis: genesis)
    }

    static func secret(_ name: String) throws -> RecoverySecret {
        guard let secret = RecoverySecret(bytes: SHA256.hash(Array(name.utf8)).bytes) else { throw Unmade(what: name) }
        return secret
    }

    static func key(_ name: String) throws -> SigningKey {
        guard let key = SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes) else { throw Unmade(what: name) }
        return key
    }

    struct Unmade: Error {
        let what: String
    }

    /// The first documents: a laptop, and a phone that may be stolen.
    mutating func begin(now: UInt64) throws -> [SignedPost] {
        [genesis] + [try addDevice("laptop", now), try addDevice("phone", now)]
    }

    // MARK: Saying

    /// What he does next.
    mutating func act(now: UInt64, _ random: inout SplitMix) throws -> [SignedPost] {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: return [try comment(now, by: random.chance(30) ? devices.count - 1 : 0)]
        case 50..<62:
            made += 1
            return [try sign(now) { $0.profile.name = "Person \(number), form \(made)" }]
        case 62..<76: return [try model(now, level: random.chance(50) ? 1 : 16)]
        case 76..<84:
            guard let target = said.randomElement(using: &random) else { return [try comment(now, by: 0)] }
            return [try sign(now) { $0.delete.ids = [target.id.data] }]
        case 84..<90:
            made += 1
            let listing = try addDevice("device \(made)", now)
            return [listing, try comment(now, by: devices.count - 1)]
        case 90..<95:
            guard devices.count > 2 else { return [try comment(now, by: 0)] }
            let old = devices.removeLast()
            return [try take(chain.revoking([old.publicKey], .retired, since: now, by: .words(secret), now: now))]
        default:
            let new = try Self.secret("person \(number), words of \(chain.generation)")
            let posts = try chain.rotating(from: secret, to: new, now: now)
            for post in posts { try chain.add(post) }
            secret = new
            return posts
        }
    }

    /// A comment that grows: half a kilobyte on average.
    mutating func comment(_ now: UInt64, by device: Int) throws -> SignedPost {
        made += 1
        // In letters of four bytes: without optimisation SwiftProtobuf takes longer to look at a letter than at all the rest.
        let text = "\(made) " + String(repeating: "🐝🍯🌻", count: 1 + made % 40)
        let post = try sign(now, by: device) { post in
            post.comment.subject = id.data
            post.comment.text = text
        }
        said.append((devices[device].publicKey, post.id))
        return post
    }

    private mutating func model(_ now: UInt64, level: UInt32) throws -> SignedPost {
        made += 1
        return try sign(now) { post in
            post.slot = "model-\(made % 5)"
            post.model.name = "Model \(made)"
            post.model.type = "LORA"
            post.model.level = level
            post.model.realPerson = .no
        }
    }

    private func sign(_ now: UInt64, by device: Int = 0, _ fill: (inout WirePost) -> Void) throws -> SignedPost {
        var post = WirePost()
        post.created = now
        fill(&post)
        return try Signer(author: id, device: devices[device]).sign(post)
    }

    // MARK: Keys

    private mutating func addDevice(_ label: String, _ now: UInt64) throws -> SignedPost {
        let key = try Self.key("person \(number), \(label)")
        var device = WireDevice()
        device.key = key.publicKey.data
        device.label = label
        device.scopes = [.release, .review, .list, .post]
        devices.append(key)
        return try take(chain.listing(device, by: .words(secret), now: now))
    }

    /// The phone is in other hands: what it said so far stays, named by a list, and nothing else does.
    mutating func reportTheft(now: UInt64, to lists: SimulatedLists) throws -> [SignedPost] {
        guard devices.count > 1 else { return [] }
        let phone = devices.remove(at: 1).publicKey
        let ids = said.filter { $0.device == phone }.map(\.id).sorted()
        said.removeAll { $0.device == phone }
        var posts: [SignedPost] = []
        var checkpoints: [Hash32: Hash32] = [:]
        if !ids.isEmpty {
            let blob = SHA256.hash(ids.flatMap(\.bytes))
            lists.put(blob, Set(ids))
            let checkpoint = try chain.checkpoint(phone, blob: blob, count: ids.count, by: .words(secret), now: now)
            checkpoints[phone] = checkpoint.id
            posts.append(checkpoint)
        }
        let revocation = try chain.revoking(
            [phone], .compromised, since: now, checkpoints: checkpoints, by: .words(secret), now: now)
        return posts + [try take(revocation)]
    }

    private mutating func take(_ post: SignedPost) throws -> SignedPost {
        try chain.add(post)
        return post
    }
}
