/// Takes characters out of text that make it read as something else: control characters, the bidirectional controls that
/// turn "gpj.exe" around, and invisible ones with which two different names look the same.
enum DisplayText {
    /// Joiners stay where scripts and emoji need them: between characters that are not ASCII.
    static func clean(_ text: String) -> String {
        guard text.utf8.contains(where: mayBegin) else { return text }
        var kept = String.UnicodeScalarView()
        kept.reserveCapacity(text.utf8.count)
        var joiner: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar.value == 0x200C || scalar.value == 0x200D {
                joiner = kept.last.map { $0.isASCII } == false ? scalar : nil
                continue
            }
            if isHarmful(scalar) { continue }
            if let held = joiner, !scalar.isASCII { kept.append(held) }
            joiner = nil
            kept.append(scalar)
        }
        return String(kept)
    }

    /// Whether a byte of UTF-8 may be the first of a character that is taken out.
    private static func mayBegin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F, 0xC2, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF, 0xF3: true
        default: false
        }
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        // Controls, soft hyphen, Arabic letter mark, fillers, Mongolian vowel separator.
        case 0..<0x20, 0x7F...0x9F, 0xAD, 0x61C, 0x115F, 0x1160, 0x180E, 0x3164: true
        // Zero-width space, direction marks, line separators, embeddings and overrides, invisible operators, isolates.
        case 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F: true
        // Byte order mark, annotations, half-width filler, tags.
        case 0xFEFF, 0xFFA0, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }
}
