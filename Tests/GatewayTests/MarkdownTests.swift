import Digests
import Foundation
import Testing

@testable import Gateway

@Suite("Markdown of strangers")
struct MarkdownTests {
    @Test(
        "what Markdown means is shown",
        arguments: [
            ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>\n"),
            ("# A\n\n### B\n## C", "<h3>A</h3>\n<h4>B</h4>\n<h4>C</h4>\n"),
            ("###### deep\n# top", "<h3>deep</h3>\n<h3>top</h3>\n"),
            (
                "*a* **b** ***c*** _d_ __e__",
                "<p><em>a</em> <strong>b</strong> <em><strong>c</strong></em> <em>d</em> <strong>e</strong></p>\n"
            ),
            ("snake_case_name and 2 * 3 * 4", "<p>snake_case_name and 2 * 3 * 4</p>\n"),
            ("**open", "<p>**open</p>\n"),
            ("`a <b>` and ``c ` d``", "<p><code>a &lt;b&gt;</code> and <code>c ` d</code></p>\n"),
            (
                "```swift\nlet a = \"<b>\"\n\n*x*\n```\nafter",
                "<pre><code>let a = &quot;&lt;b&gt;&quot;\n\n*x*\n</code></pre>\n<p>after</p>\n"
            ),
            (
                "- a\n- b\n  - c\n\nd",
                "<ul>\n<li>a</li>\n<li>\n<p>b</p>\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>\n<p>d</p>\n"
            ),
            ("3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>\n"),
            ("> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>\n"),
            ("a\n\n---\n\nb  \nc\\\nd", "<p>a</p>\n<hr>\n<p>b<br>\nc<br>\nd</p>\n"),
            ("\\*not\\* \\<b\\>", "<p>*not* &lt;b&gt;</p>\n"),
            ("", ""), ("\n \n", ""),
        ])
    func meaning(source: String, html: String) {
        #expect(Markdown.html(source) == html)
    }

    private static func link(_ address: String, _ text: String) -> String {
        "<a href=\"\(address)\" rel=\"nofollow noopener ugc\">\(text)</a>"
    }

