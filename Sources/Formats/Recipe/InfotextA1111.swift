import WaggleProtocol

/// The text that AUTOMATIC1111, its relatives and Civitai put into pictures:
///
///     prompt
///     Negative prompt: negative prompt
///     Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, …
///
/// Prompts may have several lines. Any text reads as one of these: what has no parameter line is a prompt. Lines of
/// prompts lose white space at their ends and empty lines at their start go, as in A1111's own reader.
public struct InfotextA1111: Hashable, Sendable {
    public var prompt: String
    public var negativePrompt: String
    /// In order, values unquoted, without those that are JSON.
    public var parameters: [InfotextParameter]
    /// `Hashes`: `model`, `vae`, `lora:NAME`, `embed:NAME` to hexadecimal digits.
    public var hashes: [String: String]
    public var civitaiResources: [CivitaiResource]
    /// `Civitai metadata` and stable-diffusion.cpp's `SDCPP`, unread.
    public var civitaiMetadata: JSONValue?
    public var engineMetadata: JSONValue?

    public init(
        prompt: String, negativePrompt: String = "", parameters: [InfotextParameter] = [],
        hashes: [String: String] = [:], civitaiResources: [CivitaiResource] = []
    ) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.parameters = parameters
        self.hashes = hashes
        self.civitaiResources = civitaiResources
    }

    /// The value of the last parameter named `key`.
    public subscript(key: String) -> String? {
        parameters.last { $0.key == key }?.value
    }

    /// A parameter of the form `WIDTHxHEIGHT`.
    public func size(_ key: String) -> (width: Int, height: Int)? {
        guard let value = self[key], value.utf8.count <= 32, case let parts = value.split(separator: "x"),
            parts.count == 2, let width = Int(parts[0]), let height = Int(parts[1]), width > 0, height > 0
        else { return nil }
        return (width, height)
    }
}

// MARK: - Reading

extension InfotextA1111 {
    /// Reads a text. Nil only for one longer than `Limits.PictureText.infotextBytes`.
    public init?(_ text: String) {
        guard text.utf8.count <= Limits.PictureText.infotextBytes else { return nil }
        var lines = text.trimmed.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0).trimmed
        }
        Self.dropTemplates(&lines)
        self.init(prompt: "")
        if let index = Self.parameterLine(of: lines) {
            readParameters(lines[index])
            lines.removeSubrange(index...)
        }
        var isNegative = false
        for line in lines {
            var line = line
            if let rest = line.removing(prefix: Self.negativeLabel) {
                isNegative = true
                line = rest.trimmed
            }
            if isNegative {
                negativePrompt += (negativePrompt.isEmpty ? "" : "\n") + line
            } else {
                prompt += (prompt.isEmpty ? "" : "\n") + line
            }
        }
    }

    private static let negativeLabel = "Negative prompt:"
    private static let stepsLabel = "Steps: "
    private static let templateLabels = ["Template:", "Negative Template:"]

    /// The last line, if it has three pairs; else a line that starts with `Steps: ` and has two, because some writers
    /// add lines after it.
    private static func parameterLine(of lines: [String]) -> Int? {
        guard let last = lines.last else { return nil }
        if InfotextLine(last).pairs >= 3 { return lines.count - 1 }
        return lines.lastIndex { $0.removing(prefix: stepsLabel) != nil && InfotextLine($0).pairs >= 2 }
    }

    /// Removes `Template:` and `Negative Template:` blocks, which repeat the prompts before wildcards were filled in. A
    /// block goes up to the next negative prompt or line of `Steps: `; weights such as `(word:1.2)` look like pairs, so
    /// their number says nothing here.
    private static func dropTemplates(_ lines: inout [String]) {
        var isTemplate = false
        lines.removeAll { line in
            if templateLabels.contains(where: { line.removing(prefix: $0) != nil }) {
                isTemplate = true
            } else if isTemplate {
                isTemplate = line.removing(prefix: negativeLabel) == nil && line.removing(prefix: stepsLabel) == nil
            }
            return isTemplate
        }
    }

    private mutating func readParameters(_ text: String) {
        let line = InfotextLine(text)
        var json = line.json
        // Some writers quote the JSON like any other value.
        parameters = line.parameters.filter { parameter in
            guard InfotextLine.jsonKeys.contains(parameter.key), json[parameter.key] == nil,
                let value = try? JSONValue(
                    python: Array(parameter.value.utf8), maximumBytes: Limits.PictureText.infotextBytes,
                    depth: Limits.PictureText.jsonDepth, values: Limits.PictureText.jsonValues),
                value.object != nil || value.array != nil
            else { return true }
            json[parameter.key] = value
            return false
        }
        for member in json["Hashes"]?.object ?? [] {
            guard let hash = member.value.string, member.key.utf8.count <= Limits.PictureText.nameBytes else {
                continue
            }
            hashes[member.key] = hash
        }
        civitaiResources = (json["Civitai resources"]?.array ?? [])
            .prefix(Limits.PictureText.resources).map(CivitaiResource.init)
        civitaiMetadata = json["Civitai metadata"]
        engineMetadata = json["SDCPP"]
    }
}

