import Accounts
import BlobStore
import Digests
import FoundationEssentials
public import Generation
import Identity
import Moderation
import NIOCore
import SystemPackage
import WaggleProtocol

/// `waggle gen run`: orders pictures, and waits for them where it is asked to.
public struct DrawPictures: Operation {
    public static let name = "generate"
    public var request: GenerationRequest
    /// Absolute path of a picture to start from.
    public var initPath: String?
    /// Whether the reply comes when the job is over.
    public var waits: Bool
    /// Absolute path of the file to write; the second picture of a batch and all after it get a number before the ending.
    public var output: String?

    public init(request: GenerationRequest, initPath: String? = nil, waits: Bool = true, output: String? = nil) {
        self.request = request
        self.initPath = initPath
        self.waits = waits
        self.output = output
    }

    public func run(in context: OperationContext) async throws(OperationError) -> JobReport {
        if let output { try check(output) }
        var request = request
        if let initPath {
            let picture = try await SampleFile.read(FilePath(initPath))
            request.initImage = try await picture.store(in: context.blobs).hex
        }
        let desk = GenerationDesk(context)
        let ordered = try await desk.order(request)
        guard waits else { return JobReport(ordered) }
        var report = try await desk.wait(for: ordered.job.id)
        if let error = report.error { throw OperationError(Self.code(report.errorCode), error) }
        if let output { report.pictures = try await write(report.pictures, to: output, context) }
        return report
    }

    private static func code(_ word: String?) -> OperationError.Code {
        word == "cancelled" ? .conflict : .failed
    }

    private func check(_ output: String) throws(OperationError) {
        let count = request.batch ?? 1
        for index in 0..<max(1, min(count, Limits.Generation.batch.upperBound)) {
            let path = Self.path(output, index)
            if FileManager.default.fileExists(atPath: path) {
                throw OperationError(.conflict, "\(path) is there already; nothing is overwritten")
            }
        }
    }

    private static func path(_ output: String, _ index: Int) -> String {
        guard index > 0 else { return output }
        let path = FilePath(output)
        let name = path.stem ?? "picture"
        let ending = path.extension.map { "." + $0 } ?? ""
        return path.removingLastComponent().appending("\(name)-\(index)\(ending)").string
    }

    private func write(
        _ pictures: [JobReport.Picture], to output: String, _ context: OperationContext
    ) async throws(OperationError) -> [JobReport.Picture] {
        var written: [JobReport.Picture] = []
        for var picture in pictures {
            guard let hash = Hash32(hex: picture.sha256) else { continue }
            let path = Self.path(output, picture.index)
            do {
                // A copy: whoever changes their picture must not change the store's.
                let reader = try await context.blobs.open(hash)
                let bytes = try await reader.read(0..<reader.size)
                try await Blocking.run { () throws(OperationError) in
                    do {
                        try Data(bytes.readableBytesView).write(
                            to: URL(filePath: path), options: .withoutOverwriting)
                    } catch {
                        throw OperationError(.conflict, "\(path) cannot be written: \(error)")
                    }
                }
            } catch let error as OperationError {
                throw error
            } catch let error as BlobError {
                throw OperationError(error)
            } catch {
                throw OperationError(.failed, "\(error)")
            }
            picture.path = path
            written.append(picture)
        }
        return written
    }
}

/// What a request would cost.
public struct QuotePictures: Operation {
    public static let name = "generate quote"
    public var request: GenerationRequest

    public init(request: GenerationRequest) {
        self.request = request
    }

    public func run(in context: OperationContext) async throws(OperationError) -> QuoteReport {
        let desk = GenerationDesk(context)
        let quote = try await desk.quote(request)
        let signed = try await desk.sign(quote)
        return QuoteReport(
            work: quote.milliunits, price: quote.price, seed: quote.plan.seed, width: quote.plan.width,
            height: quote.plan.height, steps: quote.plan.steps, cfgScale: quote.plan.cfgScale, quote: signed.text,
            expires: signed.statement.expires)
    }
}

/// `waggle gen jobs`, `waggle gen show`.
public struct ListJobs: Operation {
    public static let name = "generate jobs"
    /// The job with this id alone.
    public var id: String?
    public var limit: Int
    public var offset: Int

    public init(id: String? = nil, limit: Int = 50, offset: Int = 0) {
        self.id = id
        self.limit = limit
        self.offset = offset
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [JobReport] {
        let desk = GenerationDesk(context)
        if let id { return [JobReport(try await desk.standing(id))] }
        let limit = min(max(1, limit), Limits.Generation.historyPage)
        return try await desk.asking { () throws(GenerationError) in
            if context.viewer.kind == .owner { return try await context.generation.newest(limit: limit) }
            return try await context.generation.history(of: desk.owner, limit: limit, offset: max(0, offset))
        }.map { JobReport($0) }
    }
}

/// `waggle gen cancel`.
public struct CancelJob: Operation {
    public static let name = "generate cancel"
    public var id: String

    public init(id: String) {
        self.id = id
    }

    public func run(in context: OperationContext) async throws(OperationError) -> JobReport {
        let desk = GenerationDesk(context)
        _ = try await desk.standing(id)
        try await desk.asking { () throws(GenerationError) in try await context.generation.cancel(id) }
        return JobReport(try await desk.standing(id))
    }
}
