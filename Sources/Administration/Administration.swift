import FoundationEssentials
import GRDB
import Synchronization
import WaggleProtocol

/// What the operator of a node decides beside moderation: settings that were chosen on pages, the mode, announcements, how far
/// setting up is; and the audit log, which says who did what. All of it is in `db/admin.db`.
///
/// What every request asks for is in memory too; it is on disk before it is believed.
public final class Administration: Sendable {
    let database: AdministrationDatabase
    /// Unix seconds.
    let now: @Sendable () -> UInt64
    private let memory: Mutex<Memory>

    private struct Memory {
        var standing: NodeStanding
        var announcements: [Announcement]
        var setup: SetupProgress
    }

    /// Opens or makes the database.
    ///
    /// - Parameters:
    ///   - path: `db/admin.db` of the home.
    ///   - isOldHome: the home was in use before it had this database: nobody asks its owner to set it up.
    public init(
        path: String, isOldHome: Bool = false, now: @escaping @Sendable () -> UInt64
    ) throws(AdministrationError) {
        let database = try AdministrationDatabase(path: path)
        let second = now()
        let memory = try database.now { db -> Memory in
            var setup = SetupProgress()
            let known = try StateTable.text(db, Self.setupKey)
            if known == nil {
                if isOldHome { setup = SetupProgress(done: Set(SetupStep.allCases), finished: second) }
                try StateTable.set(db, Self.setupKey, Self.text(setup))
            } else if let known {
                setup = Self.progress(known)
            }
            return Memory(
                standing: try StateTable.text(db, Self.modeKey).flatMap { Self.decode($0) } ?? .normal,
                announcements: try AnnouncementTable.all(db), setup: setup)
        }
        self.database = database
        self.now = now
        self.memory = Mutex(memory)
    }

    private static let (setupKey, modeKey, backupKey) = ("setup", "mode", "backup")