// MARK: - Writing

extension InfotextA1111 {
    /// The text, which A1111, Civitai and this reader take back.
    ///
    /// A parameter line needs three pairs to be recognised, and must not start like a template; one that is too short
    /// or does gets values that readers assume anyway. Lines of a prompt that a reader would take for something else
    /// (`Negative prompt:`, `Steps: `, `Template:`) get a small first letter.
    public var text: String {
        var lines = Self.harmless(prompt)
        let negative = Self.harmless(negativePrompt)
        if let first = negative.first {
            lines.append(Self.negativeLabel + " " + first)
            lines.append(contentsOf: negative.dropFirst())
        }
        var parts = parameters.map {
            $0.key.sameUTF8(as: $0.value) ? $0.key : "\($0.key): \(InfotextLine.quoted($0.value))"
        }
        if !hashes.isEmpty {
            let sorted = hashes.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            parts.append("Hashes: " + JSONValue.object(sorted.map { JSONMember($0.key, .string($0.value)) }).text)
        }
        if !civitaiResources.isEmpty {
            parts.append("Civitai resources: " + JSONValue.array(civitaiResources.map(\.json)).text)
        }
        if let civitaiMetadata { parts.append("Civitai metadata: " + civitaiMetadata.text) }
        if let engineMetadata { parts.append("SDCPP: " + engineMetadata.text) }
        // A prompt alone needs no parameter line, unless its last line would be taken for one.
        if !parts.isEmpty || InfotextLine(lines.last ?? "").pairs >= 3 {
            let neutral = ["Clip skip: 1", "RNG: GPU", "Schedule type: Automatic"].filter { pair in
                !parameters.contains { pair.utf8HasPrefix($0.key + ":") }
            }
            let pairs = InfotextLine(parts.joined(separator: ", ")).pairs
            let padding = neutral.prefix(max(0, 3 - pairs))
            if Self.templateLabels.contains(where: { parts.first?.utf8HasPrefix($0) ?? false }) {
                parts = (padding.isEmpty ? neutral.prefix(1) : padding) + parts
            } else {
                parts += padding
            }
            lines.append(parts.joined(separator: ", "))
        }
        return lines.joined(separator: "\n")
    }

    /// The lines of a prompt as a reader gives them back; none for an empty one.
    private static func harmless(_ prompt: String) -> [String] {
        let prompt = prompt.trimmed
        guard !prompt.isEmpty else { return [] }
        let labels = [negativeLabel, stepsLabel] + templateLabels
        return prompt.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let line = String(line).trimmed
            guard labels.contains(where: { line.removing(prefix: $0) != nil }) else { return line }
            return line.prefix(1).lowercased() + line.dropFirst()
        }
    }
}
