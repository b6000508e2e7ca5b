import WaggleProtocol

/// Reads the tags of a prompt as strictly as they are drawn: a tag that an engine would drop or stumble over is refused.
enum PromptReading {
    /// The LoRAs that a prompt names.
    ///
    /// - Throws: `nameIsPath`, `badField` for weights that are no numbers and tags of other kinds, `tooMany`.
    static func loras(in prompt: String) throws(GenerationError) -> [NamedLoRA] {
        var found: [NamedLoRA] = []
        for tag in tags(in: prompt) {
            let words = String(prompt.unicodeScalars[tag]).dropFirst().dropLast().split(
                separator: ":", omittingEmptySubsequences: false)
            guard words.count >= 2 else { continue }
            switch words[0].lowercased() {
            case "lora", "lyco": break
            case "hypernet":
                throw .badField(field: "prompt", value: "<hypernet:…>", expected: "LoRAs; hypernetworks are not drawn")
            default: continue
            }
            let name = String(words[1])
            try check(name: name, field: "a LoRA's name in the prompt")
            var weight = 1.0
            if words.count > 2 {
                let text = String(words[2])
                guard text.utf8.count <= 32, let number = Double(text), number.isFinite,
                    text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) })
                else { throw .badField(field: "the weight of <lora:\(name)>", value: text, expected: "a number") }
                weight = number
            }
            try check(weight: weight, of: name)
            found.append(NamedLoRA(name: name, weight: weight))
            guard found.count <= Limits.Generation.loras else {
                throw .tooMany(what: "LoRAs", count: found.count, limit: Limits.Generation.loras)
            }
        }
        // What is left after the tags are taken out must not be a tag: other programs would read it as one.
        let rest = withoutTags(prompt).lowercased()
        if let left = ["<lora:", "<lyco:", "<hypernet:"].first(where: { rest.contains($0) }) {
            throw .badField(
                field: "prompt", value: "\(left)…", expected: "tags that end, none of them within another")
        }
        return found
    }

    /// The prompt without its LoRA tags; everything else stays as it was typed.
    static func withoutTags(_ prompt: String) -> String {
        var text = String.UnicodeScalarView()
        let scalars = prompt.unicodeScalars
        var start = scalars.startIndex
        for tag in tags(in: prompt) {
            let words = String(scalars[tag]).dropFirst().lowercased()
            guard words.hasPrefix("lora:") || words.hasPrefix("lyco:") else { continue }
            text.append(contentsOf: scalars[start..<tag.lowerBound])
            start = tag.upperBound
        }
        text.append(contentsOf: scalars[start...])
        return String(text)
    }

    /// Everything of the form `<word:…>`.
    private static func tags(in prompt: String) -> [Range<String.UnicodeScalarView.Index>] {
        var tags: [Range<String.UnicodeScalarView.Index>] = []
        let scalars = prompt.unicodeScalars
        var open: String.UnicodeScalarView.Index?
        var hasColon = false
        for index in scalars.indices {
            switch scalars[index] {
            case "<": (open, hasColon) = (index, false)
            case ":": hasColon = true
            case ">":
                if let start = open, hasColon { tags.append(start..<scalars.index(after: index)) }
                open = nil
            default: break
            }
        }
        return tags
    }

    /// A name, never a place: `@maker/name` is the one form with a slash.
    static func check(name: String, field: String) throws(GenerationError) {
        guard !name.isEmpty else { throw .badField(field: field, value: "", expected: "a name") }
        guard name.utf8.count <= Limits.Generation.nameBytes else {
            throw .tooLong(field: field, bytes: name.utf8.count, limit: Limits.Generation.nameBytes)
        }
        guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
            throw .badField(field: field, value: "a name with control characters", expected: "a name")
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isReference = name.hasPrefix("@") && parts.count == 2 && !parts.contains("")
        let isURN = name.hasPrefix("urn:") || name.hasPrefix("waggle:")
        guard parts.count == 1 || isReference || isURN, !parts.contains("."), !parts.contains(".."),
            !name.contains("\\"), !name.hasPrefix("~"), !name.hasPrefix("/")
        else { throw .nameIsPath(name) }
    }

    static func check(weight: Double, of name: String) throws(GenerationError) {
        let range = Limits.Generation.loraWeight
        guard weight.isFinite, range.contains(weight) else {
            throw .badField(
                field: "the weight of \(name.prefix(80))", value: "\(weight)",
                expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
    }
}
