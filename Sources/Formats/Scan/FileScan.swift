import Digests
import WaggleProtocol

/// Looks into a file that somebody else made and says whether it can do anything but be read.
///
/// Names are not trusted: every file, and every file of an archive, is recognised by its bytes. Nothing is unpickled,
/// decoded or run, and each step has a budget (`Limits.Scan`). Pictures are only recognised here: whether they decode is
/// for a decoder in the sandbox to say.
public struct FileScan {
    private var report = FileScanReport(format: .other)
    private var inflatedBytes: UInt64 = 0

    /// - Parameter name: makes the scan stricter where it promises a pickle and the bytes are none; may be empty.
    public static func scan(_ source: any ByteSource, name: String = "") throws(ByteSourceError) -> FileScanReport {
        var scan = FileScan()
        scan.report.format = try recognise(source)
        try scan.look(into: source, as: scan.report.format, name: name)
        return scan.report
    }

    // MARK: Recognising

    static func recognise(_ source: any ByteSource) throws(ByteSourceError) -> ScannedFormat {
        let prefix = try source.available(at: 0, count: 512)
        let bytes = BoundedBytes(prefix)
        if bytes.has("PK\u{3}\u{4}", at: 0) || bytes.has("PK\u{5}\u{6}", at: 0) { return .zip }
        if bytes.has("GGUF", at: 0) { return .gguf }
        if prefix.starts(with: NumpyScan.magic) { return .npy }
        if prefix.starts(with: TorchLegacyScan.magic) { return .torchLegacy }
        // Before the mark of a pickle, with which every length of a header begins that ends in 0x80. A header of less than
        // 2 GiB; a longer one is refused by the name, or is something else.
        if prefix.count >= 9, prefix[8] == UInt8(ascii: "{"), prefix[4..<8].allSatisfy({ $0 == 0 }), prefix[3] < 0x80 {
            return .safetensors
        }
        if prefix.count >= 2, prefix[0] == 0x80, prefix[1] <= 5 { return .pickle }
        if prefix.starts(with: [0x1f, 0x8b]) { return .gzip }
        if TarDirectory.isTar(prefix) { return .tar }
        if unreadable(bytes) != nil { return .unreadable }
        if ImageInfo.sniff(prefix) != nil { return .picture }
        if program(bytes) != nil { return .program }
        // zlib, as joblib writes it: method 8, and a sum that fits.
        if prefix.count >= 2, prefix[0] & 0x8f == 0x08, prefix[1] & 0x20 == 0,
            (Int(prefix[0]) << 8 | Int(prefix[1])).isMultiple(of: 31)
        {
            var inflate = Inflate(source, at: 2, limit: 256)
            do { try inflate.run() } catch {
                if case .tooLarge = error { return .zlib }
                return .other
            }
            return .zlib
        }
        return .other
    }

