import Catalog
import Moderation
import WaggleProtocol

/// How values read on pages.
enum Wording {
    /// `6.4 GB`, `642.7 KB`, `3200 bytes`
    static func size(_ bytes: UInt64) -> String {
        for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "KB")] as [(UInt64, String)]
        where bytes >= 10 * unit || (bytes >= unit && unit > 1000) {
            let tenths = (bytes / (unit / 10))
            return "\(tenths / 10).\(tenths % 10) \(name)"
        }
        return "\(bytes) bytes"
    }

    /// A number without a needless fraction.
    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    /// Text of an author as paragraphs; pages show it as text, whatever markup it has.
    static func paragraphs(_ text: String) -> [String] {
        var paragraphs: [String] = []
        var lines: [Substring] = []
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            if !line.trimmed.isEmpty {
                lines.append(line)
            } else if !lines.isEmpty {
                paragraphs.append(lines.joined(separator: "\n"))
                lines = []
            }
        }
        if !lines.isEmpty { paragraphs.append(lines.joined(separator: "\n")) }
        return paragraphs
    }

    /// The first words of a text, cut at a word.
    static func beginning(_ text: String, characters: Int) -> String {
        let plain = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard plain.count > characters else { return plain }
        let cut = plain.prefix(characters)
        let end = cut.lastIndex(of: " ") ?? cut.endIndex
        return cut[..<end] + "…"
    }

    /// What a picture shows for those who do not see it: the author's words, else the prompt.
    static func alternative(_ image: ImageView) -> String {
        for text in [image.image.alt, withoutTags(image.image.recipe.prompt), image.title] where !text.trimmed.isEmpty {
            return beginning(text, characters: 160)
        }
        return "Picture by \(image.author.name)"
    }

    /// A heading for a picture, which has no name of its own.
    static func heading(_ image: ImageView) -> String {
        for text in [image.title, withoutTags(image.image.recipe.prompt), image.image.alt]
        where !text.trimmed.isEmpty {
            return beginning(text, characters: 90)
        }
        return "Untitled"
    }

    /// A prompt without its `<lora:name:1>` tags, which say nothing of the picture.
    private static func withoutTags(_ prompt: String) -> String {
        prompt.replacing(/<[a-z]+:[^<>]*>/, with: " ")
    }

    /// What the licence allows, in words: text and whether it is allowed.
    static func permissions(_ licence: WireLicence) -> [(text: String, isAllowed: Bool)] {
        let commercial = Set(licence.commercialUse.map { $0.lowercased() })
        return [
            ("Use without credit", licence.noCredit),
            ("Sell images made with it", commercial.contains("image") || commercial.contains("sell")),
            ("Run it in a paid service", !commercial.isDisjoint(with: ["rent", "rentcivit", "sell"])),
            ("Sell the model or merges of it", commercial.contains("sell")),
            ("Share merges", licence.derivatives),
            ("Put merges under other terms", licence.differentLicence),
        ]
    }

    static func realPerson(_ statement: WireRealPerson) -> String? {
        switch statement {
        case .yes: "Depicts a real person, says the author"
        case .no: "Depicts no real person, says the author"
        default: nil
        }
    }
}
