/// The boxes of an AVIF file (ISO/IEC 14496-12, 23008-12) as far as its size goes.
enum AVIFBoxes {
    /// The largest picture that the file describes (`ispe`): thumbnails and tiles are described beside it.
    static func size(_ file: BoundedBytes) -> (Int, Int)? {
        var largest: (width: Int, height: Int, pixels: Int)?
        guard let meta = child("meta", of: file, from: 0),
            let properties = child("iprp", of: meta, from: 4),
            let list = child("ipco", of: properties, from: 0)
        else { return nil }
        walk(list, from: 0) { type, body in
            guard type == "ispe", let width = body.big(4, 4), let height = body.big(8, 4), width > 0, height > 0 else {
                return true
            }
            // Two numbers of 32 bits have a product of 64, which is one too many for `Int`.
            let (product, isHuge) = width.multipliedReportingOverflow(by: height)
            let pixels = isHuge ? .max : product
            if pixels > largest?.pixels ?? 0 { largest = (width, height, pixels) }
            return true
        }
        return largest.map { ($0.width, $0.height) }
    }

    private static func child(_ wanted: String, of box: BoundedBytes, from offset: Int) -> BoundedBytes? {
        var found: BoundedBytes?
        walk(box, from: offset) { type, body in
            if type == wanted { found = body }
            return found == nil
        }
        return found
    }

    /// Visits boxes until `visit` says no, the bytes end or a box makes no sense. A box that goes on past what was given
    /// is visited with what is there.
    private static func walk(_ box: BoundedBytes, from start: Int, _ visit: (String, BoundedBytes) -> Bool) {
        var offset = start
        for _ in 0..<1024 {
            guard var size = box.big(offset, 4), let name = box.slice(offset + 4, 4) else { return }
            var header = 8
            if size == 1 {
                guard let long = box.slice(offset + 8, 8), long.first ?? 0xff < 0x7f,
                    let value = box.big(offset + 8, 8)
                else { return }
                (size, header) = (value, 16)
            } else if size == 0 {
                size = box.bytes.count - offset
            }
            guard size >= header else { return }
            let here = min(size, box.bytes.count - offset) - header
            guard here >= 0, let body = box.slice(offset + header, here) else { return }
            guard visit(Latin1.decode(name), BoundedBytes(body)) else { return }
            guard size <= box.bytes.count - offset else { return }
            offset += size
        }
    }
}
