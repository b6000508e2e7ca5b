import WaggleProtocol

/// The texts in an EXIF block (TIFF 6.0, EXIF 2.32), where JPEG and WebP files keep what PNG files have in text chunks.
struct EXIF {
    private(set) var texts: [PictureText] = []
    /// How the picture is turned: 1 is upright, 2 to 8 are the other ways. Nil when it is not said.
    private(set) var orientation: Int?
    /// Tags whose text was read: the first counts, as fields may lie on top of each other.
    private var seen: Set<Int> = []

    private static let userComment = 0x9286
    private static let exifDirectory = 0x8769
    private static let orientationTag = 0x0112
    /// `ImageDescription`, `Make`, `Model`, `Software`: ComfyUI writes `keyword:text` into any of them.
    private static let plainTags: Set<Int> = [0x010e, 0x010f, 0x0110, 0x0131]
    private static let keywords = ["parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "waggle"]

    /// Reads the block, with or without the `Exif` label that JPEG puts before it.
    init(_ block: ArraySlice<UInt8>) {
        var block = block
        if BoundedBytes(block).has("Exif\0\0", at: 0) { block = block.dropFirst(6) }
        let isBig = block.starts(with: [0x4d, 0x4d, 0, 42])
        guard isBig || block.starts(with: [0x49, 0x49, 42, 0]) else { return }
        let reader = BoundedBytes(block, isBigEndian: isBig)
        guard let first = reader.number(4, 4) else { return }
        // The main directory and the one that it names, so that links in a circle lead nowhere.
        if let second = readDirectory(reader, at: first) { _ = readDirectory(reader, at: second) }
    }

    /// - Returns: the place of the EXIF directory when this one names it.
    private mutating func readDirectory(_ reader: BoundedBytes, at offset: Int) -> Int? {
        guard let count = reader.number(offset, 2) else { return nil }
        var exifDirectory: Int?
        for index in 0..<min(count, Limits.PictureText.exifFields) {
            let entry = offset + 2 + index * 12
            guard let tag = reader.number(entry, 2), let type = reader.number(entry + 2, 2),
                let length = reader.number(entry + 4, 4)
            else { break }
            switch tag {
            case Self.exifDirectory: exifDirectory = reader.number(entry + 8, 4)
            case Self.orientationTag:
                if type == 3, let value = reader.number(entry + 8, 2), (1...8).contains(value) { orientation = value }
            case _ where tag == Self.userComment || Self.plainTags.contains(tag):
                // ASCII, or bytes of no kind.
                guard seen.insert(tag).inserted, type == 2 || type == 7 || type == 1,
                    length <= Limits.PictureText.bytes,
                    let place = length <= 4 ? entry + 8 : reader.number(entry + 8, 4),
                    let value = reader.slice(place, length)
                else { continue }
                if tag == Self.userComment {
                    add(comment: value, reader.isBigEndian)
                } else {
                    add(plain: value)
                }
            default: continue
            }
        }
        return exifDirectory
    }

    /// Eight bytes name the encoding. Writers disagree about the order of bytes in UTF-16, so the one that reads as text
    /// is taken.
    private mutating func add(comment: ArraySlice<UInt8>, _ isBigEndian: Bool) {
        let label = comment.prefix(8)
        let body = comment.dropFirst(8)
        let text: String?
        if label.starts(with: "UNICODE".utf8) {
            text = Self.utf16(body)
        } else if label.starts(with: "ASCII".utf8) || label.allSatisfy({ $0 == 0 }) {
            text = String(validating: body, as: UTF8.self) ?? Latin1.decode(body)
        } else {
            text = String(validating: comment, as: UTF8.self)
        }
        guard let text = text.map(Self.withoutPadding), !text.isEmpty else { return }
        add(keyed: text, else: "parameters")
    }

    private mutating func add(plain value: ArraySlice<UInt8>) {
        let text = Self.withoutPadding(String(validating: value, as: UTF8.self) ?? Latin1.decode(value))
        add(keyed: text, else: nil)
    }

    private mutating func add(keyed text: String, else fallback: String?) {
        for keyword in Self.keywords where text.utf8HasPrefix(keyword + ":") {
            let rest = String(decoding: text.utf8.dropFirst(keyword.utf8.count + 1), as: UTF8.self)
            texts.append(PictureText(keyword, rest))
            return
        }
        if let fallback { texts.append(PictureText(fallback, text)) }
    }

    private static func withoutPadding(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        while scalars.last == "\0" { scalars.removeLast() }
        return String(scalars)
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>) -> String? {
        var bytes = bytes
        var isLittle: Bool?
        if bytes.starts(with: [0xff, 0xfe]) { (isLittle, bytes) = (true, bytes.dropFirst(2)) }
        if bytes.starts(with: [0xfe, 0xff]) { (isLittle, bytes) = (false, bytes.dropFirst(2)) }
        let pairs = bytes.count / 2
        guard pairs > 0 else { return nil }
        let start = bytes.startIndex
        if isLittle == nil {
            // Prompts are mostly letters below U+0100, whose zero byte tells the order.
            let sample = min(pairs, 256)
            let highFirst = (0..<sample).count { bytes[start + $0 * 2] == 0 }
            let lowFirst = (0..<sample).count { bytes[start + $0 * 2 + 1] == 0 }
            isLittle = lowFirst > highFirst
        }
        let little = isLittle ?? false
        let units = (0..<pairs).map { index -> UInt16 in
            let (first, second) = (UInt16(bytes[start + index * 2]), UInt16(bytes[start + index * 2 + 1]))
            return little ? second << 8 | first : first << 8 | second
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// A block that says how the picture is turned and nothing else.
    static func turned(_ orientation: Int) -> [UInt8] {
        [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, UInt8(orientation), 0, 0, 0, 0, 0, 0]
    }
}
