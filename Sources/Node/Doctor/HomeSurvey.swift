import Administration
import Backup
import FoundationEssentials
import Glibc
import Identity
import NIOPosix
import Operations
import SystemPackage
import WaggleProtocol

/// Finds out how a home and its machine are. It opens no store and takes no lock, so it works beside a server, without one, and on
/// a home that does not open.
struct HomeSurvey: Sendable {
    let home: Home
    /// Nil when they are not accepted.
    let settings: Settings?
    let settingsTrouble: String?
    let environment: [String: String]
    let isServing: Bool
    /// Reads databases of any size.
    let isThorough: Bool

    func facts() async -> HomeFacts {
        var facts = HomeFacts()
        facts.home = home.root.string
        facts.now = Node.now()
        facts.isServing = isServing
        facts.isThere = Self.status(home.nodeKey.string) != nil
        guard facts.isThere else { return facts }
        facts.settingsTrouble = settingsTrouble
        facts.isRoot = getuid() == 0
        lookAtRights(&facts)
        lookAtKeys(&facts)
        lookAtChoices(&facts)
        facts.databases = await databases()
        facts.disk = disk()
        if let settings { await lookAtAddresses(settings, &facts) }
        await lookAtMachine(&facts)
        lookAtRemains(&facts)
        return facts
    }

    // MARK: Files

    static func status(_ path: String) -> stat? {
        var information = stat()
        return lstat(path, &information) == 0 ? information : nil
    }

    private func lookAtRights(_ facts: inout HomeFacts) {
        let folders = [home.root, home.keys, home.db].map { ($0, UInt32(0o700)) }
        let keys =
            names(in: home.keys).map { home.keys.appending($0) }
            + names(in: home.keys.appending("devices"))
            .map { home.keys.appending("devices").appending($0) }
        // Posts lie there too, and are no secret.
        let secrets = keys.filter { $0.extension != "posts" }
        for (path, wanted) in folders + secrets.map({ ($0, UInt32(0o600)) }) {
            guard let status = Self.status(path.string) else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            let wanted = isFolder ? 0o700 : wanted
            if status.st_mode & 0o077 != 0 {
                facts.wideOpen.append(.init(path: path.string, mode: status.st_mode & 0o7777, wanted: wanted))
            }
            if status.st_uid != getuid() { facts.foreignFiles.append(path.string) }
        }
        for name in names(in: home.db) {
            let path = home.db.appending(name).string
            guard let status = Self.status(path) else { continue }
            if status.st_uid != getuid() { facts.foreignFiles.append(path) }
            facts.newestFile = max(facts.newestFile ?? 0, UInt64(max(0, status.st_mtim.tv_sec)))
        }
    }

    private func lookAtKeys(_ facts: inout HomeFacts) {
        for name in names(in: home.keys) where name.hasSuffix(".key") {
            let path = home.keys.appending(name).string
            do throws(KeyFileError) {
                _ = try KeyFile.author(path: path)
                facts.keys += 1
            } catch {
                facts.badKeys[path] = error.message
            }
        }
    }

    private func lookAtChoices(_ facts: inout HomeFacts) {
        let known = Set(Settings.keys.map(\.environmentName)).union(["WAGGLE_HOME", "WAGGLE_PASSPHRASE"])
        facts.strangeVariables = environment.keys.filter { $0.hasPrefix("WAGGLE_") && !known.contains($0) }.sorted()
        let chosen = (try? Administration.chosenSettings(path: home.db.appending("admin.db").string)) ?? []
        let locked = Set((settings?.descriptions ?? []).filter(\.isLocked).map(\.view.key))
        facts.overruledChoices = chosen.map(\.key).filter(locked.contains)
    }

    private func databases() async -> [HomeFacts.Database] {
        var found: [HomeFacts.Database] = []
        for name in names(in: home.db) where name.hasSuffix(".db") {
            let path = home.db.appending(name)
            let size = Self.size(path.string)
            let readsAll = isThorough || size <= Limits.Doctor.quickDatabaseBytes
            let health = try? await NIOThreadPool.singleton.runIfActive {
                DatabaseHealth.examine(path, readsAll: readsAll)
            }
            guard let health else { continue }
            found.append(
                .init(
                    name: name, size: size, journal: Self.size(path.string + "-wal"), trouble: health.trouble,
                    wasRead: readsAll, migrations: health.migrations,
                    isRebuildable: TruthDatabase.rebuildable.contains(name)))
        }
        return found
    }

    private static func size(_ path: String) -> UInt64 {
        status(path).map { UInt64(max(0, $0.st_size)) } ?? 0
    }

    private func names(in folder: FilePath) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []).sorted()
    }

    private func lookAtRemains(_ facts: inout HomeFacts) {
        facts.hasStaleSocket = !isServing && Self.status(home.socket.string) != nil
        let now = facts.now
        func note(_ path: FilePath) {
            guard let status = Self.status(path.string) else { return }
            let age = Int64(now) - Int64(status.st_mtim.tv_sec)
            // What is young may be somebody's work.
            guard age > Int64(Limits.Doctor.leftoverSeconds) else { return }
            facts.leftovers[path.string] = Self.bytes(path, status)
        }
        // Uploads have a time of their own, after which the node removes them.
        for name in names(in: home.temporary) where name != "uploads" { note(home.temporary.appending(name)) }
        for name in names(in: home.root) where name.hasPrefix(".waggle-backup-") { note(home.root.appending(name)) }
        for name in names(in: home.keys) where name.hasSuffix(".new") { note(home.keys.appending(name)) }
        if !isServing {
            for name in names(in: home.db) where name.hasPrefix("catalog.db-filling") {
                note(home.db.appending(name))
            }
        }
    }

    private static func bytes(_ path: FilePath, _ status: stat) -> UInt64 {
        guard status.st_mode & S_IFMT == S_IFDIR else { return UInt64(max(0, status.st_size)) }
        let inside = (try? FileManager.default.subpathsOfDirectory(atPath: path.string)) ?? []
        return inside.reduce(0) { $0 + size(path.string + "/" + $1) }
    }
}
