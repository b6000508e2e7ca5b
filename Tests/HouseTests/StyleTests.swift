import Foundation
import Testing

@Suite("House rules")
struct StyleTests {
    @Test("no source has a note for later, or a way to crash on purpose")
    func words() {
        let words = ["TODO", "FIXME", "HACK", "fatalError(", "try!", " as! ", " print("]
        for file in SourceTree.swift where !file.path.contains("/Generated/") {
            guard words.contains(where: { file.text.contains($0) }) else { continue }
            for (number, line) in file.lines.enumerated() {
                // The command line's own, which speaks to standard output on purpose.
                let isOwn = file.name == "Terminal.swift" && line.contains(" print(")
                #expect(isOwn || !words.contains { line.contains($0) }, "\(file.path):\(number + 1)")
            }
        }
    }

    @Test("whoever switches the compiler's checks off says why right there")
    func unchecked() {
        for file in SourceTree.swift where !file.path.contains("/Generated/") {
            let lines = file.lines
            for (number, line) in file.code.enumerated()
            where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
                let before = lines[max(0, number - 6)...number]
                #expect(before.contains { $0.contains("//") }, "\(file.path):\(number + 1)")
            }
        }
    }

    @Test("no mutex holds a function: reading one would wrap it once more, until calling it runs out of stack")
    func functions() throws {
        let held = try Regex("Mutex<[^=]*->")
        for file in SourceTree.swift {
            for (number, line) in file.code.enumerated() {
                #expect(line.firstMatch(of: held) == nil, "\(file.path):\(number + 1)")
            }
        }
    }

    @Test("a file is one idea of at most 500 lines")
    func lengths() {
        for file in SourceTree.swift where !file.name.hasSuffix(".pb.swift") && file.name != "RecoveryWordList.swift" {
            #expect(file.lines.count <= 501, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test("a value that finds its own fields for templates finds all of them")
    func records() throws {
        var found = 0
        for file in SourceTree.swift where file.text.contains(": PageRecord {") {
            for part in file.text.components(separatedBy: "\nstruct ").dropFirst()
            where part.prefix(while: { $0 != "\n" }).contains(": PageRecord") {
                found += 1
                let body = try #require(part.components(separatedBy: "\n}\n").first)
                let lines = body.split(separator: "\n")
                let fields = lines.compactMap { $0.wholeMatch(of: #/ {4}(?:let|var) (\w+)[:= ].*/#)?.1 }
                let cases = lines.compactMap { $0.wholeMatch(of: #/ {8}case "(\w+)": (\w+)/#) }
                #expect(cases.map(\.1) == fields, "\(file.path): \(part.prefix(20))")
                #expect(cases.map(\.2) == fields, "\(file.path): \(part.prefix(20))")
            }
        }
        #expect(found >= 2, "the records were found")
    }

    @Test("the project's folder has the entries that it is known to have")
    func entries() {
        let known: Set = [
            "ARCHITECTURE.md", "Benchmarks", "Examples", "LICENSE", "Makefile", "Package.resolved", "Package.swift",
            "Protocol",
            "README.md", "Sources", "Tests", ".ci", ".git", ".gitignore", ".swift-format",
        ]
        let found = SourceTree.entries.filter { $0 != ".build" && !$0.hasPrefix(".build-") }
        #expect(Set(found).subtracting(known) == [])
        #expect(known.subtracting(["Package.resolved", ".git"]).subtracting(found) == [])
    }

    @Test("nothing names the place on this machine where it is built")
    func places() throws {
        let parent = SourceTree.root.deletingLastPathComponent().path
        try #require(parent != "/", "the checkout lies at the top: any path could mean it")
        let folders = ["Sources", "Tests", "Protocol", "Examples", "Benchmarks", ".ci"]
        let top = SourceTree.entries.compactMap { SourceTree.file($0) }
        for file in folders.flatMap({ SourceTree.files(in: $0) }) + top where !file.module.hasPrefix("Formats") {
            for (number, line) in file.lines.enumerated() {
                // A folder inside a longer path is no place; the socket of a home with a long path is there on every machine.
                let text = line.replacing("/tmp/waggle-", with: "")
                let places = text.ranges(of: parent + "/").filter { range in
                    guard let before = text[..<range.lowerBound].last else { return true }
                    return !(before.isLetter || before.isNumber || "._~}".contains(before))
                }
                #expect(places.isEmpty, "\(file.path):\(number + 1): \(line)")
            }
        }
    }
}
