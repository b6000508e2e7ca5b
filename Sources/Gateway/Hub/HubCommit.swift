import Digests
import FoundationEssentials
import WaggleProtocol

/// What a client of the Hub commits: lines of JSON, a header first, then a line for each file.
struct HubCommit: Sendable {
    /// A file whose bytes were uploaded before.
    struct LargeFile: Sendable {
        let path: String
        let sha256: Hash32
    }

    /// A file whose bytes are in the commit.
    struct SmallFile: Sendable {
        let path: String
        let content: [UInt8]
    }

    private(set) var summary = ""
    private(set) var largeFiles: [LargeFile] = []
    private(set) var smallFiles: [SmallFile] = []
    private(set) var deleted: [String] = []

    private struct Line: Decodable {
        struct Value: Decodable {
            var summary: String?
            var path: String?
            var oid: String?
            var content: String?
            var encoding: String?
        }

        let key: String
        let value: Value
    }

    /// - Throws: `badRequest` naming the line.
    init(_ body: [UInt8]) throws(GatewayError) {
        // No more of them than are looked at: a body of nothing but line ends would be millions.
        let lines = body.split(separator: UInt8(ascii: "\n"), maxSplits: Limits.API.commitLines)
        for (index, text) in lines.enumerated() {
            guard index < Limits.API.commitLines else { throw .tooManyItems(limit: Limits.API.commitLines) }
            guard let line = try? JSONDecoder().decode(Line.self, from: Data(text)) else { throw Self.bad(index) }
            switch line.key {
            case "header": summary = line.value.summary ?? ""
            case "lfsFile":
                guard let path = Self.path(line.value.path), let oid = line.value.oid.flatMap({ Hash32(hex: $0) })
                else { throw Self.bad(index) }
                largeFiles.append(LargeFile(path: path, sha256: oid))
            case "file":
                guard let path = Self.path(line.value.path), line.value.encoding ?? "base64" == "base64",
                    let content = Data(base64Encoded: line.value.content ?? "")
                else { throw Self.bad(index) }
                smallFiles.append(SmallFile(path: path, content: Array(content)))
            case "deletedFile", "deletedEntry":
                guard let path = Self.path(line.value.path) else { throw Self.bad(index) }
                deleted.append(path)
            default:
                throw .badRequest(code: "bad-commit", "\(line.key.prefix(40)) is not done here")
            }
        }
    }

    private static func bad(_ index: Int) -> GatewayError {
        .badRequest(code: "bad-commit", "Line \(index + 1) of the commit cannot be read")
    }

    /// Releases have no folders.
    private static func path(_ text: String?) -> String? {
        guard let text, !text.isEmpty, text.utf8.count <= Limits.Blob.fileNameBytes, text != ".", text != "..",
            !text.utf8.contains(where: { $0 == 0x2f || $0 < 0x20 || $0 == 0x7f })
        else { return nil }
        return text
    }

    var readme: String? {
        smallFiles.last { $0.path == "README.md" }.flatMap { String(validating: $0.content, as: UTF8.self) }
    }

    /// Files that go into the release as they are.
    var keptSmallFiles: [SmallFile] {
        smallFiles.filter { !["README.md", ".gitattributes"].contains($0.path) }
    }

    /// A summary that is a version's name: "1.2", "v3".
    var version: String? {
        let words = summary.split(separator: " ")
        guard words.count == 1, let first = words.first, first.utf8.count <= 32,
            first.wholeMatch(of: #/v?[0-9]+(\.[0-9]+)*/#) != nil
        else { return nil }
        return String(first)
    }
}

/// What a model card says of a model: the lines between `---` that this node understands, and the words after them.
struct HubCard: Sendable {
    private(set) var fields: [String: String] = [:]
    private(set) var tags: [String] = []
    let text: String

    init(_ card: String) {
        var lines = card.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.trimmingSuffix(while: { $0 == "\r" })
        }
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else {
            text = card
            return
        }
        var list = ""
        for line in lines[1..<end] {
            if let item = line.trimmed.hasPrefix("- ") ? line.trimmed.dropFirst(2).trimmed : nil {
                if list == "tags", tags.count < Limits.Text.tags { tags.append(Self.scalar(item)) }
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = String(line[..<colon].trimmed)
            let value = Self.scalar(line[line.index(after: colon)...].trimmed)
            list = value.isEmpty ? key : ""
            if !value.isEmpty { fields[key] = value }
        }
        lines.removeSubrange(...end)
        text = String(lines.joined(separator: "\n").trimmed)
    }

    private static func scalar(_ text: Substring) -> String {
        if text.count >= 2, let first = text.first, first == "\"" || first == "'", text.last == first {
            return String(text.dropFirst().dropLast())
        }
        return String(text)
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, predicate(last) { text.removeLast() }
        return text
    }
}
