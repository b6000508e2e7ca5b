import Synchronization
import WaggleProtocol

/// How many people move here at a time: each has what they signed held in memory for a while.
final class MoveRoom: Sendable {
    private let moving = Mutex(0)

    /// - Throws: `tooManyRequests` while others move.
    func taking<Value>(_ body: () async throws -> Value) async throws -> Value {
        let isFree = moving.withLock { moving in
            guard moving < Limits.Accounts.movesAtOnce else { return false }
            moving += 1
            return true
        }
        guard isFree else { throw GatewayError.tooManyRequests(retryAfter: 30) }
        defer { moving.withLock { $0 -= 1 } }
        return try await body()
    }
}
