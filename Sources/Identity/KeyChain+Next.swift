public import Digests
import FoundationEssentials
public import WaggleProtocol

/// Why a change of keys cannot be made.
public enum KeyChangeError: Error, Equatable, Sendable {
    /// The secret makes other root keys than those in force.
    case notTheRoots(author: Hash32, generation: UInt64)
    /// The secret does not make the keys that the last document committed to.
    case notTheNextRoots(author: Hash32)
    /// More signatures are needed than one secret gives.
    case threshold(needed: Int)
    /// A root key alone does not know the next one.
    case needsWords
    case isDevice(Hash32)
    case noDevice(Hash32)
    case isRevoked(Hash32, WireRevocationReason)
    case noScopes
    /// Too many devices, too long a label, too large a document.
    case refused(String)

    public var message: String {
        switch self {
        case .notTheRoots(let author, let generation):
            "these are not the root keys of \(AuthorID.text(author))"
                + (generation == 0
                    ? "; are the words those of this account?"
                    : ": they were rotated, so give the words that were printed by the last rotation")
        case .notTheNextRoots(let author):
            "the keys of \(AuthorID.text(author)) did not commit to what these words make; give the newest words"
        case .threshold(let needed): "the author's documents need \(needed) root signatures, and one secret makes one"
        case .needsWords: "a rotation needs the 24 words: a root key alone does not know the next one"
        case .isDevice(let key): "the key \(key.hex) is listed already"
        case .noDevice(let key): "the author lists no key \(key.hex)"
        case .isRevoked(let key, let reason): "the key \(key.hex) was reported \(reason.word) already"
        case .noScopes: "a device that may sign nothing is of no use; name a scope"
        case .refused(let what): what
        }
    }
}

/// What stands behind the root keys of an author: the 24 words, or one root key.
public enum RootSecret: Sendable {
    case words(RecoverySecret)
    case key(SigningKey)

    /// The keys that sign updates of a chain.
    public func roots(of chain: KeyChain) throws(KeyChangeError) -> [SigningKey] {
        let key =
            switch self {
            case .words(let secret): secret.root(chain.recoveryChain, generation: chain.generation)
            case .key(let key): key
            }
        guard chain.current.roots.contains(key.publicKey.data) else {
            throw .notTheRoots(author: chain.author, generation: chain.generation)
        }
        guard chain.current.threshold == 1 else { throw .threshold(needed: Int(chain.current.threshold)) }
        return [key]
    }
}

/// The documents that an author makes next. Pure: they are signed and checked as any node will, and kept nowhere.
extension KeyChain {
    /// How many rotations lie before the newest document in force: the number of its root keys for the recovery words.
    public var generation: UInt64 { UInt64(Set(inForce.map(\.generation)).count - 1) }

    /// Which keys the recovery words make for this author.
    public var recoveryChain: RecoverySecret.Chain { role == .node ? .node : .person }

    /// Lists one more device.
    ///
    /// - Parameter now: unix seconds.
    public func listing(_ device: WireDevice, by secret: RootSecret, now: UInt64) throws(KeyChangeError) -> SignedPost {
        guard let key = Hash32(field: device.key) else { throw .refused("a key has 32 bytes") }
        if let known = devices[key]?.revocation { throw .isRevoked(key, known.reason) }
        guard !current.devices.contains(where: { $0.key == device.key }) else { throw .isDevice(key) }
        guard !device.scopes.isEmpty else { throw .noScopes }
        return try update(by: secret, now: now) { $0.devices.append(device) }
    }

    /// Revokes devices.
    ///
    /// - Parameter checkpoints: ids of the checkpoint posts that say which posts of lost and compromised keys stay.
    public func revoking(
        _ keys: [Hash32], _ reason: WireRevocationReason, since: UInt64, checkpoints: [Hash32: Hash32] = [:],
        by secret: RootSecret, now: UInt64
    ) throws(KeyChangeError) -> SignedPost {
        var revocations: [WireRevocation] = []
        for key in keys {
            guard let device = devices[key] else { throw .noDevice(key) }
            if let known = device.revocation, known.reason.strength >= reason.strength {
                throw .isRevoked(key, known.reason)
            }
            var revocation = WireRevocation()
            revocation.key = key.data
            revocation.reason = reason
            revocation.since = since
            revocation.checkpoint = checkpoints[key]?.data ?? Data()
            revocations.append(revocation)
        }
        // The devices stay listed in this document: leaving them out would end their period at once, and posts dated a few
        // minutes ahead with it. The next document leaves them out.
        return try update(by: secret, now: now) { $0.revocations = revocations }
    }

