import Dispatch
import GRDB
import Synchronization

/// The database that answers, and its exchange for one that was built beside it.
///
/// SQLite finds the log of a database by its name, so a file takes the place of another only while nobody has either
/// open: an exchange waits for those who use the old one, and whoever comes meanwhile waits for it, which is a moment.
final class ServedDatabase: Sendable {
    private struct State {
        var pool: DatabasePool
        var users = 0
        var isChanging = false
        /// Who waits for the end of an exchange.
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// The exchange that waits for the last user.
        var exchange: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ pool: DatabasePool) {
        state = Mutex(State(pool: pool))
    }

    func use<Value: Sendable>(_ body: (DatabasePool) async throws -> Value) async throws -> Value {
        let pool = await enter()
        defer { leave() }
        return try await body(pool)
    }

    /// Asks for nothing that an exchange would have to wait for.
    func releaseMemory() {
        state.withLock { $0.isChanging ? nil : $0.pool }?.releaseMemoryEventually()
    }

    /// Closes the database and serves what `open` returns.
    /// - Parameter open: puts files in their places and opens them, on a thread of its own. When it fails, queries fail
    ///   too until the catalog is opened again.
    func exchange(_ open: @escaping @Sendable () throws -> DatabasePool) async throws {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                state.isChanging = true
                if state.users > 0 { state.exchange = continuation }
                return state.users == 0
            }
            if isFree { continuation.resume() }
        }
        let old = state.withLock { $0.pool }
        defer {
            let waiting = state.withLock { state in
                state.isChanging = false
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
        let new = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "catalog exchange").async {
                continuation.resume(
                    with: Result {
                        // The last connection to go is one that only reads and leaves the old log where it is: the new
                        // file must not find anything in it, nor the old one miss it, wherever this is broken off.
                        try old.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
                        try old.close()
                        return try open()
                    })
            }
        }
        state.withLock { $0.pool = new }
    }

    private func enter() async -> DatabasePool {
        while true {
            let pool = state.withLock { state -> DatabasePool? in
                guard !state.isChanging else { return nil }
                state.users += 1
                return state.pool
            }
            if let pool { return pool }
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isChanging { state.waiting.append(continuation) }
                    return !state.isChanging
                }
                if isOver { continuation.resume() }
            }
        }
    }

    private func leave() {
        let exchange = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.users -= 1
            guard state.users == 0 else { return nil }
            defer { state.exchange = nil }
            return state.exchange
        }
        exchange?.resume()
    }
}
