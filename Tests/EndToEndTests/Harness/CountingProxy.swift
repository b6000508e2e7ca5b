import Foundation
import Synchronization

/// Stands between two nodes: hands bytes on, counts those that come back from the server, and can hold them up, so that a
/// test knows how far a transfer is and where it stands still.
final class CountingProxy: Sendable {
    private struct State {
        var target: UInt16 = 0
        var passed = 0
        /// Nothing more is handed on once so much has passed.
        var limit = Int.max
        var waiting: [CheckedContinuation<Void, Never>] = []
        var open: [Connection] = []

        mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
            defer { waiting = [] }
            return waiting
        }
    }

    private let state = Mutex(State())
    private let listener: Mutex<Listener?> = Mutex(nil)
    private let changed = NSCondition()

    init(_ world: World) throws {
        let listener = try Listener { [weak self] connection in self?.serve(connection) }
        self.listener.withLock { $0 = listener }
        world.atEnd {
            listener.stop()
            self.hold(after: .max)
            self.cut()
        }
    }

    var url: String { "http://127.0.0.1:\(listener.withLock { $0?.port ?? 0 })" }

    /// Bytes that came from the server.
    var passed: Int { state.withLock { $0.passed } }

    /// Hands on to the server at this URL.
    func lead(to url: String) {
        state.withLock { $0.target = UInt16(url.split(separator: ":").last ?? "") ?? 0 }
    }

    /// Lets so many bytes pass in all, then none until the limit is raised.
    func hold(after limit: Int) {
        changed.lock()
        state.withLock { $0.limit = limit }
        changed.broadcast()
        changed.unlock()
    }

    /// Returns when the limit is reached.
    func stands() async {
        await withCheckedContinuation { continuation in
            let stands = state.withLock { state in
                let stands = state.passed >= state.limit
                if !stands { state.waiting.append(continuation) }
                return stands
            }
            if stands { continuation.resume() }
        }
    }

    private func cut() {
        state.withLock { $0.open }.forEach { $0.cut() }
    }

    private func serve(_ client: Connection) {
        guard let server = try? Connection(port: state.withLock { $0.target }, patience: 600) else {
            return client.cut()
        }
        state.withLock { $0.open += [client, server] }
        Thread.detachNewThread {
            while case let bytes = client.read(), !bytes.isEmpty, server.write(bytes) {}
            server.endWriting()
        }
        while case let bytes = server.read(atMost: 64 << 10), !bytes.isEmpty {
            guard pass(bytes.count), client.write(bytes) else { break }
        }
        client.cut()
        server.cut()
    }

    /// Waits until there is room below the limit; always true.
    private func pass(_ count: Int) -> Bool {
        changed.lock()
        defer { changed.unlock() }
        while true {
            let (mayPass, waiting) = state.withLock { state in
                guard state.passed >= state.limit else {
                    state.passed += count
                    return (true, state.passed >= state.limit ? state.takeWaiting() : [])
                }
                return (false, state.takeWaiting())
            }
            waiting.forEach { $0.resume() }
            if mayPass { return true }
            changed.wait()
        }
    }
}
