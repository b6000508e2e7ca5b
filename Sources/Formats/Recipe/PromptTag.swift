/// A tag in a prompt that adds a model: `<lora:name:0.8>`.
public struct PromptTag: Hashable, Sendable {
    public let kind: ModelType
    public let name: String
    /// 1 when the tag does not say.
    public let weight: Double

    /// The tags of a prompt in order, at most `limit`.
    ///
    /// `lora`, `lyco` and `hypernet` are known; a name has no `:`, `<` or `>`; a second number (A1111's separate weight
    /// for the UNet) is ignored.
    public static func all(in prompt: String, limit: Int) -> [PromptTag] {
        var tags: [PromptTag] = []
        for part in prompt.utf8.split(separator: UInt8(ascii: "<")).dropFirst(prompt.utf8.first == 0x3c ? 0 : 1) {
            guard tags.count < limit else { break }
            guard let end = part.firstIndex(of: UInt8(ascii: ">")),
                let words = String(part[..<end])?.unicodeScalars.split(
                    separator: ":", omittingEmptySubsequences: false),
                words.count >= 2, !words[1].isEmpty,
                let kind = kinds.first(where: { String(words[0]).sameUTF8(as: $0.word) })?.kind
            else { continue }
            let weight = words.count > 2 ? FieldNumber.double(String(words[2]).trimmed) ?? 1 : 1
            tags.append(PromptTag(kind: kind, name: String(words[1]), weight: weight))
        }
        return tags
    }

    private static let kinds: [(word: String, kind: ModelType)] = [
        ("lora", .lora), ("lyco", .locon), ("hypernet", .hypernetwork),
    ]

    /// The tag for a resource that prompts can name; nil for any other.
    public static func text(for resource: RecipeResource) -> String? {
        guard let name = resource.name, !name.isEmpty,
            !name.unicodeScalars.contains(where: { ":<>\n\r".unicodeScalars.contains($0) })
        else { return nil }
        let word: String
        switch resource.kind {
        case .lora, .dora: word = "lora"
        case .locon: word = "lyco"
        case .hypernetwork: word = "hypernet"
        default: return nil
        }
        return "<\(word):\(name):\(FieldNumber.text(resource.weight ?? 1))>"
    }
}
