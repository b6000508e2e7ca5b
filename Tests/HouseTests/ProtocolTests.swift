import Foundation
import Testing

/// The generated code against the files that it is made from, without the generator: names and numbers.
@Suite("Generated code")
struct ProtocolTests {
    private struct Message {
        /// With those around it: `SyncScope.All`.
        let name: String
        var fields: [Int: String] = [:]
    }

    private struct Definitions {
        var messages: [Message] = []
        var enums: [String: [String]] = [:]

        /// Reads what proto3 files of this project use.
        init(_ text: String) {
            var path: [(name: String, isEnum: Bool, isMessage: Bool)] = []
            for line in text.split(separator: "\n") {
                let code = line.prefix { $0 != "/" }
                if let match = code.firstMatch(of: #/^\s*(message|enum|oneof)\s+(\w+)\s*\{/#) {
                    path.append((String(match.2), match.1 == "enum", match.1 == "message"))
                    let name = path.filter { $0.isMessage || $0.isEnum }.map(\.name).joined(separator: ".")
                    if match.1 == "message" { messages.append(Message(name: name)) }
                    if match.1 == "enum" { enums[name] = [] }
                } else if let match = code.firstMatch(
                    of: #/^\s*(?:repeated\s+|optional\s+)?(?:\w+\s+)?(\w+)\s*=\s*(\d+);/#)
                {
                    let isValue = path.last?.isEnum == true
                    let name = path.filter { isValue ? true : $0.isMessage }.map(\.name).joined(separator: ".")
                    if isValue {
                        enums[name]?.append(String(match.1))
                    } else if let at = messages.firstIndex(where: { $0.name == name }) {
                        messages[at].fields[Int(match.2) ?? 0] = String(match.1)
                    }
                }
                if code.contains("}") { path.removeLast(path.isEmpty ? 0 : 1) }
            }
        }
    }

    private static let proto = SourceTree.files(in: "Protocol/proto", withEnding: [".proto"])

    @Test(
        "every message, field and value of the .proto files is in the generated Swift, under its number",
        arguments: proto.map(\.name))
    func isCurrent(_ name: String) throws {
        let source = try #require(Self.proto.first { $0.name == name })
        let path = "Sources/WaggleProtocol/Generated/" + name.replacing(".proto", with: ".pb.swift")
        let swift = try #require(SourceTree.file(path), "\(path) is missing; make proto").text
        let definitions = Definitions(source.text)
        #expect(!definitions.messages.isEmpty)
        for message in definitions.messages {
            let type = "Wire" + message.name
            let parts = swift.components(separatedBy: "extension \(type): SwiftProtobuf.Message")
            try #require(parts.count == 2, "\(type)")
            let code = parts[1].components(separatedBy: "\nnonisolated extension ")[0]
            let numbers = code.matches(of: #/^ *case (\d+): try/#.anchorsMatchLineEndings()).compactMap { Int($0.1) }
            #expect(Set(numbers) == Set(message.fields.keys), "\(type)")
            for field in message.fields.values {
                #expect(code.contains("\(field)\\0"), "\(type).\(field)")
            }
        }
        for (name, values) in definitions.enums {
            let parts = swift.components(separatedBy: "extension Wire\(name):").dropFirst()
            for value in values {
                #expect(parts.contains { $0.contains("\(value)\\0") }, "\(name).\(value)")
            }
        }
        // Nothing is left of what a .proto file does not have any more.
        let types = swift.matches(of: #/extension Wire([\w.]+): SwiftProtobuf\.Message/#)
        #expect(Set(types.map { String($0.1) }) == Set(definitions.messages.map(\.name)))
    }

    @Test("each .proto file has its Swift, and no Swift is left of one that is gone")
    func pairs() {
        let generated = SourceTree.files(in: "Sources/WaggleProtocol/Generated", withEnding: [".swift"])
        #expect(
            generated.map { $0.name.replacing(".pb.swift", with: "") }
                == Self.proto.map { $0.name.replacing(".proto", with: "") })
    }
}
