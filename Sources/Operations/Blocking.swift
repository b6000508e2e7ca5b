import NIOPosix

/// Work that waits for a disk, on threads that may wait.
enum Blocking {
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(OperationError) -> Value
    ) async throws(OperationError) -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try body() }
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
