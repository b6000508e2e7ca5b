/// Takes characters out of text that make it read as something else: control characters, the bidirectional controls that
/// turn "gpj.exe" around, and invisible ones with which two different names look the same.
enum DisplayText {
    /// Joiners stay where scripts and emoji need them: between characters that are not ASCII.
    static func clean(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.contains(where: mayBegin) else { return nil }
            return String(decoding: clean(bytes), as: UTF8.self)
        } ?? text
    }

    /// Works on bytes, because whole pages come here: what cannot begin anything harmful is copied as it is.
    private static func clean(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        /// A joiner that stays if a character follows that is not ASCII.
        var joiner: Range<Int>?
        func keep(_ range: Range<Int>) {
            if let joiner, bytes[range.lowerBound] >= 0x80 { kept.append(contentsOf: bytes[joiner]) }
            joiner = nil
            kept.append(contentsOf: bytes[range])
        }
        var next = 0
        while next < bytes.count {
            let start = next
            guard mayBegin(bytes[start]) else {
                next = bytes[start...].firstIndex(where: mayBegin) ?? bytes.count
                keep(start..<next)
                continue
            }
            let scalar = scalar(in: bytes, at: start)
            next = start + UTF8.width(scalar)
            if scalar.value == 0x200C || scalar.value == 0x200D {
                joiner = kept.last.map { $0 >= 0x80 } == true ? start..<next : nil
            } else if !isHarmful(scalar) {
                keep(start..<next)
            }
        }
        return kept
    }

    /// The character whose first byte this is, in UTF-8 that is known to be sound.
    private static func scalar(in bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Unicode.Scalar {
        let first = bytes[start]
        let count = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard count > 1 else { return Unicode.Scalar(first) }
        var value = UInt32(first) & (0x7F >> UInt32(count))
        for byte in bytes[start + 1..<start + count] { value = value << 6 | UInt32(byte & 0x3F) }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
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
