import Digests
import FoundationEssentials
import Synchronization
public import SystemPackage

/// Keeps a restored node from signing before it knows what it signed after its backup was made: a second history would
/// contradict the first, and slots and channels would go back.
///
/// On disk it is `restored.json` in the home, so that a restart does not lift it.
public final class SigningHold: Sendable {
    /// What the file says.
    public struct Restored: Codable, Sendable {
        /// Unix seconds: of the restore, and of the backup.
        public let restored: UInt64
        public let backup: UInt64
    }

    private let path: FilePath
    private let restored: Mutex<Restored?>

    /// Reads the file; a damaged one holds, too.
    public init(home: Home) {
        path = home.restoredMark
        let data = FileManager.default.contents(atPath: path.string)
        restored = Mutex(
            data.map { (try? JSONDecoder().decode(Restored.self, from: $0)) ?? Restored(restored: 0, backup: 0) })
    }

    public var isHeld: Bool { restored.withLock { $0 != nil } }

    /// When the backup was made; nil when nothing holds.
    public var backupTime: UInt64? { restored.withLock { $0?.backup } }

    /// - Throws: `conflict`, with what to do.
    func check() throws(OperationError) {
        guard let restored = restored.withLock({ $0 }) else { return }
        let day = Date(timeIntervalSince1970: TimeInterval(restored.backup)).formatted(.iso8601)
        throw OperationError(
            .conflict,
            "this home was restored from a backup of \(day), and no peer was asked yet for what was signed after that. "
                + "Start it (`waggle serve`): it asks its peers and signs again by itself. When there is no peer left to "
                + "ask, `waggle backup confirm` says that nothing is missing")
    }

    /// Lifts the hold, on disk first.
    public func lift() throws(OperationError) {
        do {
            if FileManager.default.fileExists(atPath: path.string) {
                try FileManager.default.removeItem(atPath: path.string)
            }
        } catch {
            throw OperationError(.failed, "\(path) cannot be removed: \(error)")
        }
        restored.withLock { $0 = nil }
    }
}

extension Home {
    /// There while a restored home may not sign.
    public var restoredMark: FilePath { root.appending("restored.json") }
}
