import Digests
import Foundation
import Testing

@testable import Moderation

@Suite("Lists as files")
struct ListFileTests {
    private let lines = [
        ListLine(
            subject: .exact(.blob(SHA256.hash([1]))), label: "bees", severity: .block, reason: "likeness",
            basis: .human, until: 2_000_000_000, caseNumber: "T-1"),
        ListLine(subject: .domain("bad.example"), severity: .block, reason: "spam", basis: .imported),
        ListLine(subject: .domain("loud.example"), severity: .hide, reason: "harassment", basis: .human),
        ListLine(subject: .phrase("one, \"two\"\nthree"), severity: .warn, reason: "other", basis: .auto),
    ]

    @Test("what is written is read again")
    func round() throws {
        #expect(try ListFile.read(ListFile.csv(lines)) == lines)
        #expect(try ListFile.read("\u{feff}" + ListFile.csv(lines).replacing("\n", with: "\r\n")).count == 4)
    }

    @Test("Mastodon's domain blocks come in and go out; names that it hides are no names")
    func mastodon() throws {
        let text = ListFile.mastodon(lines)
        #expect(text.hasPrefix("#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"))
        #expect(text.split(separator: "\n").count == 3)
        #expect(text.contains("bad.example,suspend,True,True,spam,False"))
        let read = try ListFile.read(
            "#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\n"
                + "a.example,suspend,False,False,\"Spam, and more\",False\nb.example,silence,,,,\nc.example,noop\n")
        #expect(read.map(\.severity) == [.block, .hide, .note])
        #expect(read.map(\.reason) == ["spam", "other", "other"])
        #expect(read.allSatisfy { $0.basis == .imported })
        #expect(throws: ListFileError.self) { try ListFile.read("#domain,#severity\nb*d.example,suspend\n") }
    }

    @Test("what does not say otherwise was decided by nobody here")
    func basis() throws {
        let read = try ListFile.read("subject,severity\nphrase:x,hide\n")
        #expect(read == [ListLine(subject: .phrase("x"), severity: .hide, reason: "other", basis: .imported)])
    }

    @Test(
        "a file that is none is refused by line",
        arguments: [
            ("", 1), ("a,b\n", 1), ("subject,severity\nfile:00,hide\n", 2), ("subject,severity\nphrase:x,gone\n", 2),
            ("subject,severity,reason\n\nphrase:x,hide,a b\n", 3), ("subject,severity\n\"phrase:x,hide\n", 2),
            ("subject,severity,until\nphrase:x,hide,soon\n", 2),
            ("subject,severity\n" + String(repeating: "x", count: 5000), 2),
        ])
    func malformed(_ text: String, _ line: Int) {
        do throws(ListFileError) {
            _ = try ListFile.read(text)
            Issue.record("\(text.prefix(40)) is taken")
        } catch {
            #expect(error.line == line, "\(error.message)")
        }
    }

    @Test("100,000 lines are read")
    func many() throws {
        var text = "subject,severity,reason,basis\n"
        for number in 0..<100_000 {
            text += "file:\(SHA256.hash(Array("\(number)".utf8)).hex),block,spam,human\n"
        }
        #expect(try ListFile.read(text).count == 100_000)
    }
}
