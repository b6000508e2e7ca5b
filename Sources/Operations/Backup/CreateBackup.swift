import Administration
public import Backup
import BlobStore
import Digests
import FoundationEssentials
import Glibc
import Identity
import NIOCore
import SystemPackage
import WaggleProtocol

/// `waggle backup create`: one file with everything that cannot be computed from something else, while the node goes on.
public struct CreateBackup: Operation {
    public static let name = "backup create"
    /// Absolute: a file to make, or a folder for one with a name made from the time.
    public var path: String
    /// With the bytes of blobs.
    public var withBlobs: Bool
    /// Seals the keys.
    public var passphrase: String

    public init(path: String, withBlobs: Bool, passphrase: String) {
        self.path = path
        self.withBlobs = withBlobs
        self.passphrase = passphrase
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BackupReport {
        guard !passphrase.isEmpty else {
            throw OperationError(.usage, "the keys in a backup are sealed; give a passphrase")
        }
        let now = context.now()
        let target = Self.target(path, now: now)
        do {
            let maker = try await Blocking.run { () throws(OperationError) in
                do throws(BackupError) { return try BackupMaker(target: target) } catch { throw OperationError(error) }
            }
            do {
                let report = try await make(maker, target, now: now, context)
                try await context.administration.note(
                    Administration.BackupMark(path: report.path, size: report.size, made: now))
                return report
            } catch {
                maker.abandon()
                throw error
            }
        } catch let error as OperationError {
            throw error
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private func make(
        _ maker: BackupMaker, _ target: FilePath, now: UInt64, _ context: OperationContext
    ) async throws -> BackupReport {
        let home = context.home
        context.progress(Progress(activity: "copying the databases", done: 0, total: 0))
        try await Self.blocking { () throws(BackupError) in try maker.copyDatabases(from: home.db) }
        let facts = try await context.blobs.listed()
        let list = facts.map { ListedBlob(sha256: $0.sha256, size: $0.size, piecesRoot: $0.piecesRoot) }
        let included = withBlobs ? try await Self.whole(list, context) : []
        let keys = try KeyBundle(home: home)
        let (settings, purgeLog) = (Self.contents(home.settings), Self.contents(home.blobs.appending("purged.log")))
        let who = BackupMaker.Facts(
            created: now, software: context.software, node: AuthorID.text(context.keyring.node.author),
            accounts: Self.accounts(home))
        let passphrase = passphrase
        let manifest = try await Self.blocking { () throws(BackupError) in
            try maker.add(settings: settings, purgeLog: purgeLog, keys: keys, passphrase: passphrase, list: list)
            return try maker.write(who, list: list, blobs: included)
        }
        let total = included.reduce(0) { $0 + $1.size }
        var done: UInt64 = 0
        for blob in included {
            try await Self.save(blob, maker, context)
            done += blob.size
            context.progress(Progress(activity: "saving blobs", done: done, total: total))
        }
        let size = try await Self.blocking { () throws(BackupError) in try maker.finish() }
        return BackupReport(manifest, path: target.string, size: size, areKeysOpened: true)
    }

    private static func save(_ blob: ListedBlob, _ maker: BackupMaker, _ context: OperationContext) async throws {
        let reader: BlobReader
        do throws(BlobError) {
            reader = try await context.blobs.open(blob.sha256)
        } catch {
            throw OperationError(BackupError.blob(blob.sha256.hex, reason: error.description))
        }
        try await blocking { () throws(BackupError) in try maker.begin(blob) }
        var at: UInt64 = 0
        while at < reader.size {
            let end = min(reader.size, at + UInt64(Limits.Gateway.sendfileBytes))
            let chunk = try await reader.read(at..<end)
            try await blocking { () throws(BackupError) in
                let result = chunk.withUnsafeReadableBytes { bytes in
                    Result { () throws(BackupError) in try maker.append(bytes) }
                }
                try result.get()
            }
            at = end
        }
        try await blocking { () throws(BackupError) in try maker.end(blob) }
    }

    /// Those that are whole here.
    private static func whole(_ list: [ListedBlob], _ context: OperationContext) async throws -> [ListedBlob] {
        let presence = try await context.blobs.presence(list.map(\.sha256))
        return zip(list, presence).filter { $0.1 == .whole }.map(\.0)
    }

    /// A folder gets a file named by the second.
    static func target(_ path: String, now: UInt64) -> FilePath {
        var information = stat()
        let isFolder = stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
        guard isFolder || path.hasSuffix("/") else { return FilePath(path) }
        let time = Date(timeIntervalSince1970: TimeInterval(now)).formatted(
            .iso8601.year().month().day().dateSeparator(.omitted).time(includingFractionalSeconds: false)
                .timeSeparator(.omitted))
        return FilePath(path).appending("waggle-\(time.filter { $0.isNumber || $0 == "T" }).backup")
    }

    private static func contents(_ path: FilePath) -> [UInt8]? {
        FileManager.default.contents(atPath: path.string).map { Array($0) }
    }

    private static func accounts(_ home: Home) -> [String: String] {
        var accounts: [String: String] = [:]
        for name in KeyAccount.names(in: home) where name != KeyAccount.nodeName {
            if let author = try? KeyFile.author(path: home.key(ofAccount: name).string) {
                accounts[name] = AuthorID.text(author)
            }
        }
        return accounts
    }

    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BackupError) -> Value
    ) async throws(OperationError) -> Value {
        try await Blocking.run { () throws(OperationError) in
            do throws(BackupError) {
                return try body()
            } catch {
                throw OperationError(error)
            }
        }
    }
}

extension KeyBundle {
    /// Everything in a home's `keys/`.
    init(home: Home) throws(OperationError) {
        var files: [String: Data] = [:]
        for folder in ["", "devices/"] {
            let path = folder.isEmpty ? home.keys : home.deviceKeys
            for name in Directory.names(in: path) where name != "devices" && !name.hasSuffix(".new") {
                guard let data = FileManager.default.contents(atPath: path.appending(name).string) else {
                    throw OperationError(.failed, "\(path.appending(name)) cannot be read")
                }
                files[folder + name] = data
            }
        }
        self.init(files: files)
    }
}

/// A backup as commands show it.
public struct BackupReport: Codable, Sendable {
    public let path: String
    /// Bytes of the file.
    public let size: UInt64
    /// Unix seconds.
    public let created: UInt64
    public let software: String
    public let node: String
    public let accounts: [String: String]
    /// Blobs in the list, and those whose bytes are in the file.
    public let listedBlobs: Int
    public let listedBytes: UInt64
    public let includedBlobs: Int
    /// The passphrase was given, and is the right one.
    public let areKeysOpened: Bool

    init(_ manifest: BackupManifest, path: String, size: UInt64, areKeysOpened: Bool) {
        self.path = path
        self.size = size
        created = manifest.created
        software = manifest.software
        node = manifest.node
        accounts = manifest.accounts
        listedBlobs = manifest.listedBlobs
        listedBytes = manifest.listedBytes
        includedBlobs = manifest.members.count { $0.name.hasPrefix("blobs/") }
        self.areKeysOpened = areKeysOpened
    }
}

extension OperationError {
    public init(_ error: BackupError) {
        let code: Code =
            switch error {
            case .notFound: .notFound
            case .exists: .conflict
            case .diskFull, .tooLarge, .noMemory: .limits
            case .damaged, .blob: .integrity
            case .passphraseNeeded, .wrongPassphrase: .auth
            case .unknownFormat: .usage
            case .unreadable, .database: .failed
            }
        self.init(code, error.message)
    }
}
