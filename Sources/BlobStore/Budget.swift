import Synchronization
import WaggleProtocol

/// How much room the store has taken and may take. A value without I/O: it is told the free space and decides.
struct Budget: Sendable {
    /// Bytes that own blobs, trash and reservations may take together; nil for no limit.
    var limit: UInt64?
    /// Bytes of the disk left free for others.
    var keepFree: UInt64
    /// Bytes of own blobs, without trash.
    var live: UInt64 = 0
    /// Bytes of evicted blobs that are still on the disk.
    var trash: UInt64 = 0
    /// Bytes promised to downloads and imports.
    var reserved: UInt64 = 0
    /// The part of `reserved` for which no blocks are taken on the disk yet.
    var unbacked: UInt64 = 0

    var used: UInt64 { live + trash + reserved }

    /// Promises `bytes`, or says how many bytes must go first and what to throw when they cannot.
    mutating func reserve(_ bytes: UInt64, free: UInt64?) -> (shortage: UInt64, error: BlobError)? {
        if let limit, used + bytes > limit {
            return (used + bytes - limit, .overBudget(needed: bytes, used: used, budget: limit))
        }
        if let free, free < bytes + unbacked + keepFree {
            let available = free - min(free, unbacked + keepFree)
            return (bytes - available, .diskFull(needed: bytes, available: available))
        }
        reserved += bytes
        unbacked += bytes
        return nil
    }

    /// The blocks of a reservation are taken on the disk.
    mutating func back(_ bytes: UInt64) {
        unbacked -= min(bytes, unbacked)
    }

    /// Gives a reservation back.
    mutating func release(_ bytes: UInt64, backed: Bool) {
        reserved -= min(bytes, reserved)
        if !backed { unbacked -= min(bytes, unbacked) }
    }

    /// Counts a change of what lies on the disk.
    mutating func count(_ change: RoomChange) {
        live = UInt64(max(0, Int64(live) + change.live))
        trash = UInt64(max(0, Int64(trash) + change.trash))
    }

    /// Bytes above the low mark once the high mark is passed; 0 below it.
    var excess: UInt64 {
        guard let limit else { return 0 }
        let standing = live + reserved
        return standing > limit / 100 * Limits.BlobStore.highMark
            ? standing - min(standing, limit / 100 * Limits.BlobStore.lowMark) : 0
    }
}

/// Room promised to one download or import. It is given back unless it was turned into a blob.
final class Reservation: Sendable {
    let bytes: UInt64
    private let account: RoomAccount
    private let state = Mutex((backed: false, open: true))

    fileprivate init(bytes: UInt64, account: RoomAccount) {
        self.bytes = bytes
        self.account = account
    }

    deinit {
        release()
    }

    /// The blocks are taken on the disk.
    func markBacked() {
        let first = state.withLock { state in
            defer { state.backed = true }
            return !state.backed
        }
        if first { account.budget.withLock { $0.back(bytes) } }
    }

    /// The blocks were taken before this process began.
    fileprivate func markAdopted() {
        state.withLock { $0.backed = true }
    }

    /// Gives the room back. Once is enough.
    func release() {
        account.settle([self], RoomChange())
    }

    /// Ends the promise; how it stood.
    fileprivate func end() -> (backed: Bool, open: Bool) {
        state.withLock { state in
            defer { state.open = false }
            return state
        }
    }
}

/// The store's budget, shared.
final class RoomAccount: Sendable {
    fileprivate let budget: Mutex<Budget>

    init(_ budget: Budget) {
        self.budget = Mutex(budget)
    }

    /// Promises `bytes`, or says what is short.
    func reserve(_ bytes: UInt64, free: UInt64?) -> Result<Reservation, Shortage> {
        if let refusal = budget.withLock({ $0.reserve(bytes, free: free) }) {
            return .failure(Shortage(bytes: refusal.shortage, error: refusal.error))
        }
        return .success(Reservation(bytes: bytes, account: self))
    }

    /// Bytes promised to downloads and imports.
    var reserved: UInt64 { budget.withLock { $0.reserved } }

    /// Bytes of own blobs on the disk, trash included.
    var taken: UInt64 { budget.withLock { $0.live + $0.trash } }

    /// Other bounds from now on. What was taken or promised under the old ones stays.
    func setBounds(limit: UInt64?, keepFree: UInt64) {
        budget.withLock { budget in
            budget.limit = limit
            budget.keepFree = keepFree
        }
    }

    /// The account as it stands.
    var standing: Budget { budget.withLock { $0 } }

    /// Bytes that should go.
    var excess: UInt64 { budget.withLock { $0.excess } }

    /// Counts a download that no object stands for yet: its blocks are taken.
    func reserveDormant(_ bytes: UInt64) {
        budget.withLock { $0.reserved += bytes }
    }

    /// Gives back what `reserveDormant` took.
    func releaseDormant(_ bytes: UInt64) {
        budget.withLock { $0.release(bytes, backed: true) }
    }

    /// Makes an object stand for room that `reserveDormant` took.
    func adoptReservation(_ bytes: UInt64) -> Reservation {
        let reservation = Reservation(bytes: bytes, account: self)
        reservation.markAdopted()
        return reservation
    }

    /// Gives reservations back and counts what was made of them, in one step: between the two nobody sees room that is not
    /// there, or lacks room that is.
    func settle(_ reservations: some Sequence<Reservation>, _ change: RoomChange) {
        budget.withLock { budget in
            for reservation in reservations {
                let ended = reservation.end()
                if ended.open { budget.release(reservation.bytes, backed: ended.backed) }
            }
            budget.count(change)
        }
    }

    /// Counts a change of what lies on the disk.
    func count(_ change: RoomChange) {
        budget.withLock { $0.count(change) }
    }
}

/// What a transaction changed of the bytes on the disk, counted once it is committed.
struct RoomChange: Sendable {
    var live: Int64 = 0
    var trash: Int64 = 0

    /// A trashed copy is in service again.
    mutating func restored(_ size: UInt64) {
        trash -= Int64(size)
        live += Int64(size)
    }

    /// An own copy is gone.
    mutating func removed(_ row: BlobRow) {
        if row.trashedAt == nil { live -= Int64(row.size) } else { trash -= Int64(row.size) }
    }
}

/// Bytes that must go before a reservation fits, and the error when they cannot.
struct Shortage: Error {
    var bytes: UInt64
    var error: BlobError
}
