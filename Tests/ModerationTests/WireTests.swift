import Digests
import Foundation
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("Posts about moderation")
struct WireTests {
    private struct Vectors: Decodable {
        struct Body: Decodable {
            let name: String
            let kind: UInt32
            let slot: String
            let body: String
            let valid: Bool
        }

        struct Salted: Decodable {
            let salt: String
            let hash: Hash32
            let name: Hash32
        }

        let bodies: [Body]
        let salted: [Salted]
    }

    private func vectors() throws -> Vectors {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol/vectors/moderation.json").standardizedFileURL
        return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url))
    }

    /// The field of a body in a post: its kind + 100, with a length.
    private func body(_ vector: Vectors.Body) throws -> WirePost.OneOf_Body? {
        let bytes = try #require(Hex.decode(vector.body))
        func varint(_ value: Int) -> [UInt8] {
            value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
        }
        let field = varint(Int(vector.kind + 100) << 3 | 2) + varint(bytes.count) + bytes
        return try WirePost(serializedBytes: field).body
    }

    @Test("bodies are taken and refused as the vectors say")
    func bodies() throws {
        let all = try vectors().bodies
        #expect(Set(all.map(\.kind)) == [40, 41, 42, 45, 46, 47, 48])
        for vector in all {
            let body = try #require(try body(vector), "\(vector.name)")
            #expect(body.kind.rawValue == vector.kind)
            do throws(BodyFailure) {
                try body.check(slot: vector.slot)
                #expect(vector.valid, "\(vector.name) is taken")
            } catch {
                #expect(!vector.valid, "\(vector.name): \(error.what)")
            }
        }
    }

    @Test(
        "an entry of a kind of subject from a later version means nothing here; all others are read as they were said")
    func entries() throws {
        for vector in try vectors().bodies where vector.kind == 41 && vector.valid {
            guard case .listEntry(let wire)? = try body(vector) else { continue }
            let entry = ListEntry(wire, post: .zero, created: 1)
            guard wire.subject.slotName != nil else {
                #expect(entry == nil)
                continue
            }
            #expect(entry?.subject.wire == wire.subject, "\(vector.name)")
            #expect(entry?.subject.wire.slotName.map { "bees \($0)" } == vector.slot)
        }
    }

    @Test("names in salted lists are those of the vectors")
    func salted() throws {
        for vector in try vectors().salted {
            #expect(ListSubject.salted(vector.hash, with: try #require(Hex.decode(vector.salt))) == vector.name)
        }
    }
}
