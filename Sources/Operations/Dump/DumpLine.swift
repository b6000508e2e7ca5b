import Digests
import FoundationEssentials
import Identity
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// The lines of a dump (`Protocol/spec/dump.md`): JSON objects, the first and the last of which speak of the dump itself.
enum DumpLine {
    static let version = 1

    /// The first line.
    struct Head: Codable {
        /// Version of the format.
        let waggle_dump: Int
        /// Author id of the node that wrote it.
        let node: String
        let software: String
        /// Unix seconds.
        let created: UInt64
    }

    /// The last line: a dump without it was cut off.
    struct Tail: Codable {
        /// Lines between the first and this.
        let posts: Int
    }

    /// What a reader of any line looks for.
    struct Envelope: Decodable {
        /// The signed bytes, in base 64.
        let envelope: Data?
        /// Id of the post, in hexadecimal.
        let id: String?
        let posts: Int?
        let waggle_dump: Int?
    }

    static func bytes(_ value: some Encodable) throws(OperationError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(value)) + [0x0a]
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// A post: its signed bytes, and beside them the same in words, for whoever has no decoder at hand.
    static func bytes(_ post: WirePost, id: Hash32, author: Hash32, envelope: Data) throws(OperationError) -> [UInt8] {
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        options.useDeterministicOrdering = true
        do {
            // Both are put together by hand: the words are JSON already.
            let words = try post.jsonString(options: options)
            return Array(
                """
                {"author":"\(AuthorID.text(author))","created":\(post.created),"envelope":"\(envelope.base64EncodedString())",\
                "id":"\(id.hex)","kind":\(post.kind),"post":\(words)}

                """.utf8)
        } catch {
            throw OperationError(.failed, "post \(id.hex) cannot be written: \(error)")
        }
    }
}
