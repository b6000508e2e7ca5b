import Catalog
import FoundationEssentials
import Moderation
import Operations
import WaggleProtocol

/// How values read on pages.
enum Wording {
    /// `6.94 GB`, `643 kB`, `320 B`: the words of the command line.
    static func size(_ bytes: UInt64) -> String { ByteSize.text(bytes) }

    /// A number without a needless fraction.
    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    /// `1,234,567`
    static func count(_ value: Int) -> String {
        var groups = [Substring]()
        var digits = String(value.magnitude)[...]
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = digits.dropLast(3)
        }
        return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// `1 image`, `1,234 images`
    static func count(_ value: Int, _ one: String, _ many: String) -> String {
        "\(count(value)) \(value == 1 ? one : many)"
    }

    /// Text of an author as paragraphs, whatever markup it has.
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

    /// The same as HTML; nil for no text.
    static func paragraphsHTML(_ text: String) -> String? {
        let paragraphs = paragraphs(text)
        return paragraphs.isEmpty ? nil : paragraphs.map { "<p>\(HTMLText.escape($0))</p>" }.joined()
    }

    /// The first words of a text, cut at a word.
    static func beginning(_ text: String, characters: Int) -> String {
        // No further than what is shown: a prompt may be a book.
        var (plain, length, rest) = ("", 0, text[...])
        while length <= characters, let start = rest.firstIndex(where: { !$0.isWhitespace }) {
            let end = rest[start...].firstIndex(where: \.isWhitespace) ?? rest.endIndex
            plain += (plain.isEmpty ? "" : " ") + rest[start..<end]
            length += (length == 0 ? 0 : 1) + rest[start..<end].count
            rest = rest[end...]
        }
        guard length > characters else { return plain }
        let cut = plain.prefix(characters)
        let end = cut.lastIndex(of: " ") ?? cut.endIndex
        return cut[..<end] + "…"
    }

    // MARK: Pictures

    /// What a picture shows for those who do not see it: the author's words, else the prompt.
    static func alternative(_ image: some Pictured) -> String {
        for text in [image.image.alt, withoutTags(image.image.recipe.prompt), image.title] where isShown(text) {
            return beginning(text, characters: 160)
        }
        return say("image-by", "\(image.author.name)")
    }

    /// A heading for a picture, which has no name of its own: its post's title, what was asked for, the model that made it.
    static func heading(_ image: ImageView) -> String {
        for text in [image.title, withoutTags(image.image.recipe.prompt), image.image.alt] where isShown(text) {
            return beginning(text, characters: 90)
        }
        return image.releases.first.map { "\(relation(image)) \($0.modelName)" }
            ?? say("image-by", "\(image.author.name)")
    }

    /// A line below a picture among others: the model that made it rather than the prompt.
    static func caption(_ image: ImageView) -> String {
        guard !isShown(image.title), let model = image.releases.first else { return heading(image) }
        return "\(relation(image)) \(model.modelName)"
    }

    /// Only a recipe says that the model made it; without one the author shows it with the model.
    static func relation(_ image: ImageView) -> String {
        image.image.hasRecipe ? say("made-with") : say("shown-with")
    }

    private static func isShown(_ text: String) -> Bool {
        !DisplayText.clean(text).trimmed.isEmpty
    }

    /// A prompt without its `<lora:name:1>` tags, which say nothing of the picture.
    private static func withoutTags(_ prompt: String) -> String {
        guard prompt.utf8.contains(UInt8(ascii: "<")) else { return prompt }
        let parts = prompt.split(separator: "<", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(into: String(parts[0])) { text, part in
            if let end = part.firstIndex(of: ">"), let colon = part.firstIndex(of: ":"),
                part.startIndex < colon, colon < end, part[..<colon].utf8.allSatisfy({ (0x61...0x7A).contains($0) })
            {
                text += " " + part[part.index(after: end)...]
            } else {
                text += "<" + part
            }
        }
    }

    /// Where a creator is at home, when that is another node: the host.
    static func origin(_ creator: CreatorView) -> String? {
        creator.isFromHere || creator.home.isEmpty ? nil : host(creator.home)
    }

    static func host(_ address: String) -> String {
        let rest = address.firstRange(of: "://").map { address[$0.upperBound...] } ?? address[...]
        return beginning(String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }), characters: 80)
    }

    // MARK: Models

    /// What the licence allows, in words: text and whether it is allowed.
    static func permissions(_ licence: WireLicence) -> [(text: String, isAllowed: Bool)] {
        let commercial = Set(licence.commercialUse.map { $0.lowercased() })
        return [
            (say("use-without-credit"), licence.noCredit),
            (say("sell-images-made-with-it"), commercial.contains("image") || commercial.contains("sell")),
            (say("run-it-in-a-paid-service"), !commercial.isDisjoint(with: ["rent", "rentcivit", "sell"])),
            (say("sell-the-model-or-merges-of"), commercial.contains("sell")),
            (say("share-merges"), licence.derivatives),
            (say("put-merges-under-other-terms"), licence.differentLicence),
        ]
    }

    static func realPerson(_ statement: WireRealPerson) -> String? {
        switch statement {
        case .yes: say("depicts-a-real-person-says-the")
        case .no: say("depicts-no-real-person-says-the")
        default: nil
        }
    }

    /// What a file's format means for those who load it.
    static func format(_ name: String) -> String? {
        switch name.lowercased() {
        case "": nil
        case "safetensor", "safetensors": say("format-safetensors-which-holds-numbers-and")
        case _ where isPickle(name): say("format-pickle-which-can-run-programs")
        default: say("format-2", "\(name)")
        }
    }

    static func isPickle(_ format: String) -> Bool {
        ["pickletensor", "pickle", "ckpt"].contains(format.lowercased())
    }

    /// What is known of a resource that an image names.
    static func match(_ state: MatchState) -> String {
        switch state {
        case .verified: say("verified-the-signed-recipe-names-exactly")
        case .matched: say("matched-a-short-hash-fits-exactly")
        case .claimed: say("claimed-no-file-with-this-hash")
        case .unknown: say("unknown-only-a-name-is-given")
        }
    }

    /// How a post refers to another one.
    static func role(_ role: String) -> String {
        switch role {
        case "base": say("base")
        case "merge-of": say("merged-from")
        case "trained-from": say("trained-from")
        case "remix-of": say("remix-of")
        case "": say("refers-to")
        default: beginning(role, characters: 40)
        }
    }
}
