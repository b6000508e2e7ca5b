import Foundation

/// The files of this project, read as text.
struct SourceTree {
    /// A file by its path from the project's folder.
    struct File {
        let path: String
        let text: String

        var name: String { String(path.split(separator: "/").last ?? "") }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

        /// The folder below `Sources` or `Tests`.
        var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

        /// The lines without what stands behind `//`; that is enough for words that no string of ours has.
        var code: [Substring] {
            lines.map { line in line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line }
        }
    }

    /// The project's folder, from where this file was compiled.
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Regular files below a folder, without the package manager's and the version control's own.
    static func files(in folder: String, withEnding endings: [String] = [""]) -> [File] {
        let start = root.appending(path: folder).path
        let names = FileManager.default.enumerator(atPath: start)?.compactMap { $0 as? String } ?? []
        return names.sorted().compactMap { name in
            guard endings.contains(where: { name.hasSuffix($0) }) else { return nil }
            return file("\(folder)/\(name)")
        }
    }

    /// Nil for a folder, and for what is not text.
    static func file(_ path: String) -> File? {
        guard let data = FileManager.default.contents(atPath: root.appending(path: path).path),
            let text = String(validating: data, as: UTF8.self)
        else { return nil }
        return File(path: path, text: text)
    }

    static let swift = files(in: "Sources", withEnding: [".swift"])

    /// Names in the project's folder.
    static var entries: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []).sorted()
    }
}
