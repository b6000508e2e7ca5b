import Synchronization
import WaggleProtocol

/// Who moves here at a time: each has what they signed held in memory for a while. An address has one place, so that nobody
/// keeps all others away by old homes that are slow to answer.
final class MoveRoom: Sendable {
    /// When they began, in unix seconds, by address.
    private let moving = Mutex<[String: UInt64]>([:])

    /// - Parameters:
    ///   - caller: the address of whoever moves, as limits count it.
    ///   - now: unix seconds.
    /// - Throws: `tooManyRequests` with the time that whoever is in the way has at most to bring what they signed.
    func taking<Value>(for caller: String, now: UInt64, _ body: () async throws -> Value) async throws -> Value {
        let inTheWay: UInt64? = moving.withLock { moving in
            if let own = moving[caller] { return own }
            if moving.count >= Limits.Accounts.movesAtOnce { return moving.values.min() }
            moving[caller] = now
            return nil
        }
        if let began = inTheWay {
            // One that takes longer is nearly done: only its visits to the old home wait for anybody.
            let end = max(began + UInt64(Limits.Accounts.moveSeconds), now + Self.leastSeconds)
            throw GatewayError.tooManyRequests(retryAfter: end - now)
        }
        defer { moving.withLock { $0[caller] = nil } }
        return try await body()
    }

    private static let leastSeconds: UInt64 = 5
}
