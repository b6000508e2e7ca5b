import WaggleProtocol

/// Fields of JSON that programs write now as a number and now as a text.
extension JSONValue {
    /// A whole number, also one that is written as a text.
    var wholeNumber: UInt64? {
        uint64 ?? string.flatMap { $0.utf8.count <= 20 ? UInt64($0) : nil }
    }

    /// A finite number, also one that is written as a text.
    var looseDouble: Double? {
        double ?? string.flatMap { FieldNumber.double($0) }
    }

    /// A text of the length of a name that is not empty.
    var shortText: String? {
        string.flatMap { $0.isEmpty || $0.utf8.count > Limits.PictureText.nameBytes ? nil : $0 }
    }

    /// A list, also one that is written as a text with commas.
    var list: [JSONValue]? {
        array
            ?? string.map { text in
                text.cut(toUTF8: Limits.PictureText.infotextBytes).unicodeScalars.split(separator: ",")
                    .prefix(Limits.PictureText.resources).map { .string(String($0).trimmed) }
            }
    }
}

extension String {
    /// In lower case, if it is hexadecimal digits and nothing else.
    var hexadecimalOnly: String? {
        let text = lowercased()
        return text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) } ? text : nil
    }
}
