import NIOPosix

/// Runs what blocks (hashing, reading, syncing) on the thread pool, off the cooperative threads.
extension NIOThreadPool {
    /// Runs `body` to its end even when the task is cancelled meanwhile: a half-done commit would help nobody.
    func result<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BlobError) -> Value
    ) async -> Result<Value, BlobError> {
        await withCheckedContinuation { continuation in
            submit { state in
                guard case .active = state else {
                    continuation.resume(returning: .failure(.closed))
                    return
                }
                do throws(BlobError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
    }

    /// `result`, thrown.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BlobError) -> Value
    ) async throws(BlobError) -> Value {
        try await result(body).get()
    }
}
