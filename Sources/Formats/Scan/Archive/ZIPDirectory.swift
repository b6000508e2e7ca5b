import WaggleProtocol

/// One file of a ZIP archive, as its local header and the directory agree on it.
struct ZIPEntry: Sendable, Hashable {
    let name: String
    /// 0 stored, 8 DEFLATE.
    let method: Int
    let crc32: UInt32
    let compressedBytes: UInt64
    let bytes: UInt64
    /// Where the data lies in the archive.
    let data: Range<UInt64>
    /// Where everything of this entry lies: header, data and descriptor.
    let extent: Range<UInt64>
}

/// The directory of a ZIP archive (PKWARE APPNOTE 6.3.10), read so that no two readers can see two archives in it: local
/// headers and central directory are both read and must agree, entries lie one after another without anything between,
/// and there is one end.
struct ZIPDirectory {
    private(set) var entries: [ZIPEntry] = []
    private(set) var findings: [ScanFinding] = []
    /// Bytes that belong to nothing.
    private(set) var strays: [Range<UInt64>] = []
    private let source: any ByteSource

    private struct Record {
        let nameBytes: [UInt8]
        let name: String
        let flags: Int
        let method: Int
        let crc32: UInt32
        let compressedBytes: UInt64
        let bytes: UInt64
        let header: UInt64
        let isLink: Bool
    }

    private struct End {
        let entries: UInt64
        let directory: Range<UInt64>
        /// Where the first of the end records begins.
        let start: UInt64
    }

    private static let endBytes: UInt64 = 22

    /// - Parameter prefix: what precedes the archive, where it was found by its end.
    init(_ source: any ByteSource) throws(ByteSourceError) {
        self.source = source
        guard let end = try findEnd() else { return }
        guard let records = try readRecords(end) else { return }
        try readEntries(records, end)
    }

    /// Whether the bytes end in the end record of an archive, whatever comes first.
    static func hasEnd(_ source: any ByteSource) throws(ByteSourceError) -> Bool {
        guard source.size >= endBytes else { return false }
        let tailBytes = min(source.size, 65_557)
        let bytes = try source.read(at: source.size - tailBytes, count: Int(tailBytes))
        let tail = BoundedBytes(bytes)
        for place in endRecords(bytes).reversed() {
            guard let comment = tail.little(place + 20, 2), let size = tail.little(place + 12, 4),
                let offset = tail.little(place + 16, 4), place + 22 + comment == Int(tailBytes)
            else { continue }
            let position = source.size - tailBytes + UInt64(place)
            if size == 0xffff_ffff || offset == 0xffff_ffff || UInt64(size) <= position { return true }
        }
        return false
    }

    /// Where end records may begin in the last bytes of a file, first to last. Each file that is scanned is looked through.
    private static func endRecords(_ tail: [UInt8]) -> [Int] {
        guard tail.count >= Int(endBytes) else { return [] }
        return (0...tail.count - Int(endBytes)).filter {
            tail[$0] == 0x50 && tail[$0 + 1] == 0x4b && tail[$0 + 2] == 5 && tail[$0 + 3] == 6
        }
    }

    private mutating func refuse(_ code: ScanFinding.Code, at offset: UInt64, entry: String = "", _ detail: String) {
        let severity: ScanVerdict = code == .pathEscapes || code == .link || code == .bomb ? .danger : .malformed
        findings.append(ScanFinding(code, severity, entry: entry, at: offset, detail))
    }

    // MARK: The end

