import BlobStore
import Digests
import FoundationEssentials
import Generation
import NIOCore
import SystemPackage
import WaggleProtocol

/// Posts the pictures of a job that was drawn here: each with its recipe and the full hashes of its files.
public struct PostDrawn: Operation {
    public static let name = "generate post"
    public var account: String
    public var job: String
    public var level: String

    public init(account: String, job: String, level: String) {
        self.account = account
        self.job = job
        self.level = level
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let standing = try await GenerationDesk(context).standing(job)
        guard !standing.job.pictures.isEmpty else {
            throw OperationError(.notFound, "this job has no pictures")
        }
        let folder = context.home.temporary.appending("post-\(standing.job.id)")
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        var paths: [String] = []
        do {
            try FileManager.default.createDirectory(
                atPath: folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for picture in standing.job.pictures.sorted(by: { $0.index < $1.index }) {
                guard let hash = Hash32(hex: picture.sha256) else { continue }
                let reader = try await context.blobs.open(hash)
                let ending = (standing.job.plan.format ?? .png).ending
                let path = folder.appending("\(picture.index).\(ending)").string
                try Data(try await reader.read(0..<reader.size).readableBytesView).write(to: URL(filePath: path))
                paths.append(path)
            }
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return try await PostImages(account: account, images: paths, level: level).run(in: context)
    }
}
