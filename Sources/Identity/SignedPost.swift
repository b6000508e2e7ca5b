public import Digests
public import FoundationEssentials
import SwiftProtobuf
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
        let post = unverified.post
        let kind = PostKind(rawValue: post.kind)
        var signers: [Hash32] = []
        for signature in unverified.signatures {
            guard let key = Hash32(signature.key) else { throw .malformed("a key is not 32 bytes") }
            guard !signers.contains(key) else { throw .wrongSigners("key \(key.hex) signs twice") }
            signers.append(key)
        }
        if kind.isSignedByRoots {
            guard post.device.isEmpty else { throw .wrongSigners("kind \(post.kind) has no device; roots sign it") }
        } else {
            guard let device = Hash32(post.device) else { throw .malformed("device is not 32 bytes") }
            guard signers == [device] else {
                throw .wrongSigners("a post of kind \(post.kind) carries one signature, by its device")
            }
        }
        let isGenesis = kind == .keyDocument && post.author.isEmpty
        if isGenesis {
            guard post.keyDocument.version == 1 else { throw .malformed("only version 1 has no author") }
        } else {
            guard Hash32(post.author) != nil else { throw .malformed("author is not 32 bytes") }
        }
        for (signature, key) in zip(unverified.signatures, signers) {
            let isGood = signature.sig.withUnsafeBytes { sig in
                unverified.signedBytes.withUnsafeBytes { Ed25519.verify(sig, message: $0, key: key) }
            }
            guard isGood else { throw .badSignature(key: key) }
        }
        self.id = unverified.id
        self.envelope = unverified.envelope
        self.payload = unverified.payload
        self.post = post
        self.signers = signers
        self.author = isGenesis ? unverified.id : Hash32(post.author) ?? unverified.id
        self.device = Hash32(post.device)
    }
}

/// A post that was parsed and hashed, and whose signatures nobody looked at yet: enough to know whether it is here.
public struct UnverifiedPost: Sendable {
    public let id: Hash32
    public let envelope: Data
    public let payload: Data
    public let post: WirePost
    let signatures: [WireSignature]
    let signedBytes: [UInt8]

    public init(envelope bytes: Data) throws(PostError) {
        guard bytes.count <= Limits.Post.envelopeBytes else {
            throw .tooLarge(bytes: bytes.count, limit: Limits.Post.envelopeBytes)
        }
        let envelope: WireEnvelope
        do {
            try WireScanner.check(bytes, singular: 1...2)
            envelope = try WireEnvelope(serializedBytes: bytes, options: Self.decoding)
        } catch let error as WireScanner.Failure {
            throw .malformed("envelope: \(error.what)")
        } catch {
            throw .malformed("the envelope is not protobuf")
        }
        guard envelope.type == 1 else { throw .unknownEnvelopeType(envelope.type) }
        guard envelope.payload.count <= Limits.Post.payloadBytes else {
            throw .tooLarge(bytes: envelope.payload.count, limit: Limits.Post.payloadBytes)
        }
        guard !envelope.signatures.isEmpty else { throw .wrongSigners("there is no signature") }
        guard envelope.signatures.count <= Limits.Post.signatures else {
            throw .limit("\(envelope.signatures.count) signatures, at most \(Limits.Post.signatures)")
        }
        guard envelope.signatures.allSatisfy({ $0.key.count == 32 && $0.sig.count == Ed25519.signatureBytes }) else {
            throw .malformed("a signature is not 64 bytes by a key of 32")
        }
        self.envelope = bytes
        payload = envelope.payload
        signatures = envelope.signatures
        signedBytes = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: envelope.payload)
        id = SHA256.hash(signedBytes)
        post = try Self.parse(envelope.payload)
    }

    private static let decoding: BinaryDecodingOptions = {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = Limits.Post.nesting
        return options
    }()

    private static func parse(_ payload: Data) throws(PostError) -> WirePost {
        let post: WirePost
        do {
            // Two parsers could disagree on which of two values counts, so these fields come once: v, author, device,
            // created, expires, kind, slot.
            try WireScanner.check(payload, singular: 1...7)
            post = try WirePost(serializedBytes: payload, options: decoding)
        } catch let error as WireScanner.Failure {
            throw .malformed(error.what)
        } catch BinaryDecodingError.messageDepthLimit {
            throw .malformed("nested deeper than \(Limits.Post.nesting)")
        } catch BinaryDecodingError.invalidUTF8 {
            throw .malformed("a text is not UTF-8")
        } catch {
            throw .malformed("the payload is not protobuf")
        }
        guard post.v == 1 else { throw .malformed("version \(post.v) of the post format is not known here") }
        guard post.kind != 0 else { throw .malformed("there is no kind") }
        guard post.created > 0, post.created < 1 << 53 else { throw .malformed("created is out of range") }
        guard post.slot.utf8.count <= Limits.Post.slotBytes else {
            throw .limit("the slot has more than \(Limits.Post.slotBytes) bytes")
        }
        guard post.refs.count <= Limits.Post.refs, post.labels.count <= Limits.Post.labels,
            post.labels.allSatisfy({ $0.utf8.count <= Limits.Post.labelBytes }),
            post.refs.allSatisfy({ $0.id.count == 32 && $0.role.utf8.count <= Limits.Post.labelBytes })
        else { throw .limit("too many or malformed references or labels") }
        try checkBody(of: post, payloadBytes: payload.count)
        return post
    }

    /// The body must be the one of the kind, and keep the kind's own limits.
    private static func checkBody(of post: WirePost, payloadBytes: Int) throws(PostError) {
        let kind = PostKind(rawValue: post.kind)
        switch post.body {
        case nil:
            guard !kind.hasKnownBody else { throw .malformed("kind \(post.kind) has no body") }
        case .some(let body):
            guard body.kind == kind else { throw .malformed("kind \(post.kind) carries the body of \(body.kind.rawValue)") }
            do {
                try body.check(slot: post.slot)
            } catch {
                throw .malformed(error.what)
            }
        }
        if kind == .keyDocument, payloadBytes > Limits.Post.keyDocumentBytes {
            throw .tooLarge(bytes: payloadBytes, limit: Limits.Post.keyDocumentBytes)
        }
        if !kind.isReplaceable, kind.hasKnownBody, !post.slot.isEmpty {
            throw .malformed("kind \(post.kind) has no slot")
        }
    }
}
