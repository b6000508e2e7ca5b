/// Begins to read again what was not read for 30 days, and repairs what is bad, while whoever asked goes on: what the page of
/// the store has a button for.
public struct StartScrub: AuditedOperation {
    public static let name = "store scrub start"

    public init() {}

    public struct Reply: Codable, Sendable {
        /// False when one is under way.
        public let isNew: Bool
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let house = try context.houseKeeping()
        return Reply(
            isNew: house.begin("scrub") { (context: OperationContext) async throws(OperationError) -> Void in
                _ = try await ScrubStore(hashes: [], isAll: false).run(in: context)
            })
    }
}
