public import Digests
public import FoundationEssentials
import SwiftProtobuf
public import WaggleProtocol

/// A post that was parsed and hashed, and whose signatures nobody looked at yet.
public struct UnverifiedPost: Sendable {
    public let post: WirePost
    let opened: OpenedEnvelope

    public var id: Hash32 { opened.id }
    public var envelope: Data { opened.envelope }
    public var payload: Data { opened.payload }

    public init(envelope bytes: Data) throws(PostError) {
        try self.init(OpenedEnvelope(bytes))
    }

    /// Parses the payload and checks its form: everything that can be said of a post without its author's keys.
    public init(_ opened: OpenedEnvelope) throws(PostError) {
        self.opened = opened
        let payload = opened.signedBytes[opened.payloadStart...]
        let body: UInt64?
        do {
            body = try WireScanner.check(payload)
        } catch {
            throw .malformed(error.what)
        }
        do {
            post = try WirePost(serializedBytes: opened.payload, options: Self.decoding).spelledOut()
        } catch BinaryDecodingError.messageDepthLimit {
            throw .malformed("nested deeper than \(Limits.Post.nesting)")
        } catch BinaryDecodingError.invalidUTF8 {
            throw .malformed("a text is not UTF-8")
        } catch {
            throw .malformed("the payload is not protobuf")
        }
        try checkHead()
        try checkBody(field: body)
    }

    private static let decoding: BinaryDecodingOptions = {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = Limits.Post.nesting
        return options
    }()

    private func checkHead() throws(PostError) {
        guard post.v == 1 else { throw .malformed("version \(post.v) of the post format is not known here") }
        guard post.kind != 0 else { throw .malformed("there is no kind") }
        guard post.created > 0, post.created < Limits.Post.timeEnd else { throw .malformed("created is out of range") }
        guard post.expires == 0 || (post.created..<Limits.Post.timeEnd).contains(post.expires) else {
            throw .malformed("expires is before created or out of range")
        }
        guard post.slot.utf8.count <= Limits.Post.slotBytes else {
            throw .limit("the slot has more than \(Limits.Post.slotBytes) bytes")
        }
        guard post.slot.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw .malformed("the slot has a control character")
        }
        guard post.refs.count <= Limits.Post.refs, post.labels.count <= Limits.Post.labels,
            post.labels.allSatisfy({ $0.utf8.count <= Limits.Post.labelBytes }),
            post.refs.allSatisfy({ $0.id.count == 32 && $0.role.utf8.count <= Limits.Post.labelBytes })
        else { throw .limit("too many or malformed references or labels") }
    }

    /// The body must be the one of the kind, and keep the kind's own limits.
    private func checkBody(field: UInt64?) throws(PostError) {
        let kind = PostKind(rawValue: post.kind)
        if let field, field != UInt64(post.kind) + 100 {
            throw .malformed("kind \(post.kind) carries the body of kind \(field - 100)")
        }
        if let body = post.body {
            do {
                try body.check(slot: post.slot)
            } catch {
                throw .malformed(error.what)
            }
        } else if kind.hasKnownBody {
            throw .malformed("kind \(post.kind) has no body")
        }
        if kind == .keyDocument, opened.payload.count > Limits.Post.keyDocumentBytes {
            throw .tooLarge(bytes: opened.payload.count, limit: Limits.Post.keyDocumentBytes)
        }
        if !kind.isReplaceable, kind.hasKnownBody, !post.slot.isEmpty {
            throw .malformed("kind \(post.kind) has no slot")
        }
        // Others rely on these for as long as the author's posts are about.
        if !kind.isDeletable, post.expires != 0 {
            throw .malformed("kind \(post.kind) does not expire")
        }
    }
}
