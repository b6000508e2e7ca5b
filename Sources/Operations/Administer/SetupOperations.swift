import Administration

/// `waggle account setup --done`: counts set-up as finished without the browser. From then on a node listens where its settings
/// say.
public struct FinishSetup: AuditedOperation {
    public static let name = "setup finish"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> Done {
        do {
            try await context.administration.finishSetup()
        } catch {
            throw OperationError(error)
        }
        context.house?.openDoors()
        return Done()
    }
}