    private static func decode<Value: Decodable>(_ text: String) -> Value? {
        try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    private static func encode(_ value: some Encodable) -> String {
        (try? JSONEncoder().encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    // MARK: Audit

    /// Writes a line of the audit log; on disk when this returns.
    @discardableResult
    public func note(
        actor: String, action: String, subject: String, detail: String
    ) async throws(AdministrationError) -> AuditEntry {
        let (time, subject, detail) = (now(), Self.beginning(subject), Self.beginning(detail))
        return try await database.write { db in
            try AuditTable.append(db, time: time, actor: actor, action: action, subject: subject, detail: detail)
        }
    }

    /// Newest first.
    ///
    /// - Parameter before: only lines with a lower number; nil for the newest.
    public func audit(before: Int64? = nil, limit: Int) async throws(AdministrationError) -> [AuditEntry] {
        try await database.read { try AuditTable.page($0, before: before ?? .max, limit: limit) }
    }

    /// The number of the first line that was changed, or whose line before is gone; nil when the log is whole.
    public func firstBrokenAuditLine() async throws(AdministrationError) -> Int64? {
        try await database.read { try AuditTable.firstBroken($0) }
    }

    private static func beginning(_ text: String) -> String {
        guard text.utf8.count > Limits.Administration.auditBytes else { return text }
        return String(decoding: text.utf8.prefix(Limits.Administration.auditBytes - 4), as: UTF8.self) + "…"
    }

    // MARK: Settings

    public func chosenSettings() async throws(AdministrationError) -> [ChosenSetting] {
        try await database.read { try SettingTable.all($0) }
    }

    /// The settings of a home whose database nobody has open yet; none where there is none.
    public static func chosenSettings(path: String) throws(AdministrationError) -> [ChosenSetting] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { db in
                // A process that was killed in the middle of making it left a database without tables.
                try db.tableExists("settings") ? SettingTable.all(db) : []
            }
        } catch {
            throw .database(path: path, reason: "\(error)")
        }
    }

    /// - Parameter value: nil takes the choice back: the default counts again.
    public func choose(_ key: String, _ value: String?, by: String) async throws(AdministrationError) {
        let time = now()
        try await database.write { db in
            if let value {
                try SettingTable.set(db, ChosenSetting(key: key, value: value, by: by, changed: time))
            } else {
                try SettingTable.remove(db, key: key)
            }
        }
    }

    // MARK: Mode and announcements

    public var standing: NodeStanding { memory.withLock { $0.standing } }

    public func set(_ mode: NodeMode, message: String) async throws(AdministrationError) -> NodeStanding {
        guard message.utf8.count <= Limits.Administration.messageBytes else {
            throw .limit("a message has at most \(Limits.Administration.messageBytes) bytes")
        }
        let standing = NodeStanding(mode: mode, message: mode == .normal ? "" : message, since: now())
        try await database.write { try StateTable.set($0, Self.modeKey, Self.encode(standing)) }
        memory.withLock { $0.standing = standing }
        return standing
    }

    /// All that were not taken back, newest first, whether their time is over or not.
    public var announcements: [Announcement] { memory.withLock { $0.announcements } }

    /// What pages show now.
    public var announced: [Announcement] {
        let now = now()
        return announcements.filter { $0.isInForce(at: now) }
    }

    public func announce(
        _ text: String, expires: UInt64?, by: String
    ) async throws(AdministrationError) -> Announcement {
        let limits = Limits.Administration.self
        guard !text.isEmpty, text.utf8.count <= limits.messageBytes else {
            throw .limit("an announcement has 1 to \(limits.messageBytes) bytes")
        }
        guard announcements.count < limits.announcements else {
            throw .limit("there are \(limits.announcements) announcements; take some back first")
        }
        let time = now()
        let made = try await database.write { db in
            try AnnouncementTable.add(db, text, by: by, created: time, expires: expires)
        }
        memory.withLock { $0.announcements.insert(made, at: 0) }
        return made
    }

    public func takeBack(announcement id: Int64) async throws(AdministrationError) {
        guard try await database.write({ try AnnouncementTable.remove($0, id: id) }) else {
            throw .noAnnouncement(id)
        }
        memory.withLock { $0.announcements.removeAll { $0.id == id } }
    }

    // MARK: Setting up

    public var setup: SetupProgress { memory.withLock { $0.setup } }

    /// Notes a step that was saved or skipped.
    public func note(_ step: SetupStep) async throws(AdministrationError) {
        try await changeSetup { $0.done.insert(step) }
    }

    /// The node may be reached by others from now on.
    public func finishSetup() async throws(AdministrationError) {
        let time = now()
        try await changeSetup { if $0.finished == nil { $0.finished = time } }
    }

    private func changeSetup(
        _ change: @escaping @Sendable (inout SetupProgress) -> Void
    ) async throws(AdministrationError) {
        let changed = try await database.write { db -> SetupProgress in
            var progress = try StateTable.text(db, Self.setupKey).map { Self.progress($0) } ?? SetupProgress()
            change(&progress)
            try StateTable.set(db, Self.setupKey, Self.text(progress))
            return progress
        }
        memory.withLock { $0.setup = changed }
    }

    /// How progress is written down.
    private struct StoredProgress: Codable {
        var done: [String]
        var finished: UInt64?
    }

    private static func text(_ progress: SetupProgress) -> String {
        encode(StoredProgress(done: progress.done.map(\.rawValue).sorted(), finished: progress.finished))
    }

    private static func progress(_ text: String) -> SetupProgress {
        let stored: StoredProgress? = decode(text)
        return SetupProgress(
            done: Set((stored?.done ?? []).compactMap { SetupStep(rawValue: $0) }), finished: stored?.finished)
    }

    // MARK: Backups and the disk

    /// A backup that was made.
    public struct BackupMark: Codable, Hashable, Sendable {
        public let path: String
        /// Bytes.
        public let size: UInt64
        /// Unix seconds.
        public let made: UInt64

        public init(path: String, size: UInt64, made: UInt64) {
            self.path = path
            self.size = size
            self.made = made
        }
    }

    public func note(_ backup: BackupMark) async throws(AdministrationError) {
        try await database.write { try StateTable.set($0, Self.backupKey, Self.encode(backup)) }
    }

    /// The newest backup that this home knows of.
    public func lastBackup() async throws(AdministrationError) -> BackupMark? {
        try await database.read { try StateTable.text($0, Self.backupKey).flatMap { Self.decode($0) } }
    }

    /// Remembers how much was free today.
    public func noteDisk(free: UInt64) async throws(AdministrationError) {
        let sample = DiskSample(day: Int64(clamping: now() / 86_400), free: free)
        try await database.write { try StateTable.add($0, sample, keeping: Limits.Administration.diskDays) }
    }

    /// By day, the earliest first.
    public func diskSamples() async throws(AdministrationError) -> [DiskSample] {
        try await database.read { try StateTable.samples($0) }
    }
}
