import BlobStore
import Catalog
import Digests
public import FoundationEssentials
import Moderation
import PostLog
import WaggleProtocol

/// `waggle export`: the proof of a release as a file.
public struct ExportRelease: Operation {
    public static let name = "export"

    public enum Format: String, Codable, Sendable, CaseIterable {
        /// A bundle for `waggle verify --release`.
        case waggle
        /// DSSE JSON of the release alone, for `securesystemslib` and others.
        case dsse
    }

    public var reference: String
    public var format: Format

    public init(reference: String, format: Format) {
        self.reference = reference
        self.format = format
    }

    public struct Reply: Codable, Sendable {
        public let fileName: String
        public let bytes: Data
        public let release: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let release = try await ReferenceResolver(context).release(reference)
        do {
            let posts = try await context.log.posts(ids: [release.post, release.modelPost])
            guard let post = posts[release.post] else {
                throw OperationError(.notFound, "the release \(release.post.hex) is not in force here any more")
            }
            let stem = "\(release.body.modelSlug)-\(release.body.version)"
            switch format {
            case .dsse:
                guard let json = DSSEDocument(envelope: post.envelope)?.json else {
                    throw OperationError(.failed, "the stored release cannot be read; run `waggle doctor`")
                }
                return Reply(fileName: stem + ".dsse.json", bytes: json, release: release.post.hex)
            case .waggle:
                let chain = try await context.log.keyChainEnvelopes(of: post.author)
                let bundle = ReleaseBundle.serialize(
                    release: post.envelope, model: posts[release.modelPost]?.envelope ?? Data(),
                    keyChain: chain.keyDocuments + chain.checkpoints, layers: await layers(of: release, context))
                guard let bundle else { throw OperationError(.failed, "the bundle cannot be serialized") }
                return Reply(fileName: stem + ".waggle", bytes: bundle, release: release.post.hex)
            }
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// Unit hashes of the files that are here: with them a reader can name the bad MiB of a damaged file.
    private func layers(of release: ReleaseView, _ context: OperationContext) async -> [Hash32: [Hash32]] {
        var layers: [Hash32: [Hash32]] = [:]
        for file in release.body.files {
            guard let sha256 = Hash32(file.sha256), let units = try? await context.blobs.unitHashes(sha256) else {
                continue
            }
            layers[sha256] = units
        }
        return layers
    }
}
