import Foundation

/// Reads a file of `Protocol/vectors`.
func vectors<Content: Decodable>(_ name: String, as type: Content.Type, here: String = #filePath) throws -> Content {
    let url = URL(fileURLWithPath: here).deletingLastPathComponent()
        .appendingPathComponent("../../Protocol/vectors/\(name)")
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}
