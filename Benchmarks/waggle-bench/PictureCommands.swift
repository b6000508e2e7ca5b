import ArgumentParser
import Digests
import Formats
import FoundationEssentials
import Media
import SystemPackage
import WaggleProtocol

/// Small copies of pictures, as a node makes them.
struct ThumbnailsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thumbnails", abstract: "Make the small copies of the pictures in a folder; a JSON line.")

    @Argument(help: "A folder of pictures.")
    var pictures: String

    @Argument(help: "A folder for the copies, which is made.")
    var copies: String

    private struct Line: Encodable {
        let pictures: Int
        let perSecond: Double
    }

    func run() async throws {
        let sources = try PictureFiles.all(in: pictures).map { ThumbnailStore.Picture(SHA256.hash($0), $0) }
        let store = try ThumbnailStore(
            folder: FilePath(copies).appending("thumbs"), temporary: FilePath(copies).appending("tmp"))
        let began = ContinuousClock.now
        var made = 0
        for start in stride(from: 0, to: sources.count, by: Limits.Thumbnail.batch) {
            made += try await store.make(Array(sources[start..<min(start + Limits.Thumbnail.batch, sources.count)]))
        }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        guard made == sources.count else { throw BenchError(what: "\(sources.count - made) pictures were refused") }
        let line = Line(pictures: made, perSecond: Double(made) / seconds)
        print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
    }
}

/// What pictures say of how they were made.
struct RecipesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recipes", abstract: "Read the recipes of the pictures in a folder; a JSON line.")

    @Argument(help: "A folder of pictures.")
    var pictures: String

    @Option(help: "How long, in seconds.")
    var seconds = 2.0

    private struct Line: Encodable {
        let read: Int
        let recipes: Int
        let perSecond: Double
    }

    func run() async throws {
        let sources = try PictureFiles.all(in: pictures)
        guard !sources.isEmpty else { throw BenchError(what: "no pictures in \(pictures)") }
        let began = ContinuousClock.now
        let end = began + .seconds(seconds)
        var (read, recipes) = (0, 0)
        while ContinuousClock.now < end {
            if Recipe(texts: PictureText.all(in: sources[read % sources.count])) != nil { recipes += 1 }
            read += 1
        }
        let line = Line(
            read: read, recipes: recipes, perSecond: Double(read) / ((ContinuousClock.now - began) / .seconds(1)))
        print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
    }
}

private enum PictureFiles {
    static func all(in folder: String) throws -> [[UInt8]] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
        }
    }
}
