import BlobStore
import Catalog
import Digests
import Federation
import FoundationEssentials
import Identity
import PostLog
import WaggleProtocol

/// `waggle repair`: fetches blobs that should be here and are not, by their hash, from peers: what the store had (as the
/// index, or the backup that it came from, knows), what something pins, and what posts of this node's people name.
public struct RepairStore: Operation {
    public static let name = "repair"
    public init() {}

    public struct Reply: Codable, Sendable {
        public struct Missing: Codable, Sendable {
            public let sha256: String
            /// Bytes; 0 when nobody knows.
            public let size: UInt64
            /// Of a file of a release; empty for others.
            public let name: String
            public let failure: String
        }

        /// Blobs that should be here.
        public let wanted: BlobSum
        public let fetched: BlobSum
        public let missing: [Missing]

        public var isWhole: Bool { missing.isEmpty }
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            let (wanted, lacking) = try await WantedBlobs(context).gather()
            return try await fetch(lacking, wanted: wanted, context)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private func fetch(_ lacking: [WantedBlobs.Blob], wanted: BlobSum, _ context: OperationContext) async throws
        -> Reply
    {
        var fetched = StoreUsage.Sum(blobs: 0, bytes: 0)
        var missing: [Reply.Missing] = []
        let total = lacking.reduce(0) { $0 + $1.size }
        var done: UInt64 = 0
        for blob in lacking {
            let before = done
            let failure = await get(blob, context) { bytes in
                context.progress(
                    Progress(activity: "fetching \(blob.sha256.hex.prefix(12))", done: before + bytes, total: total))
            }
            done += blob.size
            if let failure {
                let name = try await context.catalog.blobReference(blob.sha256)?.fileName ?? ""
                missing.append(.init(sha256: blob.sha256.hex, size: blob.size, name: name, failure: failure))
            } else {
                fetched.blobs += 1
                fetched.bytes += blob.size
            }
        }
        return Reply(wanted: wanted, fetched: BlobSum(fetched), missing: missing)
    }

    /// Nil when it is here now, else why not, in words.
    private func get(
        _ blob: WantedBlobs.Blob, _ context: OperationContext, progress: @escaping @Sendable (UInt64) -> Void
    ) async -> String? {
        guard let root = blob.piecesRoot else {
            guard let bytes = await context.federation.bytes(ofBlob: blob.sha256, limit: Limits.Text.sampleBytes) else {
                return "no peer has it"
            }
            do throws(BlobError) {
                _ = try await context.blobs.add(bytes: bytes)
                return nil
            } catch {
                return error.description
            }
        }
        if let facts = try? await context.blobs.facts(blob.sha256) {
            return await context.federation.storeKeeper.repair(facts)
        }
        do throws(FetchError) {
            try await context.federation.fetcher.fetch(
                WantedBlob(sha256: blob.sha256, piecesRoot: root, size: blob.size), progress: progress)
            return nil
        } catch {
            return error.message
        }
    }
}

/// What should be in the store.
struct WantedBlobs {
    struct Blob: Hashable {
        let sha256: Hash32
        /// 0 when nobody knows.
        let size: UInt64
        let piecesRoot: Hash32?
    }

    private let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// How much should be here, and what of it is not.
    func gather() async throws -> (wanted: BlobSum, lacking: [Blob]) {
        var wanted: [Hash32: Blob] = [:]
        for facts in try await context.blobs.listed() {
            wanted[facts.sha256] = Blob(sha256: facts.sha256, size: facts.size, piecesRoot: facts.piecesRoot)
        }
        for hash in try await context.blobs.pinnedUnknown() where wanted[hash] == nil {
            wanted[hash] = try await known(hash)
        }
        for author in context.keyring.authors {
            for blob in try await named(by: author) {
                try await context.blobs.pin(blob.sha256, .ownPost)
                if wanted[blob.sha256] == nil { wanted[blob.sha256] = blob }
            }
        }
        var lacking: [Blob] = []
        for blob in wanted.values.sorted(by: { $0.sha256 < $1.sha256 }) where try await isLacking(blob.sha256) {
            lacking.append(blob)
        }
        let sum = StoreUsage.Sum(blobs: wanted.count, bytes: wanted.values.reduce(0) { $0 + $1.size })
        return (BlobSum(sum), lacking)
    }

    /// By the index; other programs' files are looked at, because a restored index may speak of another machine's.
    private func isLacking(_ hash: Hash32) async throws -> Bool {
        guard try await context.blobs.presence([hash]) == [.whole] else { return true }
        guard let facts = try await context.blobs.facts(hash), case .adopted = facts.place else { return false }
        return (try? await context.blobs.open(hash)) == nil
    }

    private func known(_ hash: Hash32) async throws -> Blob {
        let reference = try await context.catalog.blobReference(hash)
        guard let reference, reference.piecesRoot != .zero else { return Blob(sha256: hash, size: 0, piecesRoot: nil) }
        return Blob(sha256: hash, size: reference.size, piecesRoot: reference.piecesRoot)
    }

    /// Everything that posts in force of an author show.
    private func named(by author: Hash32) async throws -> [Blob] {
        let index = try await context.log.index(ofAuthor: author, limit: Limits.Gateway.builtScopeIDs)
        let ids = (0..<index.count).map { index[$0].id }
        var blobs: [Blob] = []
        for start in stride(from: 0, to: ids.count, by: 500) {
            let posts = try await context.log.posts(ids: Array(ids[start..<min(start + 500, ids.count)]))
            for post in posts.values { blobs += Self.blobs(of: post.post) }
        }
        return blobs
    }

    static func blobs(of post: WirePost) -> [Blob] {
        func file(_ file: WireFile) -> Blob? { blob(file.sha256, file.size, file.piecesRoot) }
        func image(_ image: WireImage) -> Blob? { blob(image.blob, image.size, image.piecesRoot) }
        func name(_ sha256: Data) -> Blob? { Hash32(sha256).map { Blob(sha256: $0, size: 0, piecesRoot: nil) } }
        func blob(_ sha256: Data, _ size: UInt64, _ root: Data) -> Blob? {
            guard let hash = Hash32(sha256), let root = Hash32(root) else { return nil }
            return Blob(sha256: hash, size: size, piecesRoot: root)
        }
        let found: [Blob?] =
            switch post.body {
            case .release(let body): body.files.map(file)
            case .imagePost(let body): body.images.map(image)
            case .review(let body): body.images.map(image)
            case .workflow(let body): [file(body.graph)]
            case .profile(let body): [name(body.avatar)]
            case .article(let body): [name(body.cover)]
            case .checkpoint(let body): [name(body.blob)]
            default: []
            }
        return found.compactMap { $0 }
    }
}
