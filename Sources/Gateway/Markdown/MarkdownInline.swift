import WaggleProtocol

/// The words of one paragraph as HTML: emphasis, code, links, line breaks.
///
/// One pass over the bytes with two short stacks, of open emphasis and of open brackets. What is not closed in the end
/// stays the character that it was.
struct MarkdownInline {
    /// A piece of the output. Marks of emphasis keep their unmatched rest and get tags on both sides.
    private struct Piece {
        var html: [UInt8] = []
        var mark: UInt8 = 0
        var count = 0
        /// Closing tags come before what is left of the mark, opening ones after it.
        var closing = ""
        var opening = ""
    }

    private struct Bracket {
        let piece: Int
        /// Open marks outside of the bracket.
        let marks: Int
    }

    private let source: [UInt8]
    private var at = 0
    private var pieces: [Piece] = [Piece()]
    /// Pieces with open marks, outermost first.
    private var marks: [Int] = []
    private var brackets: [Bracket] = []
    /// Where a run of so many backticks was looked for and not found, so that it is not looked for again.
    private var missingRuns: Set<Int> = []

    static func html(_ source: [UInt8]) -> [UInt8] {
        var inline = MarkdownInline(source: source)
        inline.parse()
        return inline.output
    }

    private init(source: [UInt8]) {
        self.source = source
    }

    private var output: [UInt8] {
        pieces.reduce(into: []) { bytes, piece in
            bytes += piece.html
            bytes += Array(piece.closing.utf8)
            bytes += [UInt8](repeating: piece.mark, count: piece.count)
            bytes += Array(piece.opening.utf8)
        }
    }

    private mutating func parse() {
        while at < source.count {
            let byte = source[at]
            switch byte {
            case UInt8(ascii: "\\"): escaped()
            case UInt8(ascii: "`"): code()
            case UInt8(ascii: "*"), UInt8(ascii: "_"): mark(byte)
            case UInt8(ascii: "!") where next(1) == UInt8(ascii: "["): at += 1
            case UInt8(ascii: "["): openBracket()
            case UInt8(ascii: "]"): closeBracket()
            case UInt8(ascii: "<"): angle()
            case UInt8(ascii: "h"), UInt8(ascii: "H"): bareAddress()
            case UInt8(ascii: "\n"): lineBreak()
            default: text(byte)
            }
        }
    }

    private func next(_ distance: Int) -> UInt8? {
        at + distance < source.count ? source[at + distance] : nil
    }

    private mutating func text(_ byte: UInt8) {
        HTMLText.append(byte, to: &pieces[pieces.count - 1].html)
        at += 1
    }

    private mutating func emit(_ html: String) {
        pieces[pieces.count - 1].html += Array(html.utf8)
    }

    private mutating func escaped() {
        guard let following = next(1) else { return text(source[at]) }
        if following == UInt8(ascii: "\n") {
            emit("<br>")
            at += 1
        } else if Self.isPunctuation(following) {
            at += 1
            text(following)
        } else {
            text(source[at])
        }
    }

    private mutating func lineBreak() {
        var spaces = 0
        while let last = pieces[pieces.count - 1].html.last, last == UInt8(ascii: " ") {
            pieces[pieces.count - 1].html.removeLast()
            spaces += 1
        }
        if spaces >= 2 { emit("<br>") }
        text(UInt8(ascii: "\n"))
    }

    // MARK: Code

    private mutating func code() {
        let run = source[at...].prefix { $0 == UInt8(ascii: "`") }.count
        guard run <= Limits.Text.markdownMarks, !missingRuns.contains(run), let end = closingRun(run) else {
            missingRuns.insert(run)
            for _ in 0..<run { text(UInt8(ascii: "`")) }
            return
        }
        let words = source[(at + run)..<end].trimmed
        emit("<code>")
        for byte in words { HTMLText.append(byte, to: &pieces[pieces.count - 1].html) }
        emit("</code>")
        at = end + run
    }

