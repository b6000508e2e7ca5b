/// Where another program finds its models.
public protocol ModelShelf: Sendable {
    /// Puts the files of a job where the program looks for them.
    func place(_ models: ModelSet) async throws(GenerationError)
}

/// A program that finds the files of each job on a shelf of its own, put there before it is asked to draw.
public struct ShelvedBackend: GenerationBackend {
    private let program: any GenerationBackend
    private let shelf: any ModelShelf

    public init(_ program: any GenerationBackend, shelf: any ModelShelf) {
        self.program = program
        self.shelf = shelf
    }

    public var name: String { program.name }

    public func report() async throws(GenerationError) -> BackendReport { try await program.report() }

    public func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        try await sign(.loading)
        try await shelf.place(order.models)
        try await program.draw(order, sign: sign)
    }

    public func rest() async { await program.rest() }
}
