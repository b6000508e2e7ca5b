import Digests
import WaggleProtocol

/// The one file in a gzip (RFC 1952) or zlib (RFC 1950) stream.
enum Decompressed {
    case bytes([UInt8])
    case refused(ScanFinding)

    static func read(_ source: any ByteSource, isGzip: Bool) throws(ByteSourceError) -> Decompressed {
        func malformed(_ code: ScanFinding.Code, _ detail: String) -> Decompressed {
            .refused(ScanFinding(code, .malformed, detail))
        }
        guard let start = isGzip ? try gzipHeader(source) : 2 else {
            return malformed(.compressed, "the header breaks off")
        }
        var inflate = Inflate(source, at: start, limit: Limits.Scan.inflatedEntryBytes)
        do {
            try inflate.run()
        } catch {
            switch error {
            case .source(let error): throw error
            case .malformed(let detail): return malformed(.compressed, detail)
            case .tooLarge(let limit):
                let isBomb = UInt64(limit) / max(1, source.size) > 100
                return .refused(
                    ScanFinding(
                        isBomb ? .bomb : .limit, isBomb ? .danger : .malformed,
                        "it becomes more than \(limit) bytes, which are not looked into"))
            }
        }
        let trailer = try source.available(at: inflate.end, count: isGzip ? 8 : 4)
        guard trailer.count == (isGzip ? 8 : 4) else { return malformed(.truncated, "the sum at the end is missing") }
        // Several streams one after another are legal for gzip, and written by nobody for models.
        guard inflate.end + UInt64(trailer.count) == source.size else {
            return malformed(.trailingBytes, "there is more after the end of the stream")
        }
        if isGzip {
            var sum = CRC32()
            inflate.output.withUnsafeBytes { sum.update($0) }
            let expected = trailer[..<4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard sum.value == expected else { return malformed(.compressed, "its sum is wrong") }
        }
        return .bytes(inflate.output)
    }

    /// Where the stream begins; nil where the header is none.
    private static func gzipHeader(_ source: any ByteSource) throws(ByteSourceError) -> UInt64? {
        var cursor = SourceCursor(source)
        guard let fixed = try cursor.take(10), fixed[2] == 8, fixed[3] & 0xe0 == 0 else { return nil }
        if fixed[3] & 4 != 0 {
            guard let length = try cursor.little(2), try cursor.skip(length) else { return nil }
        }
        for flag in [UInt8(8), 16] where fixed[3] & flag != 0 {
            var count = 0
            while let byte = try cursor.byte(), byte != 0 {
                count += 1
                guard count < 1 << 16 else { return nil }
            }
        }
        if fixed[3] & 2 != 0 {
            guard try cursor.skip(2) else { return nil }
        }
        return cursor.offset
    }
}