    /// Containers that nobody here looks into, by name.
    private static func unreadable(_ bytes: BoundedBytes) -> String? {
        let marks: [([UInt8], String)] = [
            ([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive"), (Array("Rar!".utf8), "a RAR archive"),
            ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "an xz file"), (Array("BZh".utf8), "a bzip2 file"),
            ([0x28, 0xb5, 0x2f, 0xfd], "a Zstandard file"), ([0x04, 0x22, 0x4d, 0x18], "an LZ4 file"),
            ([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a], "an HDF5 file, which can hold code of Keras"),
            (Array("ZF".utf8) + [0x30, 0x78], "a joblib file of an old form"),
        ]
        return marks.first { bytes.slice(0, $0.0.count)?.elementsEqual($0.0) ?? false }?.1
    }

    private static func program(_ bytes: BoundedBytes) -> String? {
        if bytes.has("\u{7f}ELF", at: 0) { return "a program for Linux" }
        if bytes.has("#!", at: 0) { return "a script" }
        if bytes.has("MZ", at: 0), let header = bytes.little(0x3c, 4), header < 1 << 12 {
            return "a program for Windows"
        }
        let mach: [[UInt8]] = [[0xcf, 0xfa, 0xed, 0xfe], [0xce, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]]
        if mach.contains(where: { bytes.slice(0, 4)?.elementsEqual($0) ?? false }) {
            return "a program for macOS or Java"
        }
        return nil
    }

    // MARK: Looking

    private mutating func add(
        _ code: ScanFinding.Code, _ severity: ScanVerdict, entry: String = "", at offset: UInt64 = 0, _ detail: String
    ) {
        report.add(ScanFinding(code, severity, entry: entry, at: offset, detail))
    }

    private mutating func look(into source: any ByteSource, as format: ScannedFormat, name: String)
        throws(ByteSourceError)
    {
        switch format {
        case .zip: try lookIntoZIP(source)
        case .tar: try lookIntoTar(source)
        case .gzip, .zlib: try lookIntoCompressed(source, format)
        default: try look(at: source, as: format, entry: "", name: name)
        }
        // An archive that begins somewhere in a file of another form is one to whoever looks from the end.
        if format != .zip, try ZIPDirectory.hasEnd(source) {
            add(.polyglot, .malformed, at: source.size, "it ends like a ZIP archive and begins like something else")
        }
    }

    /// A file that is no container of files.
    private mutating func look(
        at source: any ByteSource, as format: ScannedFormat, entry: String, name: String
    ) throws(ByteSourceError) {
        switch format {
        case .safetensors: try lookAtSafetensors(source, entry)
        case .gguf: report.add(try GGUFScan.scan(source, entry: entry))
        case .npy: report.add(try NumpyScan.scan(source, entry: entry))
        case .torchLegacy: report.add(try TorchLegacyScan.scan(source, entry: entry))
        case .pickle: report.add(try PickleScan(source, entry: entry, persistence: .nobody).findings)
        case .unreadable:
            let what = Self.unreadable(BoundedBytes(try source.available(at: 0, count: 16))) ?? "a container"
            add(.unreadableContainer, .malformed, entry: entry, "\(what), which is not looked into")
        case .program:
            let what = Self.program(BoundedBytes(try source.available(at: 0, count: 512))) ?? "a program"
            add(.program, .danger, entry: entry, what)
        case .zip, .tar, .gzip, .zlib, .torchArchive:
            add(.nestedArchive, .malformed, entry: entry, "an archive in an archive is not looked into")
        case .picture, .other: try lookAtOther(source, entry: entry, name: name)
        }
        // Marks of a form do not keep a program from taking the same bytes for a pickle.
        if [.gguf, .safetensors, .program].contains(format), let pickle = try PickleScan.unmarked(source, entry: entry),
            pickle.callsRefused
        {
            report.add(pickle.findings)
        }
    }

    private mutating func lookAtSafetensors(_ source: any ByteSource, _ entry: String) throws(ByteSourceError) {
        let first8 = try source.available(at: 0, count: 8)
        let length: Int
        do { length = try SafetensorsHeader.length(first8: first8, fileSize: source.size) } catch {
            return add(.safetensors, .malformed, entry: entry, "\(error)")
        }
        let json = try source.read(at: 8, count: length)
        do { try SafetensorsHeader.check(json: json, fileSize: source.size) } catch {
            add(.safetensors, .malformed, entry: entry, "\(error)")
        }
    }

    /// A pickle of protocol 0 or 1 has no mark: it is one when it can be executed as one.
    private mutating func lookAtOther(_ source: any ByteSource, entry: String, name: String) throws(ByteSourceError) {
        if let pickle = try PickleScan.unmarked(source, entry: entry) {
            if entry.isEmpty { report.format = .pickle }
            return report.add(pickle.findings)
        }
        let ending = (entry.isEmpty ? name : entry).split(separator: ".").last.map { $0.lowercased() } ?? ""
        if ["pkl", "pickle", "ckpt", "pt", "pth"].contains(ending), source.size > 0 {
            report.add(try PickleScan(source, entry: entry, persistence: .nobody).findings)
        } else if ["safetensors", "sft"].contains(ending) {
            try lookAtSafetensors(source, entry)
        } else if ["gguf", "npy", "npz", "zip"].contains(ending) {
            add(.truncated, .malformed, entry: entry, "its name says .\(ending), its bytes do not")
        }
    }

    private mutating func lookIntoCompressed(_ source: any ByteSource, _ format: ScannedFormat) throws(ByteSourceError)
    {
        switch try Decompressed.read(source, isGzip: format == .gzip) {
        case .refused(let finding): report.add(finding)
        case .bytes(let bytes):
            let inner = BytesInMemory(bytes)
            let innerFormat = try Self.recognise(inner)
            if innerFormat == .tar {
                try lookIntoTar(inner)
            } else {
                try look(at: inner, as: innerFormat, entry: "", name: "")
            }
        }
    }

    private mutating func lookIntoTar(_ source: any ByteSource) throws(ByteSourceError) {
        let directory = try TarDirectory(source)
        report.add(directory.findings)
        for entry in directory.entries {
            let part = source.part(entry.data)
            try look(at: part, as: try Self.recognise(part), entry: entry.name, name: entry.name)
        }
    }

    // MARK: ZIP

    private mutating func lookIntoZIP(_ source: any ByteSource) throws(ByteSourceError) {
        let directory = try ZIPDirectory(source)
        report.add(directory.findings)
        if !directory.findings.isEmpty { try lookAround(source, directory) }
        let torch = directory.entries.first { $0.name == "data.pkl" || $0.name.hasSuffix("/data.pkl") }
        let folder = torch.map { String($0.name.dropLast("data.pkl".count)) }
        if torch != nil, report.format == .zip { report.format = .torchArchive }
        var named: [String: TorchStorage] = [:]
        if let torch, let main = try contents(torch, of: source) {
            let scan = try PickleScan(main, entry: torch.name, persistence: .torch)
            report.add(scan.findings)
            for storage in scan.storages {
                if let known = named[storage.key], known != storage, known.bytes != storage.bytes {
                    add(.storage, .malformed, entry: torch.name, "storage \(storage.key) has two sizes")
                }
                named[storage.key] = storage
            }
        }
        var found: Set<String> = []
        for entry in directory.entries where entry != torch {
            if let folder, entry.name.hasPrefix(folder + "data/") {
                let key = String(entry.name.dropFirst(folder.utf8.count + 5))
                if let storage = named[key] {
                    found.insert(key)
                    if storage.bytes.map({ $0 > entry.bytes }) ?? true {
                        add(.storage, .malformed, entry: entry.name, "it is smaller than the pickle says")
                    }
                    // Numbers, which are never read as pickles.
                    continue
                }
            }
            if let folder, entry.name.hasPrefix(folder + "code/") || entry.name == folder + "constants.pkl" {
                add(.code, .danger, entry: entry.name, "TorchScript: a program that torch.jit.load runs")
            }
            try look(atEntry: entry, of: source)
        }
        for key in named.keys.sorted() where !found.contains(key) {
            add(.storage, .malformed, entry: "\(folder ?? "")data/\(key)", "the pickle names it, and it is not there")
        }
    }

    private mutating func look(atEntry entry: ZIPEntry, of source: any ByteSource) throws(ByteSourceError) {
        guard !entry.name.hasSuffix("/") else { return }
        guard let contents = try contents(entry, of: source) else { return }
        let format = try Self.recognise(contents)
        try look(at: contents, as: format, entry: entry.name, name: entry.name)
    }

    /// What an entry holds; nil when that is not looked into, which was reported.
    private mutating func contents(_ entry: ZIPEntry, of source: any ByteSource) throws(ByteSourceError) -> (
        any ByteSource
    )? {
        if entry.method == 0 { return source.part(entry.data) }
        // DEFLATE makes at most 1032 bytes of one.
        guard entry.bytes / 1032 <= entry.compressedBytes else {
            add(.bomb, .danger, entry: entry.name, "\(entry.compressedBytes) bytes cannot become \(entry.bytes)")
            return nil
        }
        guard entry.bytes <= UInt64(Limits.Scan.inflatedEntryBytes),
            inflatedBytes + entry.bytes <= Limits.Scan.inflatedBytes
        else {
            let ratio = entry.bytes / max(1, entry.compressedBytes)
            add(
                ratio > 100 ? .bomb : .limit, ratio > 100 ? .danger : .malformed, entry: entry.name,
                "\(entry.compressedBytes) bytes that become \(entry.bytes) are not looked into")
            return nil
        }
        inflatedBytes += entry.bytes
        var inflate = Inflate(source.part(entry.data), limit: Int(entry.bytes))
        do {
            try inflate.run()
        } catch {
            switch error {
            case .source(let error): throw error
            case .tooLarge: add(.bomb, .danger, entry: entry.name, "it becomes larger than the directory says")
            case .malformed(let detail): add(.compressed, .malformed, entry: entry.name, detail)
            }
            return nil
        }
        guard UInt64(inflate.output.count) == entry.bytes, inflate.end == entry.compressedBytes else {
            add(.directoryMismatch, .malformed, entry: entry.name, "it does not become what the directory says")
            return nil
        }
        var sum = CRC32()
        inflate.output.withUnsafeBytes { sum.update($0) }
        guard sum.value == entry.crc32 else {
            add(.compressed, .malformed, entry: entry.name, "its sum is wrong")
            return nil
        }
        return BytesInMemory(inflate.output)
    }

    /// An archive that is refused may be one to hide what stands in and beside it: that is looked at too.
    private mutating func lookAround(_ source: any ByteSource, _ directory: ZIPDirectory) throws(ByteSourceError) {
        var places = directory.strays
        // Without entries nothing was found where it should be; the local headers are followed instead.
        if directory.entries.isEmpty, source.size >= 30 {
            var place: UInt64 = 0
            for _ in 0..<64 {
                let header = BoundedBytes(try source.available(at: place, count: 30))
                guard header.has("PK\u{3}\u{4}", at: 0), let size = header.little(18, 4),
                    let name = header.little(26, 2),
                    let extra = header.little(28, 2)
                else { break }
                let start = place + 30 + UInt64(name + extra)
                let end = size == 0 ? source.size : start + UInt64(size)
                guard start < source.size else { break }
                places.append(start..<min(end, source.size))
                place = end
            }
        }
        for range in places {
            let part = source.part(range)
            let format = try Self.recognise(part)
            if format == .pickle || format == .torchLegacy || format == .other {
                var scan = PickleScan()
                _ = try scan.stream(part, at: 0, entry: "", persistence: .torch)
                if scan.callsRefused || scan.asksForRefused {
                    report.add(scan.findings.filter { $0.severity == .danger })
                }
            }
        }
    }
}
