import WaggleProtocol

/// Names for files that strangers chose.
public enum FileNames {
    /// A name made from `name` that is safe on every file system and honest to look at.
    ///
    /// Path separators and characters that Windows forbids become `_`; control characters and everything invisible
    /// (direction overrides, zero-width characters, tags) go; leading dots, dashes, tildes and spaces and trailing dots
    /// and spaces go; runs of dots become one; names of Windows devices get a `_` in front; the result has at most 255
    /// bytes of UTF-8, cut at a character boundary before the extension. Never empty: then it is `fallback`, which must
    /// itself be such a name. Doing it twice changes nothing.
    public static func sanitised(_ name: String, fallback: String = "file") -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in bounded(name).lazy.compactMap(replacement) {
            if scalar == ".", scalars.last == "." { continue }
            scalars.append(scalar)
        }
        var result = trimmed(String(scalars))
        if isDevice(result) { result = "_" + result }
        result = shortened(result)
        return result.isEmpty ? fallback : result
    }

    /// The beginning and the end of a name that is far too long: enough for what is kept of either.
    private static func bounded(_ name: String) -> String.UnicodeScalarView {
        guard name.utf8.count > 1 << 14 else { return name.unicodeScalars }
        return String.UnicodeScalarView(name.unicodeScalars.prefix(2048)) + name.unicodeScalars.suffix(64)
    }

    private static func replacement(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar {
        case "/", "\\", ":", "*", "?", "\"", "<", ">", "|": return "_"
        default: break
        }
        if scalar.properties.isWhitespace {
            // Line ends are control characters to the eye; other spaces become the plain one.
            return scalar.value < 0x20 || [0x85, 0x2028, 0x2029].contains(scalar.value) ? nil : " "
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .unassigned, .privateUse: return nil
        // Fillers and variation selectors are letters and marks by category, but show nothing.
        default: return scalar.properties.isDefaultIgnorableCodePoint ? nil : scalar
        }
    }

    private static func trimmed(_ name: String) -> String {
        var scalars = name.unicodeScalars[...]
        while let first = scalars.first, [".", "-", "~", " "].contains(first) { scalars.removeFirst() }
        while let last = scalars.last, [".", " "].contains(last) { scalars.removeLast() }
        return String(scalars)
    }

    /// Windows takes these for devices whatever the extension.
    private static func isDevice(_ name: String) -> Bool {
        // By scalars: a dot with an accent on it is still a dot to Windows.
        let start = String(name.unicodeScalars.prefix { $0 != "." }).trimmed
        guard start.utf8.count <= 8 else { return false }
        let stem = start.uppercased()
        if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].contains(stem) { return true }
        guard stem.count == 4, stem.hasPrefix("COM") || stem.hasPrefix("LPT"), let last = stem.last else {
            return false
        }
        return "0123456789\u{b9}\u{b2}\u{b3}".contains(last)
    }

    private static func shortened(_ name: String) -> String {
        let limit = Limits.Blob.fileNameBytes
        guard name.utf8.count > limit else { return name }
        var stem = name
        var ending = ""
        if let dot = name.unicodeScalars.lastIndex(of: "."), name[dot...].utf8.count <= 32 {
            stem = String(name[..<dot])
            ending = String(name[dot...])
        }
        let cut = trimmed(stem.cut(toUTF8: limit - ending.utf8.count))
        return trimmed(cut + ending)
    }
}
