import Digests
import Identity
import Testing

@Suite("Author ids")
struct AuthorIDTests {
    struct Vectors: Codable, Equatable {
        var description = "Author ids (spec/identity.md): bytes and their one text form, and texts that are refused."
        var good: [Good]
        /// Texts that are no author id, and why.
        var bad: [Bad]
    }

    struct Good: Codable, Equatable {
        let bytes: Hash32
        let text: String
    }

    struct Bad: Codable, Equatable {
        let text: String
        let why: String
    }

    static let file = VectorFile(name: "author-id.json") {
        let names = [
            Hash32.zero, Hash32(repeatElement(0xff, count: 32))!, Hash32((0..<32).map { UInt8($0) })!,
            SHA256.hash(Array("author".utf8)),
        ]
        let text = AuthorID.text(names[3])
        return Vectors(
            good: names.map { Good(bytes: $0, text: AuthorID.text($0)) },
            bad: [
                Bad(text: "", why: "empty"),
                Bad(text: String(text.dropFirst(2)), why: "no prefix"),
                Bad(text: "w2" + text.dropFirst(2), why: "another prefix"),
                Bad(text: String(text.dropLast()), why: "too short"),
                Bad(text: text + "a", why: "too long"),
                Bad(text: text + "=", why: "padding"),
                Bad(text: "w1" + text.dropFirst(2).uppercased(), why: "upper case"),
                Bad(text: "W1" + text.dropFirst(2), why: "upper case prefix"),
                Bad(text: String(text.dropLast()) + "1", why: "1 is no digit of base 32"),
                Bad(text: AuthorID.text(.zero).dropLast() + "b", why: "bits behind the last byte that are not zero"),
                Bad(text: " " + text, why: "a space"),
            ])
    }

    @Test("the text form is w1 and lower-case base 32 without padding")
    func good() throws {
        for vector in try Self.file.read().good {
            #expect(AuthorID.text(vector.bytes) == vector.text)
            #expect(AuthorID.parse(vector.text) == vector.bytes)
            #expect(vector.text.count == 54)
        }
    }

    @Test("anything else is no author id, so an author has one name")
    func bad() throws {
        for vector in try Self.file.read().bad {
            #expect(AuthorID.parse(vector.text) == nil, "\(vector.why)")
        }
    }

    @Test("the short form is the first ten characters")
    func short() {
        #expect(AuthorID.short(.zero) == "w1aaaaaaaa")
    }
}
