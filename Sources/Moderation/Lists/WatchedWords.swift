/// Words that lists watch, looked for in what people write: as whole words, without case, whatever stands between them.
///
/// A value. Letters that look alike, and marks put between letters, are an old way around such lists: accents and full-width
/// forms are folded, and everything that is neither letter nor digit counts as one blank.
public struct WatchedWords: Sendable {
    /// The gravest first.
    private let phrases: [(words: String, effect: ListEffect)]

    public init(_ effects: ListEffects) {
        phrases = effects.phrases.map { (" \(Self.folded($0.phrase)) ", $0.effect) }.filter { $0.0 != "  " }
            .sorted { ($1.effect.action, $0.words) < ($0.effect.action, $1.words) }
    }

    /// The gravest phrase that a text has in it; nil for none.
    public func found(in text: String) -> ListEffect? {
        guard !phrases.isEmpty else { return nil }
        let text = " \(Self.folded(text)) "
        return phrases.first { text.contains($0.words) }?.effect
    }

    /// Lower-case letters and digits of the compatibility decomposition, without marks, with single blanks between words.
    static func folded(_ text: String) -> String {
        var folded = ""
        var isBlank = true
        for scalar in text.lowercased().unicodeScalars {
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .spacingMark, .format: continue
            default: break
            }
            for base in Self.base(scalar) {
                if base.properties.isAlphabetic || base.properties.numericType != nil {
                    folded.unicodeScalars.append(base)
                    isBlank = false
                } else if !isBlank {
                    folded.append(" ")
                    isBlank = true
                }
            }
        }
        if folded.last == " " { folded.removeLast() }
        return folded
    }

    /// A letter without its marks: the first scalar of what it decomposes to, full-width forms as plain ones.
    private static func base(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if (0xff01...0xff5e).contains(scalar.value), let plain = Unicode.Scalar(scalar.value - 0xfee0) {
            return Array(String(plain).lowercased().unicodeScalars)
        }
        guard scalar.value >= 0x80 else { return [scalar] }
        return [Self.decomposed[scalar] ?? scalar]
    }

    /// Latin letters with marks, by the letter below them.
    private static let decomposed: [Unicode.Scalar: Unicode.Scalar] = {
        let rows: [(Unicode.Scalar, String)] = [
            ("a", "àáâãäåāăąǎ"), ("c", "çćĉċč"), ("d", "ďđ"), ("e", "èéêëēĕėęě"), ("g", "ĝğġģ"), ("h", "ĥħ"),
            ("i", "ìíîïĩīĭįı"), ("j", "ĵ"), ("k", "ķ"), ("l", "ĺļľŀł"), ("n", "ñńņňŉ"), ("o", "òóôõöøōŏő"),
            ("r", "ŕŗř"), ("s", "śŝşš"), ("t", "ţťŧ"), ("u", "ùúûüũūŭůűų"), ("w", "ŵ"), ("y", "ýÿŷ"), ("z", "źżž"),
        ]
        var table: [Unicode.Scalar: Unicode.Scalar] = [:]
        for (plain, marked) in rows { for scalar in marked.unicodeScalars { table[scalar] = plain } }
        return table
    }()
}
