public import Digests
public import FoundationEssentials
public import WaggleProtocol

/// Why bytes are no valid post. Nothing of an invalid post is kept.
public enum PostError: Error, Equatable, Sendable {
    case tooLarge(bytes: Int, limit: Int)
    case malformed(String)
    case unknownEnvelopeType(UInt32)
    case badSignature(key: Hash32)
    case wrongSigners(String)
    case limit(String)

    public var message: String {
        switch self {
        case .tooLarge(let bytes, let limit): "the post has \(bytes) bytes, the limit is \(limit)"
        case .malformed(let what): "the post is malformed: \(what)"
        case .unknownEnvelopeType(let type): "envelope type \(type) is not known here; type 1 is a post"
        case .badSignature(let key): "the signature of key \(key.hex) does not match the post"
        case .wrongSigners(let what): "wrong signers: \(what)"
        case .limit(let what): "over a limit: \(what)"
        }
    }
}

/// A post whose form and signatures are good. Whether its key may speak for its author is the key chain's to say.
public struct SignedPost: Sendable {
    /// SHA-256 of the pre-authentication encoding.
    public let id: Hash32
    /// The serialized `Envelope`, as it arrived.
    public let envelope: Data
    public let payload: Data
    public let post: WirePost
    /// Keys whose signatures were verified, in the envelope's order.
    public let signers: [Hash32]
    /// The author, which for a genesis key document is its own id.
    public let author: Hash32
    /// The device key; nil for kinds that roots sign.
    public let device: Hash32?

    public var kind: PostKind { PostKind(rawValue: post.kind) }

    /// Reads and verifies one envelope: form, limits, signatures.
    public init(envelope bytes: Data) throws(PostError) {
        try self.init(unverified: UnverifiedPost(envelope: bytes))
    }

    /// Verifies the signatures of a post that was read before.
    public init(unverified: UnverifiedPost) throws(PostError) {
        try self.init(checkingSigners: unverified)
        let opened = unverified.opened
        let bad = opened.signedBytes.withUnsafeBytes { message in
            opened.signatures.first { signature in
                signature.bytes.withUnsafeBytes { !Ed25519.verify($0, message: message, key: signature.key) }
            }
        }
        if let bad { throw .badSignature(key: bad.key) }
    }

    /// Reads an envelope that this node verified before it stored it: everything but the signatures is checked again.
    package init(stored bytes: Data) throws(PostError) {
        try self.init(checkingSigners: UnverifiedPost(envelope: bytes))
    }

    /// Whether the right keys sign, by their names alone.
    private init(checkingSigners unverified: UnverifiedPost) throws(PostError) {
        let post = unverified.post
        let kind = PostKind(rawValue: post.kind)
        let signers = unverified.opened.signatures.map(\.key)
        if kind.isSignedByRoots {
            guard post.device.isEmpty else { throw .wrongSigners("kind \(post.kind) has no device; roots sign it") }
            device = nil
        } else {
            guard let device = Hash32(field: post.device) else { throw .malformed("device is not 32 bytes") }
            guard signers == [device] else {
                throw .wrongSigners("a post of kind \(post.kind) carries one signature, by its device")
            }
            self.device = device
        }
        if kind == .keyDocument, post.author.isEmpty {
            guard post.keyDocument.version == 1 else { throw .malformed("only version 1 has no author") }
            author = unverified.id
        } else {
            guard let author = Hash32(field: post.author) else { throw .malformed("author is not 32 bytes") }
            self.author = author
        }
        self.id = unverified.id
        self.envelope = unverified.envelope
        self.payload = unverified.payload
        self.post = post
        self.signers = signers
    }
}
