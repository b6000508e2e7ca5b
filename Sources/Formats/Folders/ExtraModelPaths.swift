import WaggleProtocol

/// Why a list of model folders cannot be used.
public enum ExtraModelPathsError: Error, Hashable, Sendable {
    /// More bytes, lines, sections or folders than the limit.
    case tooLarge
    /// A line that is not of the form that ComfyUI's own example has.
    case line(Int, String)

    /// What is wrong, and where.
    public var message: String {
        switch self {
        case .tooLarge: "it is larger than any list of model folders has to be"
        case .line(let number, let why): "line \(number): \(why)"
        }
    }
}

/// ComfyUI's `extra_model_paths.yaml`: more folders to find models in.
///
/// The file is YAML, of which ComfyUI uses little: sections of `key: value` lines, where a value is one line of text or a
/// `|` block with a path a line. That is what is read here; anchors, tags, lists and flow forms are refused by line
/// number rather than guessed at.
public struct ExtraModelPaths: Hashable, Sendable {
    /// A folder with models.
    public struct Folder: Hashable, Sendable {
        /// ComfyUI's word for what is in it: "checkpoints", "loras", …
        public let category: String
        /// As written, after `base_path` where the section has one. May begin with `~`; may be relative, which counts
        /// from the file's own folder.
        public let path: String
    }

    public let folders: [Folder]

    public init(yaml text: String) throws(ExtraModelPathsError) {
        guard text.utf8.count <= Limits.Library.pathListBytes else { throw .tooLarge }
        var reader = Reader(text)
        folders = try reader.read()
    }
}

/// Reads line by line. Indentation alone tells what belongs where.
private struct Reader {
    private struct Line {
        let number: Int
        let indent: Int
        let text: Substring
    }

    private var lines: ArraySlice<Line> = []
    private var folders: [ExtraModelPaths.Folder] = []

    init(_ text: String) {
        // By scalars: a carriage return and a line feed are one character.
        let rows = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        lines =
            rows.enumerated().map { offset, row in
                var text = Substring(row)
                if text.unicodeScalars.last == "\r" { text.unicodeScalars.removeLast() }
                if offset == 0, text.unicodeScalars.first == "\u{feff}" { text.unicodeScalars.removeFirst() }
                let indent = text.utf8.prefix { $0 == 0x20 }.count
                return Line(number: offset + 1, indent: indent, text: text.dropFirst(indent))
            }[...]
    }

    mutating func read() throws(ExtraModelPathsError) -> [ExtraModelPaths.Folder] {
        while let line = try nextLine() {
            guard line.indent == 0 else { throw .line(line.number, "is set in, but belongs to nothing") }
            let (_, value) = try pair(line)
            guard value.isEmpty else { throw .line(line.number, "a section has nothing behind its colon") }
            try readSection()
        }
        return folders
    }

    private mutating func readSection() throws(ExtraModelPathsError) {
        var base = ""
        var found: [(category: String, path: String)] = []
        var indent: Int?
        while let line = try peek(), line.indent > 0 {
            lines.removeFirst()
            guard line.indent == indent ?? line.indent else { throw .line(line.number, "is set in differently") }
            indent = line.indent
            let (key, value) = try pair(line)
            let paths =
                value.first == "|" || value.first == ">" ? try block(under: line, value) : [try scalar(value, line)]
            switch key {
            case "base_path": base = paths.first ?? ""
            case "is_default": break
            default: found += paths.filter { !$0.isEmpty }.map { (key, $0) }
            }
            guard found.count + folders.count <= Limits.Library.extraFolders else { throw .tooLarge }
        }
        for (category, path) in found {
            let isWhole = base.isEmpty || path.hasPrefix("/") || path.hasPrefix("~")
            folders.append(.init(category: category, path: isWhole ? path : base + "/" + path))
        }
    }

    /// The lines of a block, which are set in more than its key.
    private mutating func block(under key: Line, _ mark: Substring) throws(ExtraModelPathsError) -> [String] {
        guard ["|", "|-", "|+"].contains(mark) else {
            throw .line(key.number, "of the block forms only | is read: one path a line")
        }
        var paths: [String] = []
        while let line = lines.first {
            let isBlank = line.text.allSatisfy { $0 == " " || $0 == "\t" }
            guard isBlank || line.indent > key.indent else { break }
            lines.removeFirst()
            if !isBlank { paths.append(String(line.text).trimmed) }
        }
        return paths
    }

    /// The next line that says something, left where it is.
    private mutating func peek() throws(ExtraModelPathsError) -> Line? {
        while let line = lines.first {
            if line.text.first == "\t" { throw .line(line.number, "begins with a tab; YAML is set in with spaces") }
            let isNothing = line.text.isEmpty || line.text.first == "#" || line.text.trimmed == "---"
            guard isNothing || line.text.trimmed.isEmpty else { return line }
            lines.removeFirst()
        }
        return nil
    }

    private mutating func nextLine() throws(ExtraModelPathsError) -> Line? {
        guard let line = try peek() else { return nil }
        lines.removeFirst()
        return line
    }

    /// `key: value`, where a comment may follow.
    private func pair(_ line: Line) throws(ExtraModelPathsError) -> (key: String, value: Substring) {
        guard let colon = line.text.firstIndex(of: ":") else { throw .line(line.number, "has no colon") }
        let key = String(line.text[..<colon]).trimmed
        let rest = line.text[line.text.index(after: colon)...]
        guard !key.isEmpty, key.utf8.count <= 128, rest.isEmpty || rest.first == " " else {
            throw .line(line.number, "is no \"name: value\"")
        }
        let value = rest.drop { $0 == " " }
        return (key, value.first == "#" ? "" : value.first == "|" || value.first == ">" ? mark(value) : value)
    }

    private func mark(_ value: Substring) -> Substring {
        value.prefix { $0 != " " }
    }

    /// One line of text: plain, 'quoted' or "quoted".
    private func scalar(_ value: Substring, _ line: Line) throws(ExtraModelPathsError) -> String {
        guard let first = value.first else { return "" }
        if first == "'" || first == "\"" {
            let inner = value.dropFirst()
            guard let end = inner.lastIndex(of: first) else { throw .line(line.number, "a quote is not closed") }
            let rest = String(inner[inner.index(after: end)...]).trimmed
            guard rest.isEmpty || rest.hasPrefix("#") else { throw .line(line.number, "goes on behind the quote") }
            let text = String(inner[..<end])
            if first == "'" { return text.replacing("''", with: "'") }
            // Windows paths in double quotes are the usual mistake: \m is no escape.
            return text.replacing("\\\\", with: "\\")
        }
        guard !"[]{}&*!%@`".contains(first) else {
            throw .line(
                line.number, "begins with \"\(first)\"; put a path in quotes, and lists under | with one path a line")
        }
        let plain = value.firstRange(of: " #").map { value[..<$0.lowerBound] } ?? value
        return String(plain).trimmed
    }
}
