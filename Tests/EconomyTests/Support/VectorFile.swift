import Foundation
import Testing

/// A file of `Protocol/vectors` whose cases are made by a function here.
///
/// Tests read the file, as any other implementation does. With `WAGGLE_WRITE_VECTORS=1` in the environment the file is
/// written first; without, it must hold what the function makes, so that it cannot be edited by hand unnoticed.
struct VectorFile<Content: Codable & Equatable>: Sendable {
    let name: String
    let make: @Sendable () throws -> Content

    func read(here: String = #filePath) throws -> Content {
        let url = URL(fileURLWithPath: here).deletingLastPathComponent()
            .appendingPathComponent("../../Protocol/vectors/\(name)").standardizedFileURL
        if ProcessInfo.processInfo.environment["WAGGLE_WRITE_VECTORS"] == "1" {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try (encoder.encode(make()) + Data("\n".utf8)).write(to: url, options: .atomic)
        }
        let content = try JSONDecoder().decode(Content.self, from: Data(contentsOf: url))
        #expect(try content == make(), "\(name) is not what its generator makes")
        return content
    }
}