    private func closingRun(_ run: Int) -> Int? {
        var place = at + run
        while place < source.count {
            guard source[place] == UInt8(ascii: "`") else {
                place += 1
                continue
            }
            let length = source[place...].prefix { $0 == UInt8(ascii: "`") }.count
            if length == run { return place }
            place += length
        }
        return nil
    }

    // MARK: Emphasis

    private mutating func mark(_ byte: UInt8) {
        let run = source[at...].prefix { $0 == byte }.count
        let before = at == 0 ? UInt8(ascii: " ") : source[at - 1]
        let after = next(run) ?? UInt8(ascii: " ")
        // Longer runs are lines drawn with characters.
        guard run <= 3 else {
            for _ in 0..<run { text(byte) }
            return
        }
        at += run
        var piece = Piece(mark: byte, count: run)
        var canOpen = !Self.isSpace(after)
        var canClose = !Self.isSpace(before)
        // An underscore within a word is part of it.
        if byte == UInt8(ascii: "_") {
            canOpen = canOpen && !Self.isWord(before)
            canClose = canClose && !Self.isWord(after)
        }
        if canClose { close(&piece) }
        let place = pieces.count
        pieces.append(piece)
        pieces.append(Piece())
        if canOpen, piece.count > 0, marks.count < Limits.Text.markdownMarks { marks.append(place) }
    }

    private mutating func close(_ piece: inout Piece) {
        let floor = brackets.last?.marks ?? 0
        while piece.count > 0 {
            guard let found = marks[floor...].lastIndex(where: { pieces[$0].mark == piece.mark }) else { return }
            let opener = marks[found]
            let used = min(2, piece.count, pieces[opener].count)
            let tag = used == 2 ? "strong" : "em"
            pieces[opener].opening = "<\(tag)>" + pieces[opener].opening
            piece.closing += "</\(tag)>"
            pieces[opener].count -= used
            piece.count -= used
            // What was open inside stays text.
            marks.removeSubrange((found + 1)...)
            if pieces[opener].count == 0 { marks.removeLast() }
        }
    }

    // MARK: Links

    private mutating func openBracket() {
        guard brackets.count < Limits.Text.markdownMarks else { return text(source[at]) }
        at += 1
        brackets.append(Bracket(piece: pieces.count, marks: marks.count))
        pieces.append(Piece(mark: UInt8(ascii: "["), count: 1))
        pieces.append(Piece())
    }

    private mutating func closeBracket() {
        guard let bracket = brackets.popLast() else { return text(source[at]) }
        guard next(1) == UInt8(ascii: "("), let (address, end) = MarkdownAddress.target(source, from: at + 2) else {
            return text(source[at])
        }
        at = end
        marks.removeSubrange(bracket.marks...)
        pieces[bracket.piece].count = 0
        guard let address else { return }
        let isEmpty = pieces[(bracket.piece + 1)...].allSatisfy { $0.html.isEmpty && $0.count == 0 }
        pieces[bracket.piece].opening = Self.opening(address)
        if isEmpty { emit(HTMLText.escape(address)) }
        emit("</a>")
        // No link within a link.
        brackets.removeAll()
    }

    private mutating func angle() {
        guard let end = source[(at + 1)...].firstIndex(where: { "<> \n".utf8.contains($0) }),
            source[end] == UInt8(ascii: ">"), let address = MarkdownAddress.allowed(source[(at + 1)..<end]),
            brackets.isEmpty
        else { return text(source[at]) }
        emit(Self.opening(address) + HTMLText.escape(address) + "</a>")
        at = end + 1
    }

    private mutating func bareAddress() {
        let before = at == 0 ? UInt8(ascii: " ") : source[at - 1]
        guard brackets.isEmpty, !Self.isWord(before), let end = MarkdownAddress.bareEnd(source, from: at),
            let address = MarkdownAddress.allowed(source[at..<end])
        else { return text(source[at]) }
        emit(Self.opening(address) + HTMLText.escape(address) + "</a>")
        at = end
    }

    private static func opening(_ address: String) -> String {
        "<a href=\"\(HTMLText.escape(address))\" rel=\"nofollow noopener ugc\">"
    }

    // MARK: Characters

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && (!isWord(byte) || byte == UInt8(ascii: "_"))
    }
}
