/// The container of a model file, recognised by its bytes and never by its name.
public enum ModelFormat: Hashable, Sendable {
    case safetensors
    case gguf
    /// A ZIP archive with a pickle inside, as `torch.save` writes it.
    case torchArchive
    /// A bare pickle (old `.ckpt`, `.pt`, `.bin`).
    case pickle
    /// Any other ZIP archive.
    case zip
    case other

    /// Recognises a file.
    ///
    /// Only `safetensors` and `gguf` are promises that no code is inside; `other` is none (a pickle of protocol 0 has
    /// no mark of its own).
    /// - Parameters:
    ///   - prefix: the first bytes of the file; 4 KiB are plenty.
    ///   - suffix: the last bytes, where a ZIP archive keeps its list of names; may be empty.
    public static func sniff(prefix: [UInt8], suffix: [UInt8] = [], fileSize: UInt64) -> ModelFormat {
        if prefix.starts(with: Array("GGUF".utf8)) { return .gguf }
        if prefix.starts(with: [0x50, 0x4b, 0x03, 0x04]) || prefix.starts(with: [0x50, 0x4b, 0x05, 0x06]) {
            let name = Array("data.pkl".utf8)
            let isTorch = prefix.contains(sequence: name) || suffix.contains(sequence: name)
            return isTorch ? .torchArchive : .zip
        }
        // PROTO opcode and a protocol number, then (protocol 2) any opcode or (4 and 5) a frame.
        if prefix.count >= 3, prefix[0] == 0x80, (2...5).contains(prefix[1]) { return .pickle }
        if prefix.count >= 9, prefix[8] == UInt8(ascii: "{"),
            (try? SafetensorsHeader.length(first8: prefix.prefix(8), fileSize: fileSize)) != nil
        {
            return .safetensors
        }
        return .other
    }

    /// Civitai's word for the format.
    public var word: String {
        switch self {
        case .safetensors: "SafeTensor"
        case .gguf: "GGUF"
        case .torchArchive, .pickle: "PickleTensor"
        case .zip, .other: "Other"
        }
    }
}

extension [UInt8] {
    /// Whether `needle` occurs. Linear for the short needles it is used with.
    func contains(sequence needle: [UInt8]) -> Bool {
        guard let first = needle.first, count >= needle.count else { return needle.isEmpty }
        for start in 0...(count - needle.count) where self[start] == first {
            if self[start..<start + needle.count].elementsEqual(needle) { return true }
        }
        return false
    }
}