    private mutating func findEnd() throws(ByteSourceError) -> End? {
        let tailBytes = min(source.size, 65_557)
        let tailStart = source.size - tailBytes
        let bytes = try source.read(at: tailStart, count: Int(tailBytes))
        let tail = BoundedBytes(bytes)
        let places = Self.endRecords(bytes)
        guard let place = places.last, let disk = tail.little(place + 4, 4), let here = tail.little(place + 8, 2),
            let all = tail.little(place + 10, 2), let size = tail.little(place + 12, 4),
            let offset = tail.little(place + 16, 4), let comment = tail.little(place + 20, 2)
        else {
            refuse(.truncated, at: source.size, "there is no directory at the end of the archive")
            return nil
        }
        let position = tailStart + UInt64(place)
        if places.count > 1 {
            refuse(.secondDirectory, at: tailStart + UInt64(places[0]), "there are \(places.count) end records")
            return nil
        }
        guard position + Self.endBytes + UInt64(comment) == source.size else {
            refuse(.trailingBytes, at: position, "there are bytes after the end of the archive")
            strays.append(position + Self.endBytes..<source.size)
            return nil
        }
        guard disk == 0, here == all else {
            refuse(.zip, at: position, "the archive claims to be in several pieces")
            return nil
        }
        var end = End(
            entries: UInt64(all), directory: UInt64(offset)..<UInt64(offset) + UInt64(size), start: position)
        if position >= 20, let locator = try locator(before: position) {
            guard let large = try largeEnd(locator, before: position) else { return nil }
            let agree =
                (all == 0xffff || UInt64(all) == large.entries)
                && (size == 0xffff_ffff || UInt64(size) == large.directory.upperBound - large.directory.lowerBound)
                && (offset == 0xffff_ffff || UInt64(offset) == large.directory.lowerBound)
            guard agree else {
                refuse(.secondDirectory, at: position, "the two end records name two directories")
                return nil
            }
            end = large
        } else if all == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff {
            refuse(.zip, at: position, "the large end record is missing")
            return nil
        }
        guard end.directory.upperBound == end.start else {
            // Readers go by the offset or by the end of the directory: with bytes between the two are not one.
            refuse(.directoryMismatch, at: end.start, "the directory does not end where the end record begins")
            if end.directory.upperBound < end.start { strays.append(end.directory.upperBound..<end.start) }
            return nil
        }
        return end
    }

    private func locator(before position: UInt64) throws(ByteSourceError) -> UInt64? {
        let bytes = BoundedBytes(try source.read(at: position - 20, count: 20))
        guard bytes.has("PK\u{6}\u{7}", at: 0), let low = bytes.little(8, 4), let high = bytes.little(12, 4) else {
            return nil
        }
        return UInt64(high) << 32 | UInt64(low)
    }

    private mutating func largeEnd(_ place: UInt64, before position: UInt64) throws(ByteSourceError) -> End? {
        guard place <= position, position - place == 20 + 56 else {
            refuse(.zip, at: place, "the large end record is not where it should be")
            return nil
        }
        let bytes = BoundedBytes(try source.read(at: place, count: 56))
        guard bytes.has("PK\u{6}\u{6}", at: 0), bytes.little(4, 8) == 44, bytes.little(16, 8) == 0,
            let here = unsigned(bytes, 24), let all = unsigned(bytes, 32), let size = unsigned(bytes, 40),
            let offset = unsigned(bytes, 48), here == all, size <= source.size, offset <= source.size
        else {
            refuse(.zip, at: place, "the large end record is none")
            return nil
        }
        return End(entries: all, directory: offset..<offset + size, start: place)
    }

    private func unsigned(_ bytes: BoundedBytes, _ offset: Int) -> UInt64? {
        bytes.slice(offset, 8)?.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }

    // MARK: The directory

