import Foundation
import Testing

@testable import Gateway

@Suite("The words of pages")
struct WordsTests {
    /// What stands outside of tags, and in attributes that people are told, without what is filled in: nothing of a language.
    private func literals(_ template: String) -> [String] {
        var text = template.replacing(/\[\[[a-z0-9-]+\]\]/, with: "").replacing(/\{\{\{?.*?\}?\}\}/, with: "")
        // Commands are the same in every language.
        text = text.replacing(/<(pre|code)[^>]*>(?s:.*?)<\/\1>/, with: "")
        let told = text.matches(of: /(?:aria-label|alt|placeholder|title)="([^"]*)"/).map { String($0.1) }
        text = text.replacing(/<[^>]*>/, with: "\n").replacing(/[a-z-]+="[^"]*"/, with: "").replacing(
            /&[a-z]+;/, with: "")
        return (told + text.split(separator: "\n").map(String.init)).filter { $0.contains(where: \.isLetter) }
    }

    /// Attributes that stand in the tags of others.
    private static let partsOfTags: Set = ["invalid", "fieldattributes"]

    @Test("no template has words of its own")
    func templates() {
        for (name, template) in Templates.all where !Self.partsOfTags.contains(name) {
            #expect(literals(template) == [], "\(name)")
        }
    }

    @Test("words in a template are found wherever they stand")
    func found() {
        #expect(literals("<p>{{#a}}Hello{{/a}}</p>") == ["Hello"])
        #expect(literals("<a aria-label=\"Go\" href=\"/x\">{{b}}</a>") == ["Go"])
        #expect(literals("<img alt=\"Cover of {{b}}\">") == ["Cover of "])
        #expect(literals("<p>[[hello]] · <code>waggle get</code> {{{html}}}&nbsp;✓</p><input name=\"x\">") == [])
    }

    @Test("every key has words and every word is used; a catalog that is none is refused")
    func keys() throws {
        let words = try PageWords(PageWords.english)
        let texts = Array(Templates.all.values) + [Templates.pageScript]
        var used = Set(texts.flatMap { $0.matches(of: /\[\[([a-z0-9-]+)\]\]/).map { String($0.1) } })
        // And those of pages that are made in Swift.
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Gateway")
            .standardizedFileURL
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        for case let file as URL in files where file.pathExtension == "swift" {
            let source = try String(contentsOf: file, encoding: .utf8)
            used.formUnion(source.matches(of: /\bsay\(\s*"([a-z0-9-]+)"/).map { String($0.1) })
        }
        #expect(used.subtracting(words.keys) == [] && words.keys.subtracting(used) == [])
        for bad in ["a = b\na = c", "no sign", "a=b"] {
            #expect(throws: GatewayError.self, "\(bad)") { try PageWords(bad) }
        }
        #expect(words.say("no-such-key", []) == "no-such-key")
        let placed = try PageWords("both = {2} before {1}")
        #expect(placed.say("both", ["{2}", "{1}"]) == "{1} before {2}")
        let other = try PageWords("# Deutsch\n\nhello = Hallo <b>{{name}}</b> = du")
        #expect(try other.fill("<p>[[hello]]</p>") == "<p>Hallo <b>{{name}}</b> = du</p>")
        #expect(throws: GatewayError.self) { try other.fill("[[bye]]") }
    }
}
