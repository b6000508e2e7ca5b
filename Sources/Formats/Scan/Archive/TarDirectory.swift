import WaggleProtocol

/// The entries of a tar archive (POSIX ustar, GNU long names, pax paths), or why it is refused.
struct TarDirectory {
    private(set) var entries: [(name: String, data: Range<UInt64>)] = []
    private(set) var findings: [ScanFinding] = []
    private static let block: UInt64 = 512

    /// Whether the first block is a header with its right sum.
    static func isTar(_ prefix: [UInt8]) -> Bool {
        guard prefix.count >= 512, BoundedBytes(prefix).has("ustar", at: 257) else { return false }
        return sumIsRight(Array(prefix[..<512]))
    }

    private static func sumIsRight(_ header: [UInt8]) -> Bool {
        var sum = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
        return octal(header[148..<156]) == UInt64(sum)
    }

    private static func octal(_ field: ArraySlice<UInt8>) -> UInt64? {
        if let first = field.first, first & 0x80 != 0 {
            // GNU: binary, for files of 8 GiB and more.
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else { return nil }
            return field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
        return digits.reduce(UInt64(0)) { $0 &<< 3 | UInt64($1 - 0x30) }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    init(_ source: any ByteSource) throws(ByteSourceError) {
        try read(source)
    }

    private mutating func read(_ source: any ByteSource) throws(ByteSourceError) {
        var place: UInt64 = 0
        var longName: String?
        var names: Set<String> = []
        func refused(
            _ code: ScanFinding.Code, _ severity: ScanVerdict = .malformed, _ name: String = "", _ detail: String
        )
            -> ScanFinding
        { ScanFinding(code, severity, entry: name, at: place, detail) }

        while true {
            let header = try source.available(at: place, count: 512)
            guard header.count == 512 else {
                findings.append(refused(.truncated, .malformed, "", "there is no end"))
                return
            }
            if header.allSatisfy({ $0 == 0 }) { break }
            guard Self.sumIsRight(header), let size = Self.octal(header[124..<136]) else {
                return findings.append(refused(.tar, .malformed, "", "a header with a wrong sum"))
            }
            let start = place + Self.block
            guard start <= source.size, size <= source.size - start else {
                return findings.append(
                    refused(.truncated, .malformed, "", "an entry of \(size) bytes that are not there"))
            }
            let prefix = Self.text(header[345..<500])
            let short = Self.text(header[0..<100])
            let name = longName ?? (prefix.isEmpty || header[257 + 5] != 0 ? short : prefix + "/" + short)
            switch header[156] {
            case UInt8(ascii: "L"), UInt8(ascii: "x"):
                guard size <= 1 << 16, longName == nil else {
                    return findings.append(refused(.badName, .malformed, "", "a name of \(size) bytes, or two names"))
                }
                let body = try source.read(at: start, count: Int(size))
                if header[156] == UInt8(ascii: "L") {
                    longName = Self.text(body[...])
                } else {
                    guard let path = Self.path(body) else {
                        return findings.append(
                            refused(
                                .directoryMismatch, .malformed, "",
                                "extended headers that change more than times and names"))
                    }
                    longName = path.isEmpty ? nil : path
                }
            case 0, UInt8(ascii: "0"), UInt8(ascii: "5"):
                longName = nil
                if let problem = EntryName.problem(name) {
                    findings.append(
                        refused(
                            problem.code, problem.code == .pathEscapes ? .danger : .malformed, name,
                            "\(String.shown(name.utf8)): \(problem.detail)"))
                }
                guard names.insert(name).inserted else {
                    return findings.append(
                        refused(.duplicateName, .malformed, name, "two entries are named \(String.shown(name.utf8))"))
                }
                guard entries.count < Limits.Scan.archiveEntries else {
                    return findings.append(refused(.limit, .malformed, "", "too many entries"))
                }
                if header[156] != UInt8(ascii: "5") { entries.append((name, start..<start + size)) }
            case UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "3"), UInt8(ascii: "4"), UInt8(ascii: "6"):
                longName = nil
                findings.append(refused(.link, .danger, name, "\(String.shown(name.utf8)) is a link or a device"))
            default:
                return findings.append(
                    refused(.tar, .malformed, name, "an entry of the unknown type \(String.shown([header[156]]))"))
            }
            place = start + (size + Self.block - 1) / Self.block * Self.block
        }
        // Two empty blocks, and padding to the writer's record.
        let rest = source.size - place
        guard rest <= 1 << 20, try source.read(at: place, count: Int(rest)).allSatisfy({ $0 == 0 }) else {
            return findings.append(
                refused(.trailingBytes, .malformed, "", "\(rest) bytes after the end of the archive"))
        }
    }

    /// The path of a pax header: empty when it names none, nil when it changes what the entry is.
    private static func path(_ body: [UInt8]) -> String? {
        var path = ""
        var rest = body[...]
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty, digits.count < 6, let length = Int(String(decoding: digits, as: UTF8.self)),
                length > digits.count + 2, length <= rest.count
            else { return nil }
            let record = rest.prefix(length).dropFirst(digits.count + 1).dropLast()
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            switch String(decoding: record[..<equals], as: UTF8.self) {
            case "path": path = String(decoding: record[(equals + 1)...], as: UTF8.self)
            case "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment": break
            default: return nil
            }
            rest = rest.dropFirst(length)
        }
        return path
    }
}