    private mutating func readRecords(_ end: End) throws(ByteSourceError) -> [Record]? {
        let size = end.directory.upperBound - end.directory.lowerBound
        guard size <= Limits.Scan.centralDirectoryBytes, end.entries <= UInt64(Limits.Scan.archiveEntries) else {
            refuse(.limit, at: end.start, "\(end.entries) entries in a directory of \(size) bytes")
            return nil
        }
        let bytes = BoundedBytes(try source.read(at: end.directory.lowerBound, count: Int(size)))
        var records: [Record] = []
        var names: Set<String> = []
        var place = 0
        while place < Int(size) {
            let position = end.directory.lowerBound + UInt64(place)
            guard bytes.has("PK\u{1}\u{2}", at: place), let flags = bytes.little(place + 8, 2),
                let method = bytes.little(place + 10, 2), let crc32 = bytes.little(place + 16, 4),
                let compressed = bytes.little(place + 20, 4), let plain = bytes.little(place + 24, 4),
                let nameBytes = bytes.little(place + 28, 2), let extraBytes = bytes.little(place + 30, 2),
                let commentBytes = bytes.little(place + 32, 2), let disk = bytes.little(place + 34, 2),
                let system = bytes.little(place + 4, 2), let attributes = bytes.little(place + 38, 4),
                let offset = bytes.little(place + 42, 4), let name = bytes.slice(place + 46, nameBytes),
                let extra = bytes.slice(place + 46 + nameBytes, extraBytes),
                bytes.slice(place + 46 + nameBytes + extraBytes, commentBytes) != nil
            else {
                refuse(.truncated, at: position, "the directory breaks off")
                return nil
            }
            var numbers = [UInt64(plain), UInt64(compressed), UInt64(offset)]
            guard Self.widen(&numbers, extra), disk == 0 else {
                refuse(.zip, at: position, "the sizes of an entry are unreadable")
                return nil
            }
            let text = String(decoding: name, as: UTF8.self)
            guard text.utf8.elementsEqual(name) else {
                refuse(.badName, at: position, "a name that is not UTF-8: \(String.shown(name))")
                return nil
            }
            if let problem = EntryName.problem(text) {
                refuse(problem.code, at: position, entry: text, "\(String.shown(name)): \(problem.detail)")
            }
            if !names.insert(text).inserted {
                refuse(.duplicateName, at: position, entry: text, "two entries are named \(String.shown(name))")
                return nil
            }
            // What Unix calls the type of a file; only files and folders are archived by anybody.
            let type = system >> 8 == 3 ? attributes >> 28 : 0
            records.append(
                Record(
                    nameBytes: Array(name), name: text, flags: flags, method: method, crc32: UInt32(crc32),
                    compressedBytes: numbers[1], bytes: numbers[0], header: numbers[2],
                    isLink: ![0, 4, 8].contains(type)))
            guard records.count <= Int(end.entries) else { break }
            place += 46 + nameBytes + extraBytes + commentBytes
        }
        guard records.count == Int(end.entries) else {
            refuse(.directoryMismatch, at: end.start, "the end record counts \(end.entries) entries, others are there")
            return nil
        }
        return records
    }

    /// Puts the 64-bit numbers of the extra field in the place of those that say "too large".
    private static func widen(_ numbers: inout [UInt64], _ extra: ArraySlice<UInt8>) -> Bool {
        guard numbers.contains(0xffff_ffff) else { return true }
        let bytes = BoundedBytes(extra)
        var place = 0
        while let id = bytes.little(place, 2), let size = bytes.little(place + 2, 2) {
            guard let body = bytes.slice(place + 4, size) else { return false }
            if id == 1 {
                var rest = Array(body)[...]
                for index in numbers.indices where numbers[index] == 0xffff_ffff {
                    guard rest.count >= 8 else { return false }
                    numbers[index] = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                    rest = rest.dropFirst(8)
                }
                return true
            }
            place += 4 + size
        }
        return false
    }

    // MARK: Local headers

    private mutating func readEntries(_ records: [Record], _ end: End) throws(ByteSourceError) {
        var expected: UInt64 = 0
        for record in records.sorted(by: { $0.header < $1.header }) {
            if record.header != expected {
                let isGap = record.header > expected
                refuse(
                    isGap ? .gap : .overlap, at: expected, entry: record.name,
                    isGap
                        ? "\(record.header - expected) bytes before it belong to no entry"
                        : "it begins inside the entry before")
                guard isGap, record.header <= end.directory.lowerBound else { return }
                strays.append(expected..<record.header)
            }
            guard let entry = try readEntry(record, limit: end.directory.lowerBound) else { return }
            entries.append(entry)
            expected = entry.extent.upperBound
        }
        guard expected == end.directory.lowerBound else {
            refuse(
                .gap, at: expected,
                "\(end.directory.lowerBound - expected) bytes before the directory belong to no entry")
            strays.append(expected..<end.directory.lowerBound)
            return
        }
    }

