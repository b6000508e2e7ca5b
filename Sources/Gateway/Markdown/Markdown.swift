import WaggleProtocol

/// Markdown of strangers as HTML of an allow-list: paragraphs, headings, emphasis, code, lists, quotes, rules, and links to
/// http and https. No raw HTML, no images; everything else is text.
///
/// Every tag that leaves here was written here, and every byte of the source is escaped, so there is nothing to sanitize
/// afterwards. It reads bytes, not characters, and nesting and look-ahead are bounded: a text that was made to be slow is
/// not.
struct Markdown {
    typealias Bytes = ArraySlice<UInt8>

    /// Headings begin at this level: those of the page stand above.
    private let firstHeading: Int
    private var output: [UInt8] = []
    /// The levels, as the author numbers them, of the headings that the present place stands under.
    private var headings: [Int] = []

    private init(firstHeading: Int) {
        self.firstHeading = firstHeading
    }

    /// Empty for a text without content.
    static func html(_ text: String, firstHeading: Int = 3) -> String {
        var markdown = Markdown(firstHeading: firstHeading)
        let bytes = Array(DisplayText.clean(text).utf8.prefix(Limits.Text.descriptionBytes))
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        markdown.blocks(lines.map(expanded)[...], depth: 0)
        return String(decoding: markdown.output, as: UTF8.self)
    }

    /// The words alone, for summaries.
    static func plain(_ text: String) -> String {
        var plain: [UInt8] = []
        var isTag = false
        for byte in html(text).utf8 {
            switch byte {
            case UInt8(ascii: "<"): isTag = true
            case UInt8(ascii: ">"): isTag = false
            default: if !isTag { plain.append(byte) }
            }
        }
        // The escapes of our own output; the ampersand last, so that none is undone twice.
        var words = String(decoding: plain, as: UTF8.self)
        for (escape, character) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&"),
        ] where words.utf8.contains(UInt8(ascii: "&")) { words = words.replacing(escape, with: character) }
        return words
    }

    private static func expanded(_ line: Bytes) -> Bytes {
        guard line.contains(UInt8(ascii: "\t")) else { return line }
        return line.flatMap { $0 == UInt8(ascii: "\t") ? Array("    ".utf8) : [$0] }[...]
    }

    private mutating func emit(_ html: String) {
        output += Array(html.utf8)
    }

    // MARK: Blocks

    private mutating func blocks(_ lines: ArraySlice<Bytes>, depth: Int) {
        var rest = lines
        var paragraph: [UInt8] = []
        while let line = rest.first {
            let kind = MarkdownLine(line, nests: depth < Limits.Text.markdownDepth)
            if case .text(let words) = kind {
                if !paragraph.isEmpty { paragraph.append(UInt8(ascii: "\n")) }
                paragraph += words
                rest.removeFirst()
                continue
            }
            finish(&paragraph)
            switch kind {
            case .text, .blank: rest.removeFirst()
            case .rule:
                emit("<hr>\n")
                rest.removeFirst()
            case .heading(let level, let words):
                heading(level, words)
                rest.removeFirst()
            case .fence(let mark, let count): code(mark, count, &rest)
            case .quote: quote(&rest, depth)
            case .item(let item): list(item, &rest, depth)
            }
        }
        finish(&paragraph)
    }

    private mutating func finish(_ paragraph: inout [UInt8]) {
        guard !paragraph.isEmpty else { return }
        emit("<p>")
        output += MarkdownInline.html(paragraph)
        emit("</p>\n")
        paragraph = []
    }

    /// A level below the heading that it stands under, and never more than one: pages are read by their headings.
    private mutating func heading(_ level: Int, _ words: Bytes) {
        while let last = headings.last, last >= level { headings.removeLast() }
        headings.append(level)
        let tag = "h\(min(6, firstHeading + headings.count - 1))"
        emit("<\(tag)>")
        output += MarkdownInline.html(Array(words))
        emit("</\(tag)>\n")
    }

    private mutating func code(_ mark: UInt8, _ count: Int, _ rest: inout ArraySlice<Bytes>) {
        rest.removeFirst()
        emit("<pre><code>")
        while let line = rest.popFirst() {
            if case .fence(mark, let closing) = MarkdownLine(line, nests: false), closing >= count,
                line.trimmed.allSatisfy({ $0 == mark })
            {
                break
            }
            for byte in line { HTMLText.append(byte, to: &output) }
            output.append(UInt8(ascii: "\n"))
        }
        emit("</code></pre>\n")
    }

    private mutating func quote(_ rest: inout ArraySlice<Bytes>, _ depth: Int) {
        var lines: [Bytes] = []
        while let line = rest.first {
            let text = line.dropFirst(line.indent)
            guard text.first == UInt8(ascii: ">") else { break }
            let words = text.dropFirst()
            lines.append(words.first == UInt8(ascii: " ") ? words.dropFirst() : words)
            rest.removeFirst()
        }
        emit("<blockquote>\n")
        blocks(lines[...], depth: depth + 1)
        emit("</blockquote>\n")
    }

    private mutating func list(_ first: MarkdownLine.Item, _ rest: inout ArraySlice<Bytes>, _ depth: Int) {
        emit(first.number.map { $0 == 1 ? "<ol>\n" : "<ol start=\"\($0)\">\n" } ?? "<ul>\n")
        while let item = MarkdownLine.Item(rest.first, in: first) {
            rest.removeFirst()
            let lines = Self.lines(of: item, &rest)
            emit("<li>")
            if lines.count == 1 {
                output += MarkdownInline.html(Array(item.words))
            } else {
                emit("\n")
                blocks(lines[...], depth: depth + 1)
            }
            emit("</li>\n")
            // One blank line between items.
            if rest.first?.isBlank == true, MarkdownLine.Item(rest.dropFirst().first, in: first) != nil {
                rest.removeFirst()
            }
        }
        emit(first.number == nil ? "</ul>\n" : "</ol>\n")
    }

    /// Takes the lines that belong to an item, without their indentation.
    private static func lines(of item: MarkdownLine.Item, _ rest: inout ArraySlice<Bytes>) -> [Bytes] {
        var lines = [item.words]
        while let line = rest.first {
            if line.isBlank {
                // A blank line belongs to the item when what follows is indented.
                guard let next = rest.dropFirst().first, next.indent >= 2, !next.isBlank else { break }
                lines.append([])
            } else if line.indent >= 2 {
                lines.append(line.dropFirst(min(line.indent, item.width)))
            } else if case .text(let words) = MarkdownLine(line, nests: true), lines.last?.isEmpty == false {
                lines.append(words)
            } else {
                break
            }
            rest.removeFirst()
        }
        return lines
    }
}
