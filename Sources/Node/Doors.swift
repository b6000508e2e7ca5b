import Gateway
import Logging
import ServiceLifecycle

/// The gateway; where others are to reach it, first on this machine alone, and at its own address once set-up is finished.
struct Doors: Service {
    let first: Gateway
    var opened: AsyncStream<Void>?
    var logger = Logger(label: "waggle")
    /// Made when it is needed: the port is known by then.
    var second: (@Sendable () throws -> Gateway)?

    init(first: Gateway) {
        self.first = first
    }

    init(first: Gateway, opened: AsyncStream<Void>, logger: Logger, second: @escaping @Sendable () throws -> Gateway) {
        self.first = first
        self.opened = opened
        self.logger = logger
        self.second = second
    }

    func run() async throws {
        guard let opened, let second else { return try await first.run() }
        // A group of its own, so that answers under way are ended before the address changes.
        let inner = ServiceGroup(
            services: [first], gracefulShutdownSignals: [], cancellationSignals: [], logger: logger)
        let isOpened = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await inner.run()
                return false
            }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    for await _ in opened {
                        await inner.triggerGracefulShutdown()
                        return true
                    }
                    return false
                }
            }
            var isOpened = false
            // Both: the first gateway has let go of its port when this is over.
            while let result = try await group.next() {
                isOpened = isOpened || result
                if !result, !isOpened { group.cancelAll() }
            }
            return isOpened
        }
        guard isOpened, !Task.isShuttingDownGracefully else { return }
        try await second().run()
    }
}
