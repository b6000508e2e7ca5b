/// Writing what `EXIF` reads.
extension EXIF {
    /// Fields for texts that are no infotext, with the keyword before the text: those that ComfyUI took for its own.
    private static let fields: [String: Int] = ["waggle": 0x010e, "workflow": 0x010f, "prompt": 0x0110]

    /// A block with these texts: `parameters` as `UserComment` in UTF-16, as A1111 and its kin write it, so that every
    /// script survives. XMP has a place of its own in every format and is left out.
    ///
    /// - Parameter orientation: how the picture is turned; nil for upright.
    /// - Returns: nil when a text has no place in EXIF: an unknown keyword, one that comes twice, or a NUL.
    static func written(_ texts: [PictureText], orientation: Int?) -> [UInt8]? {
        var main: [Field] = []
        var inner = [Field(tag: 0x9000, type: 7, count: 4, value: Array("0232".utf8))]
        for text in texts where text.keyword != PictureText.xmp {
            guard !text.text.utf8.contains(0) else { return nil }
            if text.keyword == "parameters" {
                let value = Array("UNICODE\0".utf8) + text.text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
                inner.append(Field(tag: 0x9286, type: 7, count: value.count, value: value))
            } else if let tag = fields[text.keyword] {
                let value = Array("\(text.keyword):\(text.text)\0".utf8)
                main.append(Field(tag: tag, type: 2, count: value.count, value: value))
            } else {
                return nil
            }
        }
        if let orientation {
            main.append(Field(tag: 0x0112, type: 3, count: 1, value: [0, UInt8(orientation), 0, 0]))
        }
        guard Set(main.map(\.tag)).count == main.count, Set(inner.map(\.tag)).count == inner.count else { return nil }
        let header: [UInt8] = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8]
        // How long the main directory is does not depend on where the other one begins.
        let pointer = Field(tag: 0x8769, type: 4, count: 1, value: [0, 0, 0, 0])
        let place = header.count + directory(main + [pointer], at: header.count).count
        main.append(Field(tag: 0x8769, type: 4, count: 1, value: big(place, 4)))
        return header + directory(main, at: header.count) + directory(inner, at: place)
    }

    private struct Field {
        let tag: Int
        let type: Int
        let count: Int
        let value: [UInt8]
    }

    /// A directory that lies at `offset` of the block, and the values of its fields behind it.
    private static func directory(_ fields: [Field], at offset: Int) -> [UInt8] {
        var entries: [UInt8] = []
        var values: [UInt8] = []
        let end = offset + 2 + fields.count * 12 + 4
        for field in fields.sorted(by: { $0.tag < $1.tag }) {
            entries += big(field.tag, 2) + big(field.type, 2) + big(field.count, 4)
            if field.value.count <= 4 {
                entries += field.value + Array(repeating: 0, count: 4 - field.value.count)
            } else {
                entries += big(end + values.count, 4)
                // Values begin at even places.
                values += field.value + Array(repeating: 0, count: field.value.count & 1)
            }
        }
        return big(fields.count, 2) + entries + [0, 0, 0, 0] + values
    }

    private static func big(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
