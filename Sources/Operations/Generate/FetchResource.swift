import Catalog
import Digests
import Federation
import FoundationEssentials
import WaggleProtocol

/// Gets a file that a recipe names and that is not here, verified, from whichever nodes have it. It is kept.
public struct FetchResource: Operation {
    public static let name = "generate fetch"
    /// The file's, in hexadecimal.
    public var sha256: String

    public init(sha256: String) {
        self.sha256 = sha256
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Done {
        let file = try await MissingResource.file(sha256, context)
        guard try await context.fetch(file) != nil else {
            throw OperationError(.notFound, "the release has no such file any more")
        }
        return Done()
    }
}

/// A file that a recipe names: how large it is and who has it.
public struct MissingResource: Sendable {
    public let sha256: String
    public let size: UInt64
    /// Peers that said just now that they have it, whole or in part.
    public let holders: Int

    /// - Throws: `notFound` when no release that may be seen has it.
    public init(_ sha256: String, in context: OperationContext) async throws(OperationError) {
        let file = try await Self.file(sha256, context)
        self.sha256 = sha256
        size = file.size
        holders =
            if let hash = Hash32(file.sha256) { await context.federation.fetcher.holderCount(of: hash) } else { 0 }
    }

    static func file(_ sha256: String, _ context: OperationContext) async throws(OperationError) -> WireFile {
        guard let hash = Hash32(hex: sha256) else {
            throw OperationError(.usage, "\"\(sha256.prefix(80))\" is no hash: 64 hexadecimal digits")
        }
        let release = try await ReferenceResolver(context).release(hash.hex)
        guard let file = release.body.files.first(where: { $0.sha256 == hash.data }) else {
            throw OperationError(.notFound, "no release here has the file \(hash.hex)")
        }
        return file
    }
}
