import Glibc

/// What one connection of a load came to.
struct LoadResult: Sendable {
    var milliseconds: [Double] = []
    var errors = 0
    var bytes = 0

    mutating func add(_ other: LoadResult) {
        milliseconds += other.milliseconds
        errors += other.errors
        bytes += other.bytes
    }
}

/// Who asks what, when.
struct LoadPlan: Sendable {
    let port: UInt16
    let paths: [String]
    let connections: Int
    let seconds: Double
    /// Requests a second of all connections; 0 for no pace.
    let rate: Double
    let start: ContinuousClock.Instant

    /// Runs one connection on a thread of its own: its calls block.
    func onThread(_ number: Int) async throws -> LoadResult {
        try await withCheckedThrowingContinuation { continuation in
            let work = Work { continuation.resume(with: Result { try run(number) }) }
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
            if code == 0 {
                pthread_detach(thread)
            } else {
                continuation.resume(throwing: BenchError(what: "no thread"))
            }
        }
    }

    private final class Work {
        let body: () -> Void

        init(_ body: @escaping () -> Void) {
            self.body = body
        }
    }

    private func run(_ number: Int) throws -> LoadResult {
        var connection = try LoadConnection(port: port)
        var result = LoadResult()
        let clock = ContinuousClock()
        let end = start + .seconds(seconds)
        var turn = number
        var due = rate > 0 ? start + .seconds(Double(number) / rate) : start
        while true {
            let now = clock.now
            if now >= end || due >= end { return result }
            if now < due { Self.sleep(due - now) }
            let began = rate > 0 ? due : clock.now
            let answer = try connection.get(paths[turn % paths.count])
            if answer.status != 200 { result.errors += 1 }
            result.bytes += answer.length
            result.milliseconds.append((clock.now - began) / .milliseconds(1))
            turn += connections
            if rate > 0 { due += .seconds(Double(connections) / rate) }
        }
    }

    private static func sleep(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var left = timespec()
        while nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
    }
}
