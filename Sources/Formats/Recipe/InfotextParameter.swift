import WaggleProtocol

/// One `key: value` of an infotext's parameter line, unquoted.
public struct InfotextParameter: Hashable, Sendable {
    public let key: String
    public let value: String

    /// Nil for a key that the grammar cannot carry: it takes at least two letters, digits, `_`, spaces, `-` or `/`,
    /// the first a letter, digit or `_`, no space at the end, and here at most 128 bytes.
    public init?(_ key: String, _ value: String) {
        guard key.utf8.count <= Limits.PictureText.keyBytes else { return nil }
        let scalars = Array(key.unicodeScalars)
        guard scalars.count >= 2, InfotextLine.isWord(scalars[0]), scalars.allSatisfy(InfotextLine.isKey),
            scalars.last != " "
        else { return nil }
        self.key = key
        self.value = value
    }
}
