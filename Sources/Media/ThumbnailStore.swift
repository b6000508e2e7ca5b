public import Digests
import FoundationEssentials
import GRDB
import Glibc
import Sandbox
import Synchronization
public import SystemPackage
import WaggleProtocol

/// The small copies of pictures in `thumbs/`: made in batches, found by name, made again when they are gone.
public final class ThumbnailStore: Sendable {
    private let folder: FilePath
    private let working: FilePath
    private let database: DatabasePool
    private let asked = Mutex(Asked())
    private let changes = Atomic<UInt64>(0)

    /// Pictures that somebody waits for, in order and once each.
    private struct Asked {
        var order: [Hash32] = []
        var known: Set<Hash32> = []
    }

    /// A picture that may get thumbnails: its name and its bytes.
    public struct Picture: Sendable {
        public let hash: Hash32
        public let bytes: [UInt8]

        public init(_ hash: Hash32, _ bytes: [UInt8]) {
            self.hash = hash
            self.bytes = bytes
        }
    }

    /// - Parameters:
    ///   - folder: `thumbs/` of a home; made when it is missing. Everything in it may be deleted while nothing uses it.
    ///   - temporary: on the same file system.
    /// - Throws: `folder`, `database`.
    public init(folder: FilePath, temporary: FilePath) throws(MediaError) {
        self.folder = folder
        working = temporary.appending("thumbs")
        do {
            try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
            // Left over from a run that was cut off.
            try? FileManager.default.removeItem(atPath: working.string)
        } catch {
            throw .folder("\(error)")
        }
        let path = folder.appending("thumbs.db").string
        do {
            database = try Self.open(path)
        } catch {
            // Nothing in it is worth a node that does not start.
            for ending in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + ending) }
            do {
                database = try Self.open(path)
            } catch {
                throw .database("\(error)")
            }
        }
    }

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try ThumbnailTable.migrator.migrate(pool)
        return pool
    }

    // MARK: Finding

    /// Another number after each change of what is known of pictures; counted from 0 since the store was opened.
    public var revision: UInt64 { changes.load(ordering: .acquiring) }

    /// What is known of those of these pictures that have thumbnails. The others are remembered as asked for.
    public func facts(of pictures: [Hash32]) async throws(MediaError) -> [Hash32: PictureFacts] {
        let (found, missing) = try await read { db in
            var found: [Hash32: PictureFacts] = [:]
            var missing: [Hash32] = []
            for picture in pictures {
                let known = try ThumbnailTable.find(db, picture)
                if let facts = known.facts { found[picture] = facts }
                if !known.isSettled { missing.append(picture) }
            }
            return (found, missing)
        }
        if !missing.isEmpty { ask(missing) }
        return found
    }

    /// The bytes of a thumbnail; nil when there is none. Unless there can be none, it is remembered as asked for.
    public func bytes(_ thumbnail: Thumbnail) async throws(MediaError) -> [UInt8]? {
        let known = try await read { try ThumbnailTable.find($0, thumbnail.picture) }
        if known.facts != nil {
            if let bytes = try? Data(contentsOf: URL(filePath: place(thumbnail).string)) { return Array(bytes) }
            // Somebody deleted the file.
            try await forget(thumbnail.picture)
        } else if known.isSettled {
            return nil
        }
        ask([thumbnail.picture])
        return nil
    }

    /// Why nothing can be made of a picture; nil when something was, or it was not tried yet.
    public func refusal(of picture: Hash32) async throws(MediaError) -> String? {
        try await read { try ThumbnailTable.why($0, picture) }
    }

    private func ask(_ pictures: [Hash32]) {
        asked.withLock { waiting in
            for picture in pictures where waiting.order.count < Limits.Thumbnail.asked {
                if waiting.known.insert(picture).inserted { waiting.order.append(picture) }
            }
        }
    }

    /// Pictures that somebody wanted to see and that were not made, once each.
    public func takeAsked() -> [Hash32] {
        asked.withLock { waiting in
            let all = waiting.order
            waiting = Asked()
            return all
        }
    }

    /// How far the list of blobs was looked through.
    public func lastBlob() async throws(MediaError) -> Int64 { try await read(ThumbnailTable.lastBlob) }

    public func setLastBlob(_ id: Int64) async throws(MediaError) {
        try await write { try ThumbnailTable.setLastBlob($0, id) }
    }

    // MARK: Making

    /// Makes the thumbnails of some pictures, those that have them excepted, and notes what nothing can be made of.
    ///
    /// - Parameters:
    ///   - pictures: at most `Limits.Thumbnail.batch`.
    ///   - isIdle: whether nobody waits for them.
    /// - Returns: how many were made.
    /// - Throws: `unavailable` when the tools or the sandbox are missing, `folder` for a full disk, `database`.
    @discardableResult
    public func make(_ pictures: [Picture], isIdle: Bool = false) async throws(MediaError) -> Int {
        let known = try await read { db in
            try pictures.map { try ThumbnailTable.find(db, $0.hash).isSettled }
        }
        var sources: [ThumbnailMaker.Source] = []
        for (picture, isSettled) in zip(pictures, known) where !isSettled {
            if let why = ThumbnailMaker.refusal(of: picture.bytes) {
                try await write { try ThumbnailTable.refused($0, picture.hash, why) }
            } else {
                sources.append(ThumbnailMaker.Source(hash: picture.hash, bytes: picture.bytes))
            }
        }
        guard !sources.isEmpty else { return 0 }
        let part = working.appending("\(UInt64.random(in: .min ... .max))")
        do {
            try FileManager.default.createDirectory(
                atPath: part.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .folder("\(error)")
        }
        defer { try? FileManager.default.removeItem(atPath: part.string) }
        let made: [Hash32: ThumbnailMaker.Made]
        do throws(SandboxError) {
            made = try await ThumbnailMaker(sandbox: Sandbox(), isIdle: isIdle).make(sources, in: part)
        } catch {
            throw .unavailable("\(error)")
        }
        var count = 0
        defer { if count > 0 { changes.add(1, ordering: .releasing) } }
        for (hash, result) in made {
            switch result {
            case .refused(let why): try await write { try ThumbnailTable.refused($0, hash, why) }
            case .done(let files, let blur):
                for (thumbnail, file) in files { try move(file, to: place(thumbnail)) }
                try await write { try ThumbnailTable.made($0, hash, blur) }
                count += 1
            }
        }
        return count
    }

    /// Removes everything that was made from a picture.
    public func remove(_ picture: Hash32) async throws(MediaError) {
        for thumbnail in Thumbnail.all(of: picture) {
            try? FileManager.default.removeItem(atPath: place(thumbnail).string)
        }
        try await forget(picture)
    }

    private func forget(_ picture: Hash32) async throws(MediaError) {
        try await write { try ThumbnailTable.remove($0, picture) }
        changes.add(1, ordering: .releasing)
    }

    private func place(_ thumbnail: Thumbnail) -> FilePath {
        folder.appending(String(thumbnail.picture.hex.prefix(2))).appending(thumbnail.name)
    }

    /// In one step, so that nobody sees half a picture.
    private func move(_ file: FilePath, to place: FilePath) throws(MediaError) {
        do {
            try FileManager.default.createDirectory(
                atPath: place.removingLastComponent().string, withIntermediateDirectories: true)
            let moved = file.withPlatformString { from in place.withPlatformString { rename(from, $0) } }
            guard moved == 0 else { throw Errno(rawValue: errno) }
        } catch {
            throw .folder("\(error)")
        }
    }

    private func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws(MediaError) -> T {
        do {
            return try await database.read(body)
        } catch {
            throw .database("\(error)")
        }
    }

    private func write<T: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(MediaError) -> T {
        do {
            return try await database.write(body)
        } catch {
            throw .database("\(error)")
        }
    }
}
