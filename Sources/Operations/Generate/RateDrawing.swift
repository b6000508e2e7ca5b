import Digests
import FoundationEssentials
import Generation
import WaggleProtocol

/// Says of a picture that was drawn here whether it is good: a signed post that names the picture by hash and the releases
/// that it was drawn with. Neither the prompt nor the picture becomes public. Currencies may reward it.
public struct RateDrawing: Operation {
    public static let name = "generate rate"
    public var account: String
    public var job: String
    /// Which picture of the batch, from 0.
    public var picture: Int
    public var isGood: Bool

    public init(account: String, job: String, picture: Int, isGood: Bool) {
        self.account = account
        self.job = job
        self.picture = picture
        self.isGood = isGood
    }

    public func run(in context: OperationContext) async throws(OperationError) -> JobReport {
        let posting = try Posting(context, as: account)
        let desk = GenerationDesk(context)
        let standing = try await desk.standing(job)
        guard standing.job.state.isOver else { throw OperationError(.conflict, "this job is not over yet") }
        guard let drawn = standing.job.pictures.first(where: { $0.index == picture }),
            let hash = Hash32(hex: drawn.sha256)
        else { throw OperationError(.notFound, "this job has no picture \(picture)") }
        // Said once, it stands: later opinions are kept here, and count for nothing elsewhere.
        if drawn.isGood == nil {
            var feedback = WireDrawingFeedback()
            feedback.picture = hash.data
            feedback.releases = Set(standing.job.models.files.compactMap { $0.release.flatMap { Hash32(hex: $0) } })
                .sorted().map(\.data)
            feedback.good = isGood
            try await posting.submit([try posting.sign { $0.drawingFeedback = feedback }])
        }
        let id = standing.job.id
        _ = try await desk.asking { () throws(GenerationError) in
            try await context.generation.note(isGood, of: picture, in: id)
        }
        return JobReport(try await desk.standing(id))
    }
}
