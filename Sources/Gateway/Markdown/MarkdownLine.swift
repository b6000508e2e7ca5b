/// What one line of Markdown begins.
enum MarkdownLine {
    case blank
    case text(Markdown.Bytes)
    case heading(level: Int, Markdown.Bytes)
    case rule
    /// Three or more of one character; so many end the code too.
    case fence(mark: UInt8, count: Int)
    case quote
    case item(Item)

    /// The first line of a list's item.
    struct Item {
        /// Nil for a list without numbers.
        let number: Int?
        let mark: UInt8
        /// Columns before the words.
        let width: Int
        let words: Markdown.Bytes

        init?(_ text: Markdown.Bytes, indent: Int) {
            let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard let mark = text.dropFirst(digits.count).first, digits.count <= 9,
                digits.isEmpty ? "-*+".utf8.contains(mark) : ".)".utf8.contains(mark)
            else { return nil }
            let rest = text.dropFirst(digits.count + 1)
            guard rest.first == UInt8(ascii: " "), !rest.isBlank else { return nil }
            number = Int(String(decoding: digits, as: UTF8.self))
            self.mark = mark
            width = indent + digits.count + 2
            words = rest.dropFirst(rest.indent)
        }

        /// Nil when the line does not go on with the list that began with `first`.
        init?(_ line: Markdown.Bytes?, in first: Item) {
            guard let line, case .item(let item) = MarkdownLine(line, nests: true), item.mark == first.mark,
                (item.number == nil) == (first.number == nil)
            else { return nil }
            self = item
        }
    }

    /// - Parameter nests: whether quotes and lists may begin here; deeper than the limit they are text.
    init(_ line: Markdown.Bytes, nests: Bool) {
        let indent = line.indent
        let text = line.dropFirst(indent)
        guard let first = text.first else {
            self = .blank
            return
        }
        let run = text.prefix { $0 == first }.count
        if first == UInt8(ascii: "`") || first == UInt8(ascii: "~"), run >= 3 {
            self = .fence(mark: first, count: run)
        } else if first == UInt8(ascii: "#"), let heading = Self.heading(text, level: run) {
            self = heading
        } else if Self.isRule(text, mark: first) {
            self = .rule
        } else if nests, first == UInt8(ascii: ">") {
            self = .quote
        } else if nests, let item = Item(text, indent: indent) {
            self = .item(item)
        } else {
            // Spaces at the end stay: they mean a line break.
            self = .text(text)
        }
    }

    private static func heading(_ text: Markdown.Bytes, level: Int) -> MarkdownLine? {
        guard level <= 6, text.dropFirst(level).first == UInt8(ascii: " ") else { return nil }
        var words = text.dropFirst(level).trimmed
        // A closing row of signs is decoration.
        if let end = words.lastIndex(where: { $0 != UInt8(ascii: "#") }), words[end] == UInt8(ascii: " ") {
            words = words[...end].trimmed
        }
        return words.isEmpty ? nil : .heading(level: level, words)
    }

    private static func isRule(_ text: Markdown.Bytes, mark: UInt8) -> Bool {
        guard "-*_".utf8.contains(mark) else { return false }
        let marks = text.filter { $0 != UInt8(ascii: " ") }
        return marks.count >= 3 && marks.allSatisfy { $0 == mark }
    }
}

extension ArraySlice<UInt8> {
    /// Spaces at the start.
    var indent: Int { prefix { $0 == UInt8(ascii: " ") }.count }

    var isBlank: Bool { allSatisfy { $0 == UInt8(ascii: " ") } }

    /// Without spaces at both ends.
    var trimmed: ArraySlice<UInt8> {
        guard let end = lastIndex(where: { $0 != UInt8(ascii: " ") }) else { return [] }
        return self[startIndex...end].dropFirst(indent)
    }
}
