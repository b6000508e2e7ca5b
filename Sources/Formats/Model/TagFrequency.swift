import WaggleProtocol

/// A word that may be a trigger word, because the training captions use it.
public struct TriggerCandidate: Hashable, Sendable {
    public let word: String
    /// Captions that contain it; 0 for a word that comes from no captions.
    public let count: Int
    /// `count` among all images of the data set, when their number is known; at most 1.
    public let share: Double?
    /// Where it comes from, such as `kohya ss_tag_frequency`.
    public let source: String
}

/// Reads the caption statistics that kohya's trainers leave in the metadata.
enum TagFrequency {
    /// Candidates, the most frequent first: class tokens of the data sets, then tags of the captions.
    static func candidates(_ metadata: [String: String]) -> [TriggerCandidate] {
        var found = classTokens(metadata)
        let known = Set(found.map { UTF8Key($0.word) })
        let images = imageCount(metadata)
        let tags = counts(metadata["ss_tag_frequency"]).sorted {
            $0.value != $1.value ? $0.value > $1.value : $0.key.text.utf8.lexicographicallyPrecedes($1.key.text.utf8)
        }
        for (word, count) in tags.lazy.filter({ !known.contains($0.key) }).prefix(Limits.Draft.triggerCandidates) {
            let share = images.map { min(1, Double(count) / Double($0)) }
            found.append(
                TriggerCandidate(word: word.text, count: count, share: share, source: "kohya ss_tag_frequency"))
        }
        return Array(found.prefix(Limits.Draft.triggerCandidates))
    }

    /// `{folder: {tag: count}}`, summed over the folders.
    private static func counts(_ text: String?) -> [UTF8Key: Int] {
        var sums: [UTF8Key: Int] = [:]
        for folder in json(text)?.object ?? [] {
            for tag in folder.value.object ?? [] {
                let text = tag.key.trimmed
                guard !text.isEmpty, text.utf8.count <= Limits.Text.triggerWordBytes,
                    let count = tag.value.uint64.flatMap({ Int(exactly: $0) })
                else { continue }
                let word = UTF8Key(text)
                let (sum, overflow) = sums[word, default: 0].addingReportingOverflow(count)
                sums[word] = overflow ? .max : sum
            }
        }
        return sums
    }

    /// `[{subsets: [{class_tokens, is_reg}]}]`: what kohya uses as caption where an image has none.
    private static func classTokens(_ metadata: [String: String]) -> [TriggerCandidate] {
        var words: [String] = []
        var known: Set<UTF8Key> = []
        for dataset in json(metadata["ss_datasets"])?.array ?? [] {
            for subset in dataset["subsets"]?.array ?? [] where subset["is_reg"] != .bool(true) {
                guard words.count < Limits.Draft.triggerCandidates else { break }
                guard let word = subset["class_tokens"]?.string?.trimmed, !word.isEmpty,
                    word.utf8.count <= Limits.Text.triggerWordBytes, known.insert(UTF8Key(word)).inserted
                else { continue }
                words.append(word)
            }
        }
        return words.map { TriggerCandidate(word: $0, count: 0, share: nil, source: "kohya ss_datasets") }
    }

    /// `{folder: {n_repeats, img_count}}`, summed; nil when unknown or zero.
    private static func imageCount(_ metadata: [String: String]) -> Int? {
        var sum = 0
        for folder in json(metadata["ss_dataset_dirs"])?.object ?? [] {
            guard let count = folder.value["img_count"]?.uint64.flatMap({ Int(exactly: $0) }) else { continue }
            let (total, overflow) = sum.addingReportingOverflow(count)
            guard !overflow else { return nil }
            sum = total
        }
        return sum > 0 ? sum : nil
    }

    /// JSON inside a metadata value; nil when it is absent, malformed or too large to be worth reading.
    private static func json(_ text: String?) -> JSONValue? {
        guard let text, text.utf8.count <= Limits.Draft.metadataJSONBytes else { return nil }
        return try? JSONValue(
            python: Array(text.utf8), maximumBytes: Limits.Draft.metadataJSONBytes,
            depth: Limits.PictureText.jsonDepth, values: Limits.Draft.metadataJSONValues)
    }
}
