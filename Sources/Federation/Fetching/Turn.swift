import Synchronization

/// A run's turn among the runs of its source, which are received one after another in the order in which they were asked
/// for.
///
/// The request of a run goes out before its turn, so that no round trip is waited for. Received beside each other, two runs
/// would only share the line; one after another their units come in order, and are hashed for the file while they are in
/// memory. What comes far ahead of the file's front goes to the disk and is read back from it.
final class Turn: Sendable {
    private struct State {
        var hasCome: Bool
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var next: Turn?
    }

    private let state: Mutex<State>

    /// - Parameter before: of the run that was asked of the source last.
    init(after before: Turn?) {
        state = Mutex(State(hasCome: before == nil))
        before?.follow(with: self)
    }

    var hasCome: Bool { state.withLock { $0.hasCome } }

    /// Returns when it has come. A task that is cancelled does not wait, and gives up the turn's order with that.
    func come() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isHere = state.withLock { state in
                    if !state.hasCome { state.waiting.append(continuation) }
                    return state.hasCome
                }
                if isHere { continuation.resume() }
            }
        } onCancel: {
            begin()
        }
    }

    /// The run was received, or is not any more: the next one has its turn.
    func end() {
        let next = state.withLock { state in
            state.isOver = true
            defer { state.next = nil }
            return state.next
        }
        next?.begin()
    }

    private func begin() {
        let waiting = state.withLock { state in
            state.hasCome = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.resume() }
    }

    private func follow(with next: Turn) {
        let isOver = state.withLock { state in
            if !state.isOver { state.next = next }
            return state.isOver
        }
        if isOver { next.begin() }
    }
}
