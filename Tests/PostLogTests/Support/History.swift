import Digests
import Identity
import SwiftProtobuf
import WaggleProtocol

/// Two authors' lives: profiles, models, reviews, comments, deletes, updates in branches, at most one rotation of
/// each generation, revocations with and without checkpoints.
struct History {
    private(set) var posts: [SignedPost] = []
    private(set) var blobs: [Hash32: Set<Hash32>] = [:]
    private var said: [SignedPost] = []

    private let spellsOut: Bool

    /// - Parameter spellsOut: every review's slot is written; else that of about every other.
    init(_ random: inout Seeded, spellsOut: Bool = false) throws {
        self.spellsOut = spellsOut
        for name in ["ana", "ben"] { try live(name, &random) }
    }

    private static let scopes: [[WireScope]] = [TestAuthor.allScopes, [.post, .review], [.release], [.post]]

    private mutating func live(_ name: String, _ random: inout Seeded) throws {
        let devices = ["laptop", "phone", "tablet"].map { "\(name) \($0)" }
        let author = try TestAuthor(name, devices: devices.prefix(2).map { device($0) })
        var documents: [(post: SignedPost, generation: Int)] = [(author.genesis, 0)]
        var rotated: Set<Int> = []
        var checkpoints: [(device: String, id: Hash32)] = []
        posts.append(author.genesis)
        for _ in 0..<Int.random(in: 20..<60, using: &random) {
            let created = UInt64.random(in: 1990...2030, using: &random)
            let signer = devices.randomElement(using: &random)!
            switch Int.random(in: 0..<12, using: &random) {
            case 0: say(try author.profile("\(random.next())", created: created, by: signer))
            case 1, 2:
                let slug = ["a", "b"].randomElement(using: &random)!
                say(try author.model(slug, "\(random.next())", created: created, by: signer))
            case 3:
                let release = testHash(["r", "s"].randomElement(using: &random)!)
                say(
                    try author.review(
                        of: release, "\(random.next())", created: created, by: signer,
                        spellsOut: spellsOut || created.isMultiple(of: 2)))
            case 4, 5: say(try author.comment("\(random.next())", created: created, by: signer))
            case 6:
                let expires: UInt64 = [2040, 50_000, 1 << 40].randomElement(using: &random)!
                say(try author.profile("\(random.next())", created: created, by: signer, expires: expires))
            case 7, 8: say(try delete(author, created, signer, &random))
            case 9:
                let ids = said.filter { _ in Bool.random(using: &random) }.map(\.id).sorted()
                let blob = SHA256.hash(ids.flatMap(\.bytes))
                blobs[blob] = Set(ids)
                let device = devices.randomElement(using: &random)!
                let checkpoint = try author.checkpoint(device, blob: blob, created: created)
                checkpoints.append((device, checkpoint.id))
                posts.append(checkpoint)
            default:
                let (parent, generation) = documents.randomElement(using: &random)!
                let isRotation = Int.random(in: 0..<3, using: &random) == 0 && rotated.insert(generation).inserted
                let document = try author.document(
                    after: parent, created: max(created, parent.post.created),
                    generation: generation + (isRotation ? 1 : 0)
                ) { document in
                    document.devices = devices.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }.map {
                        device($0, Self.scopes.randomElement(using: &random)!)
                    }
                    if Int.random(in: 0..<3, using: &random) == 0 {
                        let checkpoint = checkpoints.randomElement(using: &random)
                        let reason = [WireRevocationReason.retired, .lost, .compromised].randomElement(
                            using: &random)!
                        document.revocations = [
                            revocation(
                                checkpoint?.device ?? devices[0], reason, since: created,
                                checkpoint: reason == .retired ? nil : checkpoint?.id)
                        ]
                    }
                }
                documents.append((document, generation + (isRotation ? 1 : 0)))
                posts.append(document)
            }
        }
    }

    private mutating func say(_ post: SignedPost) {
        posts.append(post)
        said.append(post)
    }

    private func delete(_ author: TestAuthor, _ created: UInt64, _ signer: String, _ random: inout Seeded) throws
        -> SignedPost
    {
        // Of others too: that must do nothing.
        let ids = (0..<Int.random(in: 0...3, using: &random)).compactMap { _ in
            said.randomElement(using: &random)?.id
        }
        var slots: [(PostKind, String)] = []
        if ids.isEmpty || Bool.random(using: &random) {
            slots = [[(.profile, "")], [(.model, "a")], [(.model, "b"), (.review, testHash("r").hex)]]
                .randomElement(using: &random)!
        }
        return try author.delete(ids: ids, slots: slots, created: created, by: signer)
    }
}
