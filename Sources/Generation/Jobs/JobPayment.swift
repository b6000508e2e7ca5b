/// Who puts prices aside and pays them. Each is asked again after a restart or a lost answer, and does it once for a job.
public protocol JobPayment: Sendable {
    /// Puts `job.price` aside.
    ///
    /// - Returns: what the hold is called; `settle` gets it in `job.hold`.
    /// - Throws: `payment` when it is refused.
    func hold(_ job: Job) async throws(GenerationError) -> String?

    /// Takes `job.captured` of the hold and gives back the rest.
    ///
    /// - Returns: what was taken after all: less where the hold was closed otherwise meanwhile.
    func settle(_ job: Job) async throws(GenerationError) -> Int64
}

/// Nothing costs anything.
public struct NoPayment: JobPayment {
    public init() {}

    public func hold(_ job: Job) async throws(GenerationError) -> String? { nil }
    public func settle(_ job: Job) async throws(GenerationError) -> Int64 { 0 }
}
