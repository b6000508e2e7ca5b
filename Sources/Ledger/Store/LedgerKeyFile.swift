import Digests
import FoundationEssentials
import Glibc
public import Identity

/// The key with which a node decides in its currencies, resolves holds and grants: `keys/ledger.authority`.
///
/// The file counts the starts of its key. A database that was started less often came back from a backup, and an authority
/// that signed on from it would contradict itself.
public struct LedgerKeyFile: Sendable {
    public let key: SigningKey
    /// How often authorities were started with it.
    public private(set) var generation: Int64
    /// The home came out of a backup: what was signed since is not known here.
    public private(set) var isRestored: Bool
    private let path: String

    private struct Stored: Codable {
        var version = 1
        var secret: String
        var generation: Int64
        var restored: Bool
    }

    /// Nil when there is no such file.
    public init?(path: String) throws(LedgerError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .database(path: path, detail: String(cString: strerror(errno)))
        }
        guard status.st_mode & 0o077 == 0 else {
            throw .database(path: path, detail: "others can read it; run `chmod 600 \(path)`")
        }
        guard status.st_size <= 4096, let data = try? Data(contentsOf: URL(filePath: path)),
            let stored = try? JSONDecoder().decode(Stored.self, from: data), stored.version == 1,
            let seed = Hex.decode(stored.secret, count: 32), let key = SigningKey(seed: seed), stored.generation >= 0
        else { throw .damaged(path: path, detail: "it is no ledger key of this version; restore it from a backup") }
        self.key = key
        generation = stored.generation
        isRestored = stored.restored
        self.path = path
    }

    /// Makes a key and its file.
    public init(creating path: String) throws(LedgerError) {
        let secret = RecoverySecret.random().bytes
        guard access(path, F_OK) != 0, let key = SigningKey(seed: secret) else {
            throw .database(path: path, detail: "it is there already; a key is never overwritten")
        }
        self.key = key
        generation = 0
        isRestored = false
        self.path = path
        try write(secret: secret)
    }

    /// Notes a start, on disk before anything is signed.
    public mutating func noteStart(_ generation: Int64) throws(LedgerError) {
        self.generation = generation
        try write(secret: try secret())
    }

    /// Notes that what was signed after a backup is known again, or is given up.
    public mutating func noteCaughtUp() throws(LedgerError) {
        isRestored = false
        try write(secret: try secret())
    }

    /// Marks the file of a home that is being restored.
    public static func markRestored(_ path: String) throws(LedgerError) {
        guard var file = try LedgerKeyFile(path: path) else { return }
        file.isRestored = true
        try file.write(secret: try file.secret())
    }

    private func secret() throws(LedgerError) -> [UInt8] {
        guard let data = try? Data(contentsOf: URL(filePath: path)),
            let stored = try? JSONDecoder().decode(Stored.self, from: data),
            let seed = Hex.decode(stored.secret, count: 32)
        else { throw .damaged(path: path, detail: "it cannot be read any more") }
        return seed
    }

    private func write(secret: [UInt8]) throws(LedgerError) {
        func failure() -> LedgerError { .database(path: path, detail: String(cString: strerror(errno))) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let stored = Stored(secret: Hex.encode(secret), generation: generation, restored: isRestored)
        guard let json = try? encoder.encode(stored) else { throw failure() }
        let temporary = path + ".new"
        unlink(temporary)
        let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure() }
        defer { unlink(temporary) }
        let written = json.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        let isSynced = fsync(file) == 0
        close(file)
        guard written == json.count, isSynced, rename(temporary, path) == 0 else { throw failure() }
        let folder = Glibc.open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_DIRECTORY)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }
}
