public import Digests
import Glibc
import Synchronization
import SystemPackage
import WaggleProtocol

/// One line of `blobs/purged.log`: a blob that this node took down.
public struct PurgeRecord: Hashable, Sendable {
    /// The blob.
    public var sha256: Hash32
    /// Why: a case number or a short text.
    public var reason: String
    /// Who ordered it.
    public var who: String
    /// When, in milliseconds since 1970.
    public var time: Int64

    /// A record. Control characters in the texts become spaces, and long texts are cut.
    public init(sha256: Hash32, reason: String, who: String, time: Int64) {
        self.sha256 = sha256
        self.reason = Self.oneLine(reason)
        self.who = Self.oneLine(who)
        self.time = time
    }

    /// `hex TAB reason TAB who TAB milliseconds`
    var line: String { "\(sha256.hex)\t\(reason)\t\(who)\t\(time)\n" }

    /// Reads a line. A line torn by a crash still counts when its hash is whole: too much is refused rather than
    /// too little.
    init?(line: Substring) {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard let first = fields.first, let hash = Hash32(canonicalHex: first) else { return nil }
        self.init(
            sha256: hash, reason: fields.count > 1 ? String(fields[1]) : "",
            who: fields.count > 2 ? String(fields[2]) : "", time: fields.count > 3 ? Int64(fields[3]) ?? 0 : 0)
    }

    private static func oneLine(_ text: String) -> String {
        var bytes = 0
        let kept = text.unicodeScalars.prefix { scalar in
            bytes += UTF8.width(scalar)
            return bytes <= Limits.BlobStore.purgeTextBytes
        }
        var line = String.UnicodeScalarView()
        for scalar in kept {
            line.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(line)
    }
}

/// A function in a value of its own. A mutex that held the function itself would wrap it once more each time that it is
/// read, until calling it runs out of stack.
private struct Refusal: Sendable {
    let record: @Sendable (Hash32) -> PurgeRecord?
}

/// The purge log: append-only, read before anything is served, and on the disk before any bytes go.
final class PurgeLog: Sendable {
    private let path: FilePath
    private let records: Mutex<[Hash32: PurgeRecord]>
    /// Says what is refused like a purged blob until somebody lifts it; it is not in the file, and its bytes stay.
    private let refusal = Mutex(Refusal { _ in nil })
    /// Numbers of the lines that are no records, for the recovery report.
    let damagedLines: [Int]

    /// Reads the log; none is an empty one. Blocks.
    init(path: FilePath) throws(BlobError) {
        self.path = path
        var records: [Hash32: PurgeRecord] = [:]
        var damaged: [Int] = []
        // By bytes: a line feed after a carriage return is one character to a String.
        let lines = try Self.text(path).utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.isEmpty {
            if let record = PurgeRecord(line: Substring(line)) {
                records[record.sha256] = record
            } else {
                damaged.append(number + 1)
            }
        }
        self.records = Mutex(records)
        damagedLines = damaged
    }

    /// The record of a blob that is refused here: purged, or blocked.
    func record(_ hash: Hash32) -> PurgeRecord? {
        purged(hash) ?? refusal.withLock { $0 }.record(hash)
    }

    /// The record of a purged blob.
    func purged(_ hash: Hash32) -> PurgeRecord? {
        records.withLock { $0[hash] }
    }

    func setRefusal(_ body: @escaping @Sendable (Hash32) -> PurgeRecord?) {
        refusal.withLock { $0 = Refusal(record: body) }
    }

    var all: [PurgeRecord] {
        records.withLock { $0.values.sorted { ($0.time, $0.sha256) < ($1.time, $1.sha256) } }
    }

    /// Throws `purged` for a purged blob.
    func check(_ hash: Hash32) throws(BlobError) {
        if let record = record(hash) { throw .purged(hash, reason: record.reason) }
    }

    /// Adds a record and waits until it is on the disk. From then on the blob is refused. Blocks.
    func append(_ record: PurgeRecord) throws(BlobError) {
        let isNew = Files.identity(path) == nil
        let file = try isNew ? OpenFile(writing: path, creating: true) : OpenFile(writing: path, creating: false)
        let end = try file.identity().size
        // A line torn by a crash is closed first.
        let isTorn = end > 0 ? try file.lastByte(at: end - 1) != UInt8(ascii: "\n") : false
        try file.write(Array(((isTorn ? "\n" : "") + record.line).utf8), at: end)
        try file.synchronizeData()
        if isNew { try Files.synchronizeDirectory(path.removingLastComponent()) }
        records.withLock { $0[record.sha256] = record }
    }

    private static func text(_ path: FilePath) throws(BlobError) -> String {
        guard let size = Files.identity(path)?.size else { return "" }
        let file = try OpenFile(reading: path)
        let buffer = ChunkBuffer(byteCount: max(1, Int(size)))
        let count = try buffer.fill(from: file, at: 0)
        return String(decoding: buffer.bytes(0..<count), as: UTF8.self)
    }
}

extension OpenFile {
    fileprivate func lastByte(at offset: UInt64) throws(BlobError) -> UInt8 {
        let buffer = ChunkBuffer(byteCount: 1)
        return try buffer.fill(from: self, at: offset) == 1 ? buffer.memory[0] : UInt8(ascii: "\n")
    }
}
