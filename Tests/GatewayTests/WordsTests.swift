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

    /// Whose sources make pages: folders, and files among others.
    private static let pageSources = [
        "Admin", "Forms", "Generate", "Me", "Moderation", "Pages", "People", "Publish", "Serving/ModeGate.swift",
    ]
    /// Which among them speak to programs of others, in their words.
    private static let otherSources: Set = ["OpenAIImages.swift", "WebUIRoutes.swift"]
    /// Calls whose strings no page shows, or of errors, which programs and the command line show as well (see ARCHITECTURE.md).
    private static let otherCalls = [
        "say", "HTTPField.Name", "SHA256.hash", "logger", "hasPrefix", "firstRange", "once.answer", "GatewayError",
        "OperationError", "badRequest", "notFound", "forbidden", "unavailable",
    ]
    /// The same in every language: names, and what a file, a header field, the wire or a reply has.
    private static let names: Set = [
        "AutoV1", "AutoV2", "AutoV3", "LoRA", "WebP", "Image", "Rent", "Sell", "Cookie", "base model", "trigger words",
        "to be paid", "to be returned",
    ]

    /// What these are given in small letters are words.
    private static let wordCalls: Set = ["FactView", "PageFrame", "Wording.count"]

    /// Strings of a source that read like words: with a space among them, or a capital letter before small ones. A single
    /// small word may be the name of a field as well, and is left to whoever reads the code, but where only words are taken.
    private func words(of source: String) -> [String] {
        SwiftLiterals(source).all.filter { literal in
            let text = literal.text
            let isWording =
                text.contains(/[A-Za-z]{2}/) && (text.contains(" ") || text.contains(/^[A-Z][a-z]/))
                || text.contains(/^[a-z]+$/) && literal.calls.last.map(Self.wordCalls.contains) ?? false
            // The value of a header field, or a command.
            let isOfPrograms = text.contains(
                /^(public|private|attachment|inline|sandbox|text\/|application\/)|^waggle |SameSite=/)
            let isElsewhere = literal.calls.contains { call in
                Self.otherCalls.contains { ".\(call).".contains(".\($0).") }
            }
            return isWording && !isOfPrograms && !isElsewhere && !Self.names.contains(text)
        }.map { "\($0.line): \($0.text)" }
    }

    @Test("no page that is made in Swift has words of its own")
    func pages() throws {
        let gateway = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/Gateway")
            .standardizedFileURL
        for path in Self.pageSources {
            let place = gateway.appending(path: path)
            let files =
                place.pathExtension == "swift"
                ? [place] : try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
            try #require(!files.isEmpty, "\(path)")
            for file in files where !Self.otherSources.contains(file.lastPathComponent) {
                let source = try String(contentsOf: file, encoding: .utf8)
                // A template is read as one, above.
                guard !source.contains("extension Templates {") else { continue }
                #expect(SwiftLiterals(source).isWhole, "\(file.lastPathComponent) is not understood")
                #expect(words(of: source) == [], "\(file.lastPathComponent)")
            }
        }
    }

    @Test("words in Swift are found wherever they stand")
    func spoken() {
        #expect(words(of: #"FactView("Balance", amount)"#) == ["1: Balance"])
        #expect(words(of: #"Wording.count(1, "model", say("models"))"#) == ["1: model"])
        #expect(words(of: #"how += ", \(held) held back" // "not this""#) == ["1: , {} held back"])
        #expect(words(of: #"x = "at \(isOpen ? "is open" : say("so")) by""#) == ["1: is open", "1: at {} by"])
        #expect(words(of: "\nlead: \"\"\"\n    Two \"words\".\n    \"\"\"") == ["2: \n    Two \"words\".\n    "])
        #expect(words(of: #"throw GatewayError.notFound("Nothing is here"); logger.error("a request failed")"#) == [])
        #expect(words(of: #"page("form", PageFrame(pageTitle: say("sign-in")), "private, no-store")"#) == [])
        #expect(!SwiftLiterals(#"say("open"#).isWhole && !SwiftLiterals("a(b").isWhole)
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
