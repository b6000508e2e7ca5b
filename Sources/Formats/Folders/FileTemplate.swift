import WaggleProtocol

/// Why a template for names cannot be used.
public enum FileTemplateError: Error, Hashable, Sendable {
    case unknownField(String)
    case unclosed
    /// An empty part, an absolute path, `..`, or too long or deep.
    case notRelative

    /// What is wrong, and what helps.
    public var message: String {
        switch self {
        case .unknownField(let name):
            "the template has no field {\(name)}; there are "
                + FileTemplate.Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
        case .unclosed: "a { of the template is not closed"
        case .notRelative:
            "a template is a relative path like \"{base}/{name} {version}.{ext}\", of at most "
                + "\(Limits.Library.templateDepth) parts without . and .."
        }
    }
}

/// How files are named when they are put into a folder: `{base}/{name} {version}.{ext}`.
///
/// Values come from strangers. Each part of the path is made safe by itself after the values are in, so no value can add
/// a part, leave the folder or hide the file.
public struct FileTemplate: Hashable, Sendable {
    public enum Field: String, Sendable, CaseIterable {
        /// The base model: "SDXL 1.0".
        case base
        /// "LORA", "Checkpoint", …
        case type
        /// The maker's handle.
        case creator
        case name
        case version
        /// The signed file name with its extension.
        case file
        /// The signed file name without its extension.
        case stem
        case ext
        /// The first 10 digits of the SHA-256 (AutoV2).
        case hash
    }

    private enum Piece: Hashable {
        case text(String)
        case field(Field)
    }

    private let parts: [[Piece]]

    /// The signed file name, as it is.
    public static let standard = FileTemplate(parts: [[.field(.file)]])

    private init(parts: [[Piece]]) {
        self.parts = parts
    }

    public init(_ text: String) throws(FileTemplateError) {
        guard text.utf8.count <= Limits.Library.templateBytes else { throw .notRelative }
        var parts: [[Piece]] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard !part.isEmpty, part != ".", part != ".." else { throw .notRelative }
            parts.append(try Self.pieces(part))
        }
        guard parts.count <= Limits.Library.templateDepth else { throw .notRelative }
        // A model without its extension would not be found by the program it is for.
        if parts.last?.contains(.field(.ext)) != true, parts.last?.contains(.field(.file)) != true {
            parts[parts.count - 1] += [.text("."), .field(.ext)]
        }
        self.parts = parts
    }

    private static func pieces(_ part: Substring) throws(FileTemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = part
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: "}") else { throw .unclosed }
            let name = String(rest[rest.index(after: open)..<close])
            guard let field = Field(rawValue: name) else { throw .unknownField(name) }
            pieces.append(.field(field))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.text(String(rest))) }
        return pieces
    }

    /// The parts of the path for a file; each is a safe file name.
    public func path(_ value: (Field) -> String) -> [String] {
        parts.map { pieces in
            let text = pieces.map { piece in
                switch piece {
                case .text(let text): text
                case .field(let field): value(field)
                }
            }.joined()
            return FileNames.sanitised(text, fallback: "unnamed")
        }
    }

    /// A name with a mark before its extension, for a file whose name is taken: `film-3f2a91c0de.safetensors`.
    public static func marked(_ name: String, _ mark: String) -> String {
        let (stem, ext) = split(name)
        let ending = "-" + mark + (ext.isEmpty ? "" : "." + ext)
        return stem.cut(toUTF8: max(1, Limits.Blob.fileNameBytes - ending.utf8.count)) + ending
    }

    /// A file name without and with only its extension, which has no dot.
    public static func split(_ name: String) -> (stem: String, ext: String) {
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex, name[dot...].utf8.count <= 32 else {
            return (name, "")
        }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }
}