    @Test("links lead to http and https only, and say that nobody vouches for them")
    func links() {
        let cases = [
            ("[a *b*](https://x.example/?q=1&r=2)", Self.link("https://x.example/?q=1&amp;r=2", "a <em>b</em>")),
            ("[a](http://x.example \"title\")", Self.link("http://x.example", "a")),
            ("[a](<https://x.example/(b)>)", Self.link("https://x.example/(b)", "a")),
            ("[](https://x.example)", Self.link("https://x.example", "https://x.example")),
            ("![cat](https://x.example/cat.png)", Self.link("https://x.example/cat.png", "cat")),
            ("<https://x.example>", Self.link("https://x.example", "https://x.example")),
            (
                "see https://x.example/a_b_c.",
                "see " + Self.link("https://x.example/a_b_c", "https://x.example/a_b_c") + "."
            ),
            ("(HTTPS://X.example)", "(" + Self.link("HTTPS://X.example", "HTTPS://X.example") + ")"),
            ("https://x.example/w_(y)", Self.link("https://x.example/w_(y)", "https://x.example/w_(y)")),
            (
                "[a [b](https://y.example)](https://x.example)",
                "[a " + Self.link("https://y.example", "b") + "](" + Self.link("https://x.example", "https://x.example")
                    + ")"
            ),
            ("[a](ftp://x.example)", "a"), ("[a](//x.example)", "a"), ("[a](/local)", "a"),
            ("[a](https://good.example@evil.example)", "a"), ("[a](https://)", "a"), ("[a]()", "a"), ("[a]", "[a]"),
        ]
        for (source, html) in cases { #expect(Markdown.html(source) == "<p>\(html)</p>\n", "\(source)") }
    }

    /// Ways in that other renderers were found to have.
    private static let attacks = [
        "<script>alert(1)</script>", "<ScRiPt src=//x></sCrIpT>", "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>", "<iframe src=javascript:alert(1)>", "<a href=javascript:alert(1)>x</a>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<!--<img src=\"--><img src=x onerror=y>",
        "<style>*{background:url(//x)}</style>", "<base href=//x>", "<meta http-equiv=refresh content=0>",
        "<![CDATA[<b>]]>",
        "[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](java\tscript:alert(1))",
        "[a](\u{1}javascript:alert(1))",
        "[a](&#106;avascript:alert(1))", "[a](javascript&colon;alert(1))", "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](vbscript:x)", "[a](https://x\" onmouseover=\"alert(1))", "[a](https://x'onclick='y)",
        "[a](https://x.example\" a=\")",
        "[a](https://x.example/\u{202E}gpj.exe)", "[a](<javascript:alert(1)>)", "<javascript:alert(1)>",
        "<https://x\"y>",
        "![x](https://x\"onerror=\"alert(1))", "![\"onerror=alert(1)](https://x.example)",
        "[\"><script>](https://x.example)",
        "[x]: javascript:alert(1)\n[x]", "`<script>`", "```\n</code></pre><script>x</script>\n```",
        "# <script>x</script>",
        "- <img src=x onerror=y>", "> <svg onload=y>", "**<b onclick=x>**", "[a](https://x.example){onclick=x}",
        "https://x.example\"onclick=\"y", "https://x.example/<script>", "&lt;script&gt;", "&#60;script&#62;",
        "\\<script\\>",
        "[*a](https://x.example)*", "*[a*](https://x.example)", "[a](https://x.example\n\"onclick=x)", "<a\nhref=x>",
        "\u{0}<script>\u{0}",
        "1. <b>\n2. </ol></li>", "</p></div></body>", "{{nodeName}} {{{nodeName}}} {{>head}}",
    ]

    @Test("no known way to make a program of a text works", arguments: attacks)
    func attack(source: String) {
        Self.check(Markdown.html(source), source)
        #expect(Markdown.plain(source).utf8.count <= source.utf8.count * 2 + 2)
    }

    private static let tags: Set = [
        "p", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "br", "hr",
    ]

    /// Only tags of the allow-list, well nested, with no attribute but a link's own.
    private static func check(_ html: String, _ source: String) {
        let lint = HTMLLint.fragment(html)
        #expect(lint.problems.filter { !$0.contains("says nothing") } == [], "\(source.debugDescription)\n\(html)")
        for element in lint.elements {
            #expect(tags.contains(element.tag), "\(source.debugDescription)")
            switch element.tag {
            case "a":
                #expect(Set(element.attributes.keys) == ["href", "rel"])
                let address = element.attributes["href"] ?? ""
                #expect(address.lowercased().hasPrefix("http://") || address.lowercased().hasPrefix("https://"))
            case "ol": #expect(Set(element.attributes.keys).isSubset(of: ["start"]))
            default: #expect(element.attributes.isEmpty)
            }
        }
    }

    @Test(
        "any text at all comes out as well-formed HTML of the allow-list, no deeper than the limit and not much longer")
    func anything() {
        let pieces = [
            "*", "**", "_", "__", "`", "``", "```", "~~~", "[", "]", "(", ")", "](", "![", "<", ">", "> ", "- ", "1. ",
            "# ",
            "\n", "\n\n", "  \n", "    ", "\t", "\\", "&", "\"", "'", "a", "b c", "http://x.example",
            "https://y.example/?a=b",
            "javascript:", "<script>", "</p>", "\u{200D}", "\u{202E}", "é", "\u{301}", "🐝", "---", "!", "@", "=",
        ]
        for seed in 0..<400 as Range<UInt64> {
            var random = Seeded(seed)
            var source = ""
            for _ in 0..<Int.random(in: 1...60, using: &random) { source += pieces.randomElement(using: &random) ?? "" }
            let html = Markdown.html(source)
            Self.check(html, "seed \(seed): \(source)")
            #expect(html.utf8.count <= 200 + source.utf8.count * 60)
        }
    }

    @Test(
        "texts made to be slow or deep are neither",
        arguments: [
            "*", "**a ", "[", "[](", "`", "<h", "> ", "- ", "> - ", "![", "_a*", "https://x", "()", "a\u{301}\u{302}",
            "](", "\\", "# ",
        ])
    func bounded(piece: String) {
        let source = String(repeating: piece, count: 40_000 / piece.utf8.count)
        let html = Markdown.html(source)
        var (depth, deepest) = (0, 0)
        for part in html.split(separator: "<") {
            if part.hasPrefix("br") || part.hasPrefix("hr") { continue }
            depth += part.hasPrefix("/") ? -1 : 1
            deepest = max(deepest, depth)
        }
        #expect(depth == 0)
        #expect(deepest < 80)
        #expect(html.utf8.count < 3_000_000)
    }

    @Test("characters that make a text read as something else are not shown")
    func cleaned() {
        #expect(DisplayText.clean("ad\u{200B}m\u{2060}in\u{202E}gpj.exe\u{7}") == "admingpj.exe")
        #expect(DisplayText.clean("ad\u{200D}min") == "admin")
        #expect(DisplayText.clean("a\tb\nc") == "a\tb\nc")
        // A family, a Persian word: joiners between characters that are not ASCII stay.
        for text in ["👩‍👧", "می‌خواهم", "Möwe über dem Hafen", "蜂蜜"] { #expect(DisplayText.clean(text) == text) }
    }
}

/// A generator whose numbers depend on the seed alone.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
