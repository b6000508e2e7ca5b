public import Digests
import FoundationEssentials
import SwiftProtobuf
public import WaggleProtocol

/// Who a post is signed as: an author and one of the author's device keys.
public struct Signer: Sendable {
    public let author: Hash32
    public let device: SigningKey

    public init(author: Hash32, device: SigningKey) {
        self.author = author
        self.device = device
    }

    /// The signed envelope of a post of this author. Sets `v`, `author`, `device` and `kind`; the caller sets the rest.
    /// What is implied is left out.
    public func sign(_ post: WirePost) throws(PostError) -> SignedPost {
        var post = post
        post.v = 1
        post.author = author.data
        post.device = device.publicKey.data
        if let body = post.body { post.kind = body.kind.rawValue }
        return try PostSigning.seal(post.abridged(), keys: [device])
    }
}

/// Making envelopes.
public enum PostSigning {
    /// Signs a post as it stands, by all keys, and reads the result back as any receiver would. The order of `keys`
    /// does not matter.
    public static func seal(_ post: WirePost, keys: [SigningKey]) throws(PostError) -> SignedPost {
        let payload: Data
        do {
            payload = try post.serializedBytes()
        } catch {
            throw .malformed("the post cannot be serialized: \(error)")
        }
        let signedBytes = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload)
        var envelope = WireEnvelope()
        envelope.payload = payload
        envelope.type = 1
        envelope.signatures = keys.sorted { $0.publicKey < $1.publicKey }.map { key in
            var signature = WireSignature()
            signature.key = key.publicKey.data
            signature.sig = Data(key.sign(signedBytes))
            return signature
        }
        let bytes: Data
        do {
            bytes = try envelope.serializedBytes()
        } catch {
            throw .malformed("the envelope cannot be serialized: \(error)")
        }
        return try SignedPost(envelope: bytes)
    }

    /// Version 1 of a key document: its id becomes the author id.
    public static func genesis(_ document: WireKeyDocument, created: UInt64, roots: [SigningKey]) throws(PostError)
        -> SignedPost
    {
        var post = WirePost()
        post.v = 1
        post.created = created
        post.kind = PostKind.keyDocument.rawValue
        post.keyDocument = document
        return try seal(post, keys: roots)
    }

    /// A later key document, or a checkpoint: signed by roots for an author.
    public static func byRoots(_ body: WirePost.OneOf_Body, author: Hash32, created: UInt64, roots: [SigningKey])
        throws(PostError) -> SignedPost
    {
        var post = WirePost()
        post.v = 1
        post.author = author.data
        post.created = created
        post.kind = body.kind.rawValue
        post.body = body
        return try seal(post, keys: roots)
    }
}
