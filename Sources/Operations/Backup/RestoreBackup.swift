import Backup
import BlobStore
import Digests
import Federation
import FoundationEssentials
import Glibc
import Ledger
import PostLog
public import SystemPackage

/// `waggle backup verify`: reads every byte and writes none. It needs no node.
public struct VerifyBackup: Sendable {
    public let path: FilePath
    /// Nil leaves the keys sealed.
    public let passphrase: String?

    public init(path: FilePath, passphrase: String?) {
        self.path = path
        self.passphrase = passphrase
    }

    /// Blocks.
    public func run(progress: (Progress) -> Void) throws(OperationError) -> BackupReport {
        do {
            var size: UInt64 = 0
            let checked = try BackupReader(path: path).check(passphrase: passphrase) { done, total in
                size = total
                progress(Progress(activity: "checking", done: done, total: total))
            }
            return BackupReport(checked.manifest, path: path.string, size: size, areKeysOpened: checked.keys != nil)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle backup restore`: makes a new home out of a backup. It runs before there are services.
///
/// All of the backup is checked before anything is written. What is written goes into a folder beside the new home, which
/// gets its name in the end; where that cannot be (the home is a disk of its own), into the home, with the keys last:
/// without them it is no home yet.
public struct RestoreBackup: Sendable {
    public let path: FilePath
    public let home: Home
    public let passphrase: String
    public let now: UInt64

    public init(path: FilePath, home: Home, passphrase: String, now: UInt64) {
        self.path = path
        self.home = home
        self.passphrase = passphrase
        self.now = now
    }

    public struct Reply: Codable, Sendable {
        public let home: String
        public let node: String
        public let accounts: [String: String]
        /// Unix seconds: when the backup was made.
        public let backup: UInt64
        /// Blobs that the home had, and those whose bytes the backup has.
        public let listedBlobs: Int
        public let includedBlobs: Int
    }

    /// Blocks.
    public func run(progress: (Progress) -> Void) throws(OperationError) -> Reply {
        try Self.requireEmpty(home)
        do {
            let reader = BackupReader(path: path)
            let checked = try reader.check(passphrase: passphrase) { done, total in
                progress(Progress(activity: "checking", done: done, total: total))
            }
            guard let keys = checked.keys else { throw BackupError.passphraseNeeded(path: path.string) }
            let place = try RestorePlace(home)
            do {
                try reader.unpack(into: place.staging) { done, total in
                    progress(Progress(activity: "writing", done: done, total: total))
                }
                try prepare(place.staging, keys, checked.manifest)
                try place.finish()
            } catch {
                place.abandon()
                throw error
            }
            let report = BackupReport(checked.manifest, path: path.string, size: 0, areKeysOpened: true)
            return Reply(
                home: home.root.string, node: report.node, accounts: report.accounts, backup: report.created,
                listedBlobs: report.listedBlobs, includedBlobs: report.includedBlobs)
        } catch let error as OperationError {
            throw error
        } catch let error as BackupError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch let error as LedgerError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// - Throws: `conflict` for a home in which anything is.
    static func requireEmpty(_ home: Home) throws(OperationError) {
        guard Directory.names(in: home.root).isEmpty else {
            throw OperationError(
                .conflict,
                "\(home.root) is in use or not empty, and nothing there is overwritten; name a new home with --home")
        }
    }

    private func prepare(_ staging: FilePath, _ keys: KeyBundle, _ manifest: BackupManifest) throws {
        let staged = Home(root: staging)
        try PeerStore.forgetCursors(path: staged.db.appending(TruthDatabase.peers.fileName).string)
        try PostLog.renewID(path: staged.db.appending(TruthDatabase.posts.fileName).string)
        try BlobStore.prepareRestored(
            staged.db.appending(TruthDatabase.blobs.fileName),
            hasBlobs: manifest.members.contains { $0.name.hasPrefix("blobs/") })
        let mark = try JSONEncoder().encode(SigningHold.Restored(restored: now, backup: manifest.created))
        try mark.write(to: URL(filePath: staged.restoredMark.string))
        try BackupReader.write(keys, into: staged.keys)
        try LedgerKeyFile.markRestored(staged.ledgerKey.string)
        for directory in staged.directories { try Directory.create(directory.path, mode: directory.mode) }
    }
}

/// Where a home is put together, and how it gets its name.
private struct RestorePlace {
    let staging: FilePath
    private let home: FilePath
    private let isMade: Bool
    private let isInside: Bool

    init(_ home: Home) throws(OperationError) {
        self.home = home.root
        let parent = home.root.removingLastComponent()
        var (there, above) = (stat(), stat())
        isMade = stat(home.root.string, &there) != 0
        if isMade { try Directory.create(parent, mode: 0o755) }
        let name = home.root.lastComponent?.string ?? "home"
        let beside = parent.appending(".\(name).restoring")
        // A disk of its own cannot be replaced by a folder beside it.
        let isOwnDisk = !isMade && stat(parent.string, &above) == 0 && above.st_dev != there.st_dev
        if !isOwnDisk, Self.makeAnew(beside) {
            (staging, isInside) = (beside, false)
            return
        }
        (staging, isInside) = (home.root.appending(".restoring"), true)
        try Directory.create(home.root, mode: 0o700)
        try Directory.create(staging, mode: 0o700)
    }

    /// What an earlier try that was killed left is thrown away.
    private static func makeAnew(_ path: FilePath) -> Bool {
        try? FileManager.default.removeItem(atPath: path.string)
        return mkdir(path.string, 0o700) == 0
    }

    func finish() throws(OperationError) {
        sync(staging)
        if isInside {
            // The keys make it a home, so they come last.
            let names = Directory.names(in: staging)
            for name in names.filter({ $0 != "keys" }) + ["keys"] {
                try move(staging.appending(name), home.appending(name))
            }
            rmdir(staging.string)
            sync(home)
        } else {
            try move(staging, home)
            sync(home.removingLastComponent())
        }
    }

    private func move(_ from: FilePath, _ to: FilePath) throws(OperationError) {
        // An empty folder at the target is replaced, anything else is not.
        guard rename(from.string, to.string) == 0 else {
            throw OperationError(.failed, "\(to) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    func abandon() {
        try? FileManager.default.removeItem(atPath: staging.string)
        if isInside, isMade { rmdir(home.string) }
    }

    private func sync(_ path: FilePath) {
        let folder = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}

/// `waggle backup confirm`: nothing was signed after the backup, or it does not matter; sign again.
public struct ConfirmRestore: Operation {
    public static let name = "backup confirm"
    public init() {}

    public struct Reply: Codable, Sendable {
        /// False when nothing held.
        public let wasHeld: Bool
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let wasHeld = context.signing.isHeld
        try context.signing.lift()
        return Reply(wasHeld: wasHeld)
    }
}
