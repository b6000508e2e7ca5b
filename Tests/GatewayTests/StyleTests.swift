import Foundation
import Testing

@testable import Gateway

@Suite("What pages look like")
struct StyleTests {
    /// The colours of a palette by name, as linear light (WCAG 2.2, relative luminance).
    private func luminances(_ palette: String) throws -> [String: Double] {
        var found: [String: Double] = [:]
        for match in palette.matches(of: /--([a-z]+):#([0-9a-f]{3,6})/) {
            let short = String(match.output.2)
            let digits = short.count == 3 ? short.map { "\($0)\($0)" }.joined() : short
            let value = try #require(UInt32(digits, radix: 16))
            let parts = [16, 8, 0].map { shift -> Double in
                let part = Double(value >> UInt32(shift) & 0xff) / 255
                return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
            }
            found[String(match.output.1)] = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
        }
        return found
    }

    @Test("text has 4.5:1 on every ground it stands on, edges of controls 3:1", arguments: [Theme.light, .dark])
    func contrast(_ theme: Theme) throws {
        let all = try luminances(theme == .light ? Templates.light : Templates.dark)
        func ratio(_ one: String, _ other: String) throws -> Double {
            let pair = [try #require(all[one]), try #require(all[other])].sorted()
            return (pair[1] + 0.05) / (pair[0] + 0.05)
        }
        for text in ["text", "muted", "accent", "ok", "no"] {
            for ground in ["bg", "card", "soft"] {
                #expect(try ratio(text, ground) >= 4.5, "\(text) on \(ground)")
            }
        }
        #expect(try ratio("ink", "fill") >= 4.5)
        for ground in ["bg", "card"] {
            #expect(try ratio("edge", ground) >= 3, "the edge of a field on \(ground)")
            #expect(try ratio("accent", ground) >= 3, "the focus on \(ground)")
        }
    }

    @Test("the stylesheet has at most 3 KB as it travels, and every colour it uses")
    func size() throws {
        for theme in Theme.allCases {
            let text = Templates.stylesheet(theme)
            let packed = try #require(ContentCoding.gzip(Array(text.utf8), level: 6))
            #expect(packed.count <= 3 << 10, "\(theme): \(packed.count)")
            for use in text.matches(of: /var\(--([a-z]+)[,)]/) where use.output.1 != "d" {
                #expect(text.contains("--\(use.output.1):"), "\(use.output.1)")
            }
            // Sides are those of the text.
            #expect(!text.contains(/(margin|padding|border)-(left|right)|text-align:(left|right)/))
            #expect(!text.contains("url("), "asks for nothing")
        }
    }

    @Test("every class that a template names is in the stylesheet or says what something is")
    func classes() {
        let sheet = Templates.stylesheet(.system)
        // Hooks for people who read the page's source, without a look of their own.
        let bare: Set = ["prose", "wide-as-main", "model", "results", "empty", "from"]
        for (name, template) in Templates.all {
            for list in template.matches(of: /class="([^"{]+)"/) {
                for word in list.output.1.split(separator: " ") where !bare.contains(String(word)) {
                    #expect(sheet.contains(".\(word)"), "\(word) in \(name)")
                }
            }
        }
    }
}
