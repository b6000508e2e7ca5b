import BlobStore
import Catalog
import Digests
import Identity
import Moderation
import WaggleProtocol

/// A release in full, for `waggle show` and its `--json`.
public struct ReleaseReport: Codable, Sendable {
    public struct File: Codable, Sendable {
        public let name: String
        public let size: UInt64
        public let format: String
        public let precision: String
        public let sha256: String
        public let piecesRoot: String
        public let autov1: String
        public let autov2: String
        public let autov3: String
        public let crc32: String
        /// "whole", "partial" or "none".
        public let here: String
    }

    public let id: Int32
    public let release: String
    public let model: String
    public let name: String
    public let slug: String
    public let version: String
    public let type: String
    public let baseModel: String
    public let triggerWords: [String]
    public let tags: [String]
    public let description: String
    public let level: String
    public let author: String
    public let authorName: String
    /// Unix seconds.
    public let created: UInt64
    public let files: [File]
    public let images: Int
    public let versions: [String]
    /// Pictures made with it, newest first, at most 200, with what is known of the files that made them.
    public let pictures: [Picture]
    /// What it was made from, and what was made from it.
    public let lineage: [Relative]
    public let downloads: Int
    public let recommended: Int
    public let reviews: Int
    public let comments: Int
    /// What the author's word on the newest release says against what is shown; empty when all is well.
    public let warnings: [String]

    public struct Picture: Codable, Sendable {
        public struct Resource: Codable, Sendable {
            public let name: String
            public let kind: String
            /// "verified", "matched", "claimed" or "unknown".
            public let state: String
            /// Name and version of the release that has the file, when it is known here.
            public let release: String?
        }

        public let id: Int32
        public let post: String
        public let prompt: String
        public let resources: [Resource]
        /// It names what made it, and every one of these files is known here by its full hash.
        public let isVerified: Bool
    }

    public struct Relative: Codable, Sendable {
        /// "base", "merge-of", "trained-from".
        public let role: String
        public let isAncestor: Bool
        public let post: String
        public let name: String
        public let depth: Int
    }
}

/// `waggle show REF`.
public struct ShowRelease: Operation {
    public static let name = "show"
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ReleaseReport {
        let release = try await ReferenceResolver(context).release(reference)
        let filter = context.moderation.filter(for: .owner)
        let model: ModelView?
        let presence: [Presence]
        let lineage: LineageView
        var pictures: [ReleaseReport.Picture] = []
        do {
            model = try await context.catalog.model(post: release.modelPost, filter)
            presence = try await context.blobs.presence(release.body.files.compactMap { Hash32($0.sha256) })
            lineage = try await context.catalog.lineage(ofRelease: release.id, filter)
            var query = ImageQuery()
            query.releaseID = release.id
            query.limit = Limits.Catalog.pageItems
            for image in try await context.catalog.images(query, filter).items {
                let recipe = try await context.catalog.recipe(ofImage: image.id, filter)
                pictures.append(ReleaseReport.Picture(image, recipe))
            }
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        let body = model?.body ?? WireModel()
        let counts = release.counts
        return ReleaseReport(
            id: release.id, release: release.post.hex, model: release.modelPost.hex, name: body.name,
            slug: release.body.modelSlug, version: release.body.version, type: body.type,
            baseModel: release.body.baseModel, triggerWords: release.body.trainedWords, tags: body.tags,
            description: body.description_p, level: (model?.level ?? .xxx).word,
            author: AuthorID.text(release.author.author), authorName: release.author.name, created: release.created,
            files: zip(release.body.files, presence).map { ReleaseReport.File($0, $1) },
            images: pictures.count, versions: model?.releases.map(\.body.version) ?? [], pictures: pictures,
            lineage: lineage.ancestors.map { ReleaseReport.Relative($0, isAncestor: true) }
                + lineage.descendants.map { ReleaseReport.Relative($0, isAncestor: false) },
            downloads: counts.downloads, recommended: counts.recommended,
            reviews: counts.recommended + counts.notRecommended, comments: counts.comments,
            warnings: try await ChannelNotice.warnings(for: release, in: context))
    }
}

extension ReleaseReport.Picture {
    init(_ image: ImageView, _ recipe: RecipeView?) {
        self.init(
            id: image.id, post: image.post.hex, prompt: image.image.recipe.prompt,
            resources: recipe?.resources.map { match in
                Resource(
                    name: match.resource.name, kind: match.resource.kind, state: match.state.rawValue,
                    release: match.release.map { "\($0.modelName) \($0.version)" })
            } ?? [], isVerified: recipe?.isVerified ?? false)
    }
}

extension ReleaseReport.Relative {
    init(_ link: LineageLink, isAncestor: Bool) {
        self.init(
            role: link.role, isAncestor: isAncestor, post: link.post.hex,
            name: link.release.map { "\($0.modelName) \($0.version)" } ?? "", depth: link.depth)
    }
}

extension ReleaseReport.File {
    init(_ file: WireFile, _ presence: Presence) {
        let sha256 = Hex.encode(file.sha256)
        let here =
            switch presence {
            case .none: "none"
            case .partial: "partial"
            case .whole: "whole"
            }
        self.init(
            name: file.name, size: file.size, format: file.format, precision: file.precision, sha256: sha256,
            piecesRoot: Hex.encode(file.piecesRoot), autov1: Hex.encode(file.autov1),
            autov2: String(sha256.prefix(10)), autov3: Hex.encode(file.autov3),
            crc32: String(repeating: "0", count: max(0, 8 - String(file.crc32, radix: 16).count))
                + String(file.crc32, radix: 16), here: here)
    }
}
