public import Digests

/// The text form of author ids: `w1` and lower-case base 32 of the 32 bytes.
public enum AuthorID {
    public static func text(_ author: Hash32) -> String {
        "w1" + Base32.encode(author.bytes)
    }

    /// Nil for anything but a whole author id, in lower case: an author has one name.
    public static func parse(_ text: some StringProtocol) -> Hash32? {
        guard text.utf8.count == 54, text.hasPrefix("w1"), !text.utf8.contains(where: { (0x41...0x5a).contains($0) }),
            let bytes = Base32.decode(text.dropFirst(2))
        else { return nil }
        return Hash32(bytes)
    }

    /// The first ten characters, for people's eyes.
    public static func short(_ author: Hash32) -> String {
        String(text(author).prefix(10))
    }
}