    /// Names the posts of a device that stay whatever becomes of its key.
    ///
    /// - Parameter blob: SHA-256 of the sorted ids, one after the other.
    public func checkpoint(
        _ device: Hash32, blob: Hash32, count: Int, by secret: RootSecret, now: UInt64
    ) throws(KeyChangeError) -> SignedPost {
        var body = WireCheckpoint()
        body.device = device.data
        body.blob = blob.data
        body.count = UInt64(count)
        return try seal(.checkpoint(body), by: secret.roots(of: self), now: now)
    }

    /// Rotates the root keys: the pre-committed next ones come into force.
    ///
    /// With new words there are two rotations in a row. The first reveals what the old words committed to and commits to
    /// the new words; the second reveals those. So the old words are of no more use, and the new ones alone make the roots
    /// in force and the next ones.
    ///
    /// - Parameter new: nil keeps the words: one rotation, for a root key that leaked alone.
    public func rotating(
        from old: RecoverySecret, to new: RecoverySecret?, now: UInt64
    ) throws(KeyChangeError) -> [SignedPost] {
        let first = try rotation(to: old, committingTo: new ?? old, now: now)
        guard let new else { return [first] }
        let second = try with(first).rotation(to: new, committingTo: new, now: now)
        return [first, second]
    }

    private func rotation(
        to secret: RecoverySecret, committingTo next: RecoverySecret, now: UInt64
    ) throws(KeyChangeError) -> SignedPost {
        let root = secret.root(recoveryChain, generation: generation + 1)
        guard current.nextRoots == [SHA256.hash(root.publicKey.bytes).data] else {
            throw .notTheNextRoots(author: author)
        }
        var document = successor
        document.roots = [root.publicKey.data]
        document.threshold = document.nextThreshold
        let following = next.root(recoveryChain, generation: generation + 2)
        document.nextRoots = [SHA256.hash(following.publicKey.bytes).data]
        document.nextThreshold = 1
        let post = try seal(.keyDocument(document), by: [root], now: now)
        _ = try with(post)
        return post
    }

    /// The chain with one more document, which must come into force.
    private func with(_ post: SignedPost) throws(KeyChangeError) -> KeyChain {
        var chain = self
        do {
            try chain.add(post)
        } catch {
            throw .refused(error.message)
        }
        guard chain.currentID == post.id else {
            throw .refused("a rotation that is in force already stands against the change; fetch the newest keys first")
        }
        return chain
    }

    private func update(
        by secret: RootSecret, now: UInt64, _ change: (inout WireKeyDocument) -> Void
    ) throws(KeyChangeError) -> SignedPost {
        let roots = try secret.roots(of: self)
        var document = successor
        change(&document)
        let post = try seal(.keyDocument(document), by: roots, now: now)
        _ = try with(post)
        return post
    }

    /// The next version with nothing changed, but for what need not be repeated: revocations hold for ever, and a device
    /// that was revoked need not be listed.
    private var successor: WireKeyDocument {
        var document = current
        document.version += 1
        document.previous = currentID.data
        document.revocations = []
        let known = devices
        document.devices.removeAll { device in
            Hash32(field: device.key).flatMap { known[$0]?.revocation } != nil
        }
        return document
    }

    private func seal(
        _ body: WirePost.OneOf_Body, by roots: [SigningKey], now: UInt64
    ) throws(KeyChangeError) -> SignedPost {
        do {
            // A later document must not be older than its parent.
            return try PostSigning.byRoots(
                body, author: author, created: max(now, inForce.last?.created ?? 0), roots: roots)
        } catch {
            throw .refused(error.message)
        }
    }
}

extension WireRevocationReason {
    /// For people: "retired", "lost", "compromised".
    public var word: String {
        switch self {
        case .retired: "retired"
        case .lost: "lost"
        case .compromised: "compromised"
        default: "revoked"
        }
    }

    /// Nil for another word.
    public init?(word: String) {
        switch word {
        case "retired": self = .retired
        case "lost": self = .lost
        case "compromised": self = .compromised
        default: return nil
        }
    }

    var strength: Int { self == .retired ? 0 : self == .lost ? 1 : 2 }
}

extension WireScope {
    /// For people: "release", "post".
    public var word: String {
        switch self {
        case .node: "node"
        case .release: "release"
        case .review: "review"
        case .list: "list"
        case .ledger: "ledger"
        case .post: "post"
        case .UNRECOGNIZED(let number): "scope-\(number)"
        case .unspecified: "none"
        }
    }

    /// Nil for another word.
    public init?(word: some StringProtocol) {
        guard let found = [Self.node, .release, .review, .list, .ledger, .post].first(where: { $0.word == word }) else {
            return nil
        }
        self = found
    }
}
