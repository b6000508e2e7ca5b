import SystemPackage

/// Why a backup cannot be made, checked or read. Nothing half done is left.
public enum BackupError: Error, Equatable, Sendable {
    case notFound(path: String)
    case exists(path: String)
    case unreadable(path: String, reason: String)
    case diskFull(path: String)
    /// The bytes are no backup, or not as they were written.
    case damaged(path: String, what: String)
    /// Made by a later version.
    case unknownFormat(path: String, format: Int)
    case tooLarge(path: String, what: String, limit: UInt64)
    case passphraseNeeded(path: String)
    case wrongPassphrase(path: String)
    case noMemory
    /// A blob's bytes are not what its name says, or went away.
    case blob(String, reason: String)
    case database(path: String, detail: String)

    public var message: String {
        switch self {
        case .notFound(let path): "there is no backup at \(path)"
        case .exists(let path):
            "\(path) is there already; a backup is never overwritten, so name another file or a folder"
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .diskFull(let path):
            "no room on the disk of \(path); nothing is left of the try. Free some space or name another disk"
        case .damaged(let path, let what): "\(path) is damaged, or no backup: \(what). Nothing was written"
        case .unknownFormat(let path, let format):
            "\(path) has format \(format), which a later version of waggle made; update this one"
        case .tooLarge(let path, let what, let limit):
            "\(path): \(what) is larger than the limit of \(limit) bytes. Nothing was written"
        case .passphraseNeeded(let path): "the keys in \(path) are sealed; give the passphrase of the backup"
        case .wrongPassphrase(let path):
            "that is not the passphrase of \(path), which is itself undamaged; try another one"
        case .noMemory: "not enough memory for Argon2id (256 MiB); close other programs and try again"
        case .blob(let name, let reason):
            "the blob \(name.prefix(12))… cannot be saved: \(reason). `waggle store scrub \(name)` checks and repairs it"
        case .database(let path, let detail): "\(path): \(detail)"
        }
    }

    /// A system call failed.
    init(_ error: any Error, path: FilePath) {
        switch error {
        case let error as BackupError: self = error
        case Errno.noSpace: self = .diskFull(path: path.string)
        case Errno.noSuchFileOrDirectory: self = .notFound(path: path.string)
        case Errno.fileExists: self = .exists(path: path.string)
        default: self = .unreadable(path: path.string, reason: "\(error)")
        }
    }
}
