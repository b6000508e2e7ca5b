import Foundation
import Testing

/// JSON that clients rely on, kept as files. A difference is a change of the contract: look at it, then write the file
/// anew by running the tests with `WAGGLE_WRITE_GOLDEN=1`.
enum Golden {
    static func check(_ json: Data, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let value = try JSONSerialization.jsonObject(with: json)
        let pretty = try JSONSerialization.data(
            withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        let actual = String(decoding: pretty, as: UTF8.self) + "\n"
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Golden/\(name).json")
        if ProcessInfo.processInfo.environment["WAGGLE_WRITE_GOLDEN"] == "1" {
            try actual.write(to: file, atomically: true, encoding: .utf8)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        let differs = zip(
            actual.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false)
        ).first { $0 != $1 }
        #expect(actual == expected, "\(name).json: \(String(describing: differs))", sourceLocation: sourceLocation)
    }
}