    private mutating func readEntry(_ record: Record, limit: UInt64) throws(ByteSourceError) -> ZIPEntry? {
        guard record.header <= limit, limit - record.header >= 30 else {
            refuse(.truncated, at: record.header, entry: record.name, "its header is not there")
            return nil
        }
        let header = BoundedBytes(try source.read(at: record.header, count: 30))
        guard header.has("PK\u{3}\u{4}", at: 0), let flags = header.little(6, 2), let method = header.little(8, 2),
            let crc32 = header.little(14, 4), let compressed = header.little(18, 4), let plain = header.little(22, 4),
            let nameBytes = header.little(26, 2), let extraBytes = header.little(28, 2)
        else {
            refuse(
                .directoryMismatch, at: record.header, entry: record.name, "there is no header where the directory says"
            )
            return nil
        }
        let tail = try source.available(at: record.header + 30, count: nameBytes + extraBytes)
        guard tail.count == nameBytes + extraBytes else {
            refuse(.truncated, at: record.header, entry: record.name, "its header breaks off")
            return nil
        }
        var numbers = [UInt64(plain), UInt64(compressed)]
        guard Self.widen(&numbers, tail[nameBytes...]) else {
            refuse(.zip, at: record.header, entry: record.name, "its sizes are unreadable")
            return nil
        }
        let hasDescriptor = flags & 8 != 0
        let numbersAgree =
            numbers[0] == record.bytes && numbers[1] == record.compressedBytes && UInt32(crc32) == record.crc32
        // With a descriptor the header may leave them out.
        let areLeftOut = hasDescriptor && crc32 == 0 && numbers.allSatisfy { $0 == 0 }
        guard tail.prefix(nameBytes).elementsEqual(record.nameBytes), flags == record.flags, method == record.method,
            numbersAgree || areLeftOut
        else {
            refuse(
                .directoryMismatch, at: record.header, entry: record.name,
                "its header and the directory do not say the same")
            return nil
        }
        guard flags & 0x2041 == 0 else {
            refuse(.unreadableContainer, at: record.header, entry: record.name, "it is encrypted")
            return nil
        }
        guard method == 0 || method == 8 else {
            refuse(
                .unreadableContainer, at: record.header, entry: record.name,
                "it is compressed in a way (\(method)) that is not looked into")
            return nil
        }
        guard method != 0 || record.bytes == record.compressedBytes else {
            refuse(.directoryMismatch, at: record.header, entry: record.name, "it is stored, and has two sizes")
            return nil
        }
        if record.isLink { refuse(.link, at: record.header, entry: record.name, "it is a link or a device") }
        let start = record.header + 30 + UInt64(nameBytes + extraBytes)
        guard start <= limit, record.compressedBytes <= limit - start else {
            refuse(.overlap, at: start, entry: record.name, "it reaches into the directory")
            return nil
        }
        let dataEnd = start + record.compressedBytes
        var extentEnd = dataEnd
        if hasDescriptor {
            guard let bytes = try descriptor(record, at: dataEnd, limit: limit) else {
                refuse(
                    .directoryMismatch, at: dataEnd, entry: record.name,
                    "what follows its data contradicts the directory")
                return nil
            }
            extentEnd += bytes
        }
        return ZIPEntry(
            name: record.name, method: method, crc32: record.crc32, compressedBytes: record.compressedBytes,
            bytes: record.bytes, data: start..<dataEnd, extent: record.header..<extentEnd)
    }

    /// The length of the descriptor after the data: with a mark or without, in 32 or 64 bits; nil when none fits.
    private func descriptor(_ record: Record, at place: UInt64, limit: UInt64) throws(ByteSourceError) -> UInt64? {
        let bytes = BoundedBytes(try source.available(at: place, count: Int(min(24, limit - place))))
        for mark in [4, 0] where mark == 0 || bytes.has("PK\u{7}\u{8}", at: 0) {
            guard bytes.little(mark, 4).map({ UInt32($0) }) == record.crc32 else { continue }
            for width in [8, 4] {
                let sizes = [record.compressedBytes, record.bytes]
                let found = (0..<2).map { index in
                    bytes.slice(mark + 4 + index * width, width)?.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                }
                if found == sizes { return UInt64(mark + 4 + 2 * width) }
            }
        }
        return nil
    }
}

/// Names of files in archives, for all kinds of archive.
enum EntryName {
    static func problem(_ name: String) -> (code: ScanFinding.Code, detail: String)? {
        let bytes = Array(name.utf8)
        if bytes.isEmpty || bytes.count > Limits.Scan.entryNameBytes {
            return (.badName, "a name of \(bytes.count) bytes")
        }
        if bytes.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return (.badName, "the name has control characters") }
        if bytes[0] == UInt8(ascii: "/") || bytes.contains(UInt8(ascii: "\\"))
            || bytes.count > 1 && bytes[1] == UInt8(ascii: ":")
        {
            return (.pathEscapes, "an absolute name")
        }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if parts.contains(where: { $0.elementsEqual("..".utf8) }) { return (.pathEscapes, "it leaves its folder") }
        if parts.dropLast().contains(where: \.isEmpty) || parts.contains(where: { $0.elementsEqual(".".utf8) }) {
            return (.badName, "the name has empty parts")
        }
        return nil
    }
}
