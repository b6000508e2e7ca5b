public import Digests
public import SystemPackage

/// Why the blob store refused. Each case carries what a person needs to act; `description` says what happened, why, and
/// what helps.
public enum BlobError: Error, Hashable, Sendable {
    /// The bytes are not here.
    case notFound(Hash32)
    /// An adopted file was changed, moved or deleted since it was hashed; it is out of service.
    case changedOnDisk(path: FilePath)
    /// The file changed while it was hashed.
    case growing(path: FilePath)
    /// There is no regular file at the path.
    case noFile(path: FilePath)
    /// The file cannot be opened for reading.
    case unreadable(path: FilePath)
    /// The place cannot be written to.
    case readOnly(path: FilePath)
    /// A file could not be made to share its bytes with an equal one, and is as it was.
    case notLinked(path: FilePath, why: String)
    /// Something is there already, and an export never overwrites.
    case exists(path: FilePath)
    /// The disk has less free than the bytes and the kept reserve need.
    case diskFull(needed: UInt64, available: UInt64)
    /// The bytes do not fit in the store's budget, even after eviction.
    case overBudget(needed: UInt64, used: UInt64, budget: UInt64)
    /// The bytes of a unit have another hash or length than the layer says; nothing was stored.
    case badUnit(unit: Int, of: Hash32)
    /// The unit hashes do not have the pieces root as their root.
    case rootMismatch(Hash32)
    /// The bytes have another SHA-256 than they should have.
    case hashMismatch(expected: Hash32, actual: Hash32)
    /// A partial blob with this SHA-256 but another size or pieces root is under way.
    case conflict(Hash32)
    /// The blob is complete already, so nothing needs to be fetched.
    case alreadyHeld(Hash32)
    /// The partial blob lacks units.
    case incomplete(Hash32, missing: Int)
    /// The blob was taken down on this node and is not taken in again.
    case purged(Hash32, reason: String)
    /// More bytes than the limit.
    case tooLarge(bytes: UInt64, limit: UInt64)
    /// More files or folders than one question or node may have.
    case tooManyFiles(limit: Int)
    /// A range or unit beyond the end of the blob.
    case outOfRange(Hash32, size: UInt64)
    /// The store's own copy has bad units; it is out of service until they are fetched again.
    case damaged(Hash32, badUnits: [Int])
    /// `partial/` and `blobs/` are on different file systems, so that a finished blob cannot be moved in one step.
    case separateFileSystems(partial: FilePath, blobs: FilePath)
    /// The index or the small-blob file failed; nothing was changed.
    case database(String)
    /// Any other refusal of the system.
    case io(path: FilePath, operation: String, code: CInt)
    /// The task was cancelled; what was hashed so far is kept where it can be.
    case cancelled
    /// The store is closed, or the partial blob was abandoned.
    case closed
}

extension BlobError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let hash):
            "Blob \(hash) is not here. It was never fetched or was evicted; fetch it from a node that has it."
        case .changedOnDisk(let path):
            "\(path) is out of service: it was changed, moved or deleted after it was hashed. Scan the folder again."
        case .growing(let path):
            "\(path) changed while it was read, so it has no hash yet. Scan again when its writer has finished."
        case .noFile(let path):
            "There is no regular file at \(path). Check the path."
        case .unreadable(let path):
            "\(path) cannot be opened: permission was denied. Allow this account to read it."
        case .readOnly(let path):
            "\(path) cannot be written: it is read-only or belongs to another account. Make it writable and try again."
        case .notLinked(let path, let why):
            "\(path) was left as it is: \(why)."
        case .exists(let path):
            "\(path) exists, and an export never overwrites. Choose another name or move that file away."
        case .diskFull(let needed, let available):
            "The disk is full: \(needed) bytes are needed and \(available) may be used. Free some space; it goes on then."
        case .overBudget(let needed, let used, let budget):
            "\(needed) bytes do not fit: \(used) of \(budget) are in use and held. Raise the budget or unpin; "
                + "`waggle store df` shows what holds them, `waggle store gc` evicts."
        case .badUnit(let unit, let hash):
            "Unit \(unit) of blob \(hash) has wrong bytes and was not stored. Ask another source."
        case .rootMismatch(let hash):
            "The unit hashes given for blob \(hash) do not match its pieces root. Ask another source for them."
        case .hashMismatch(let expected, let actual):
            "The bytes should have SHA-256 \(expected) and have \(actual). They are not that blob; fetch it again."
        case .conflict(let hash):
            "Blob \(hash) is being fetched with another size or pieces root. One of the two releases lies; compare them."
        case .alreadyHeld(let hash):
            "Blob \(hash) is complete here. Nothing needs to be fetched."
        case .incomplete(let hash, let missing):
            "Blob \(hash) lacks \(missing) units. Fetch them before it can be completed or read there."
        case .purged(let hash, let reason):
            "Blob \(hash) was taken down on this node (\(reason)) and is refused. Its operator can say more."
        case .tooLarge(let bytes, let limit):
            "\(bytes) bytes are more than the limit of \(limit). Split the request or the file."
        case .tooManyFiles(let limit):
            "There are more than the limit of \(limit). Name a smaller folder, or remove one."
        case .outOfRange(let hash, let size):
            "The range lies beyond the end of blob \(hash), which has \(size) bytes. Ask for a range inside it."
        case .damaged(let hash, let units):
            "The copy of blob \(hash) has bad units (\(units.isEmpty ? "verify names them" : "\(units.prefix(8))")). "
                + "Fetch it again: only those are loaded."
        case .separateFileSystems(let partial, let blobs):
            "\(partial) and \(blobs) are on different file systems. Put both on one."
        case .database(let detail):
            "The blob index refused: \(detail). Nothing was changed; run the doctor if it stays."
        case .io(let path, let operation, let code):
            "\(operation) of \(path) failed: \(Errno(rawValue: code)). Check the disk."
        case .cancelled:
            "Stopped on request. Run it again to go on."
        case .closed:
            "The blob store is closed. Start the node again."
        }
    }
}
