import FoundationEssentials
import Glibc
import Synchronization
public import SystemPackage
import WaggleProtocol

/// A dump that was written.
public struct DumpFacts: Codable, Sendable, Hashable {
    /// File name: `public-2026-03-01.ndjson.zst`.
    public let name: String
    /// Bytes of the file.
    public let size: UInt64
    /// Of the file, in hexadecimal.
    public let sha256: String
    public let posts: Int
    /// Unix seconds.
    public let created: UInt64
}

/// The dumps of a home, in `dumps/`: each a file, and one beside it that describes it.
public struct DumpFolder: Sendable {
    public let path: FilePath

    public init(_ home: Home) {
        path = home.dumps
    }

    /// Newest first.
    public var all: [DumpFacts] {
        Directory.names(in: path).filter { $0.hasSuffix(".json") }.compactMap { name in
            guard let data = try? Data(contentsOf: URL(filePath: path.appending(name).string)),
                let facts = try? JSONDecoder().decode(DumpFacts.self, from: data), Self.isName(facts.name)
            else { return nil }
            return facts
        }.sorted { $0.created > $1.created }
    }

    public var newest: DumpFacts? { all.first }

    public func file(_ facts: DumpFacts) -> FilePath { path.appending(facts.name) }

    /// Whether a night has begun since the newest dump.
    ///
    /// - Parameters:
    ///   - newest: when it was written, or since when the node runs; unix seconds.
    ///   - now: unix seconds.
    public static func isDue(newest: UInt64, now: UInt64) -> Bool {
        let (day, hour): (UInt64, UInt64) = (86_400, Limits.Dump.hour * 3600)
        guard now >= hour else { return false }
        return newest < (now - hour) / day * day + hour
    }

    /// What this program calls dumps; nothing else of the folder is given out.
    static func isName(_ name: String) -> Bool {
        name.wholeMatch(of: #/public-[0-9]{4}-[0-9]{2}-[0-9]{2}\.ndjson\.zst/#) != nil
    }

    private static let underWay = Mutex<Set<FilePath>>([])

    /// One dump of a home at a time; false when there is one already.
    func begin() -> Bool { Self.underWay.withLock { $0.insert(path).inserted } }
    func end() { Self.underWay.withLock { _ = $0.remove(path) } }

    /// Removes what a run that was cut off left: parts, and files that nothing describes.
    func sweep() {
        let described = Set(all.map(\.name))
        for name in Directory.names(in: path)
        where name.hasSuffix(".part") || Self.isName(name) && !described.contains(name) {
            try? FileManager.default.removeItem(atPath: path.appending(name).string)
        }
    }

    /// Puts a finished file into its place, describes it, and lets the oldest go.
    func take(_ part: FilePath, _ facts: DumpFacts) throws(OperationError) {
        do {
            let about = URL(filePath: path.appending(facts.name + ".json").string)
            _ = try? FileManager.default.removeItem(at: about)
            guard rename(part.string, file(facts).string) == 0 else { throw Errno(rawValue: errno) }
            try JSONEncoder().encode(facts).write(to: about, options: .atomic)
            for old in all.dropFirst(Limits.Dump.kept) {
                try FileManager.default.removeItem(atPath: path.appending(old.name + ".json").string)
                try FileManager.default.removeItem(atPath: file(old).string)
            }
        } catch {
            throw OperationError(.failed, "the dump cannot be kept in \(path): \(error)")
        }
    }
}

extension Home {
    /// Dumps of public posts.
    public var dumps: FilePath { root.appending("dumps") }
}
