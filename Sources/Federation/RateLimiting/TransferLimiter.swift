import Glibc
import Synchronization

/// The node's rate limits for one direction, for whoever sends or receives bytes of blobs.
public final class TransferLimiter: Sendable {
    private struct State {
        var limiter: RateLimiter
        var granted: Set<RateLimiter.Ticket> = []
        /// The minute that the rates are of.
        var minute: Int
    }

    private let schedule: RateSchedule
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private let localTime: @Sendable () -> (day: Int, minute: Int)
    private let state: Mutex<State>

    /// - Parameter localTime: day of the week (Monday is 0) and minute of the day where the node stands.
    public init(
        _ schedule: RateSchedule = RateSchedule(),
        localTime: @escaping @Sendable () -> (day: Int, minute: Int) = TransferLimiter.systemLocalTime
    ) {
        self.schedule = schedule
        self.localTime = localTime
        start = clock.now
        let time = localTime()
        state = Mutex(
            State(
                limiter: RateLimiter(schedule.rates(day: time.day, minute: time.minute)),
                minute: time.day * 1440 + time.minute))
    }

    /// Waits until some bytes may pass; how many, `bytes` at most.
    ///
    /// - Throws: `CancellationError`.
    public func take(upTo bytes: Int, for kind: TransferClass, peer: String) async throws -> Int {
        guard !schedule.entries.isEmpty, bytes > 0 else { return bytes }
        let time = localTime()
        let (ticket, count) = state.withLock { state -> (RateLimiter.Ticket, Int) in
            if state.minute != time.day * 1440 + time.minute {
                state.minute = time.day * 1440 + time.minute
                state.limiter.set(schedule.rates(day: time.day, minute: time.minute))
            }
            let count = min(bytes, state.limiter.quantum(kind))
            return (state.limiter.request(count, for: kind, peer: peer), count)
        }
        while let wait = wait(for: ticket) {
            do {
                try await Task.sleep(for: wait)
            } catch {
                state.withLock { state in
                    state.limiter.cancel(ticket)
                    state.granted.remove(ticket)
                }
                throw error
            }
        }
        return count
    }

    /// Waits until so many bytes may pass.
    public func admit(_ bytes: Int, for kind: TransferClass, peer: String) async throws {
        var left = bytes
        while left > 0 { left -= try await take(upTo: left, for: kind, peer: peer) }
    }

    /// How long to wait before asking again; nil when the ticket is granted.
    private func wait(for ticket: RateLimiter.Ticket) -> Duration? {
        let now = clock.now - start
        return state.withLock { state in
            state.granted.formUnion(state.limiter.advance(to: now))
            if state.granted.remove(ticket) != nil { return nil }
            return state.limiter.wait(for: ticket, at: now)
        }
    }

    /// The system's time zone.
    @Sendable public static func systemLocalTime() -> (day: Int, minute: Int) {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        return ((Int(parts.tm_wday) + 6) % 7, Int(parts.tm_hour) * 60 + Int(parts.tm_min))
    }
}
