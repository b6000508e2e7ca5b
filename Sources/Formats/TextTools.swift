// Texts of strangers are compared byte by byte here, never with `==`, `hasPrefix`, `Set<String>` or as keys of a
// dictionary, unless they are short. Swift compares Unicode meaning, and a run of n combining marks costs n² steps to
// put in order: one name of a megabyte would keep a processor busy for minutes.

/// A text as a key that is compared by its bytes.
struct UTF8Key: Hashable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (left: UTF8Key, right: UTF8Key) -> Bool {
        left.text.sameUTF8(as: right.text)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Whether the UTF-8 bytes of `needle` occur in this text.
    ///
    /// Compares bytes: tensor names and metadata come by the hundred thousand, and Unicode equivalence is not meant.
    func utf8Contains(_ needle: String) -> Bool {
        var text = self
        var needle = needle
        return text.withUTF8 { text in
            needle.withUTF8 { needle in
                guard let first = needle.first, needle.count <= text.count else { return needle.isEmpty }
                for start in 0...(text.count - needle.count) where text[start] == first {
                    if text[start..<start + needle.count].elementsEqual(needle) { return true }
                }
                return false
            }
        }
    }

    /// What follows `prefix`, nil when the text starts otherwise. By bytes: to other programs an accent on the last
    /// letter of a label does not make it another label.
    func removing(prefix: String) -> Substring? {
        guard utf8HasPrefix(prefix) else { return nil }
        return self[utf8.index(startIndex, offsetBy: prefix.utf8.count)...]
    }

    /// The text cut to at most `limit` bytes of UTF-8 at a character boundary; at a scalar boundary when the first
    /// character alone is longer.
    func cut(toUTF8 limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(startIndex, offsetBy: limit)
        while end > startIndex, utf8[end] & 0xc0 == 0x80 { end = utf8.index(before: end) }
        let head = String(self[..<end])
        // Only the kept part is split into characters: a hostile one may be as long as the whole text.
        var longer = head
        longer.unicodeScalars.append(unicodeScalars[end])
        let isBoundary = longer.count > head.count
        return isBoundary || head.count < 2 ? head : String(head.dropLast())
    }
}

extension StringProtocol {
    /// Whether both texts have the same bytes.
    func sameUTF8(as other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// Whether the text's bytes begin with those of `prefix`.
    func utf8HasPrefix(_ prefix: String) -> Bool {
        utf8.starts(with: prefix.utf8)
    }

    /// Whether the text's bytes end with those of `suffix`.
    func utf8HasSuffix(_ suffix: String) -> Bool {
        utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// The text without white space at either end (any that Unicode calls white space).
    var trimmed: String {
        var scalars = String(self).unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        return String(scalars)
    }
}
