import WaggleProtocol

/// `torch.save` before 1.6: a magic number, a version, the machine's sizes, the object and the storages' keys, each a
/// pickle; then for each key eight bytes of count and the elements.
enum TorchLegacyScan {
    /// The first pickle of such a file.
    static let magic: [UInt8] = [
        0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
    ]

    static func scan(_ source: any ByteSource, entry: String) throws(ByteSourceError) -> [ScanFinding] {
        var scan = PickleScan()
        var end: UInt64 = 0
        for number in 0..<5 {
            guard
                try scan.stream(
                    source, at: end, entry: entry, persistence: .torch, collectsTexts: number == 4)
            else { return scan.findings }
            end = scan.end
        }
        var storages: [String: TorchStorage] = [:]
        for storage in scan.storages {
            if let known = storages[storage.key], known != storage {
                scan.findings.append(
                    ScanFinding(.storage, .malformed, entry: entry, "storage \(storage.key) has two types or sizes"))
                return scan.findings
            }
            storages[storage.key] = storage
        }
        func malformed(_ code: ScanFinding.Code, _ detail: String) -> [ScanFinding] {
            scan.findings + [ScanFinding(code, .malformed, entry: entry, at: end, detail)]
        }
        guard scan.texts.count == storages.count, Set(scan.texts) == Set(storages.keys) else {
            return malformed(.storage, "the list of storages is not that of the tensors")
        }
        // Storage bytes are numbers, and are never read as pickles.
        for key in scan.texts {
            guard let storage = storages[key], let bytes = storage.bytes else {
                return malformed(.storage, "storage \(String.shown(key.utf8)) is larger than any file")
            }
            let count = try source.available(at: end, count: 8)
            guard count.count == 8, bytes <= source.size - end - 8 else {
                return malformed(.truncated, "storage \(key) has \(bytes) bytes, which are not there")
            }
            let elements = count.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard elements == storage.elements else {
                return malformed(.storage, "storage \(key) has \(elements) elements, and \(storage.elements) are named")
            }
            end += 8 + bytes
        }
        guard end == source.size else {
            let rest = source.size - end
            // Whoever reads on finds what follows.
            if try !scan.stream(source, at: end, entry: entry, persistence: .nobody) { scan.findings.removeLast() }
            return malformed(.trailingBytes, "\(rest) bytes after the last storage")
        }
        return scan.findings
    }
}
