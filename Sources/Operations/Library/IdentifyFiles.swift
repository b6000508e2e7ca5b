import BlobStore
import Catalog
import Digests
import Federation
import Formats
import Moderation
import SystemPackage
import WaggleProtocol

/// `waggle identify`: which releases files belong to. Nothing leaves this machine unless peers are to be asked.
public struct IdentifyFiles: Operation {
    public static let name = "identify"
    /// Absolute path of a file or folder; or any hash of a file.
    public var subject: String
    public var isHash: Bool
    /// Ask peers whether they hold what is unknown here. They learn its SHA-256.
    public var askPeers: Bool

    public init(subject: String, isHash: Bool, askPeers: Bool) {
        self.subject = subject
        self.isHash = isHash
        self.askPeers = askPeers
    }

    public enum Match: String, Codable, Sendable {
        case exact
        /// The same tensors, with other metadata, another order or another file name inside.
        case sameWeights = "same weights, other header"
        case unknown
        /// The file could not be read; see `note`.
        case unreadable
    }

    public struct Item: Codable, Sendable {
        /// Empty when a hash was asked for.
        public let path: String
        /// Empty when it is not known.
        public let sha256: String
        public let match: Match
        public let releases: [Release]
        /// Peers that hold the file.
        public var peers: [String]
        public let note: String
    }

    public struct Release: Codable, Sendable {
        /// `@maker/name@version`.
        public let reference: String
        public let release: String
        public let fileName: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [Item] {
        var items: [Item] = []
        if isHash {
            items.append(try await identify(hash: subject, context))
        } else {
            let path = FilePath(subject)
            if await Self.isFolder(path) {
                for file in try await Self.models(in: path) { items.append(await identify(each: file, context)) }
            } else {
                items.append(try await identify(path, context))
            }
        }
        if askPeers { await ask(&items, context) }
        return items
    }

    private static func isFolder(_ path: FilePath) async -> Bool {
        (try? await Blocking.run { () throws(OperationError) in FolderRoots.isFolder(path) }) ?? false
    }

    private static func models(in folder: FilePath) async throws(OperationError) -> [FilePath] {
        do {
            return try await BlobStore.models(in: [folder], limit: Limits.Library.identified)
        } catch {
            throw OperationError(error)
        }
    }

    // MARK: One file

    /// One of many: what is wrong with it is said beside it.
    private func identify(each path: FilePath, _ context: OperationContext) async -> Item {
        do throws(OperationError) {
            return try await identify(path, context)
        } catch {
            return Item(path: path.string, sha256: "", match: .unreadable, releases: [], peers: [], note: error.message)
        }
    }

    private func identify(_ path: FilePath, _ context: OperationContext) async throws(OperationError) -> Item {
        do {
            // What was hashed in place and is unchanged is not read again.
            if let sha256 = (try? await context.blobs.adoptedFacts(path: path))?.sha256 {
                if let found = try await match(path, sha256, nil, context), found.match == .exact { return found }
                // The background pass has been there: it has read the file for its other names.
                if let extra = try await context.blobs.extraHashes(of: sha256) {
                    return try await match(path, sha256, Weights(extra), context) ?? item(path, sha256, .unknown, [])
                }
            }
            let print = try await FilePrint.of(path, progress: context.progress)
            let weights = print.tensors.map { Weights(digest: $0.digest, autoV3: $0.autoV3) }
            return try await match(path, print.sha256, weights, context) ?? item(path, print.sha256, .unknown, [])
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// The names of a safetensors file's weights.
    private struct Weights {
        let digest: Hash32
        let autoV3: Hash32

        init(digest: Hash32, autoV3: Hash32) {
            (self.digest, self.autoV3) = (digest, autoV3)
        }

        init?(_ extra: ExtraHashes) {
            guard let digest = extra.tensorDigest, let autoV3 = extra.autoV3 else { return nil }
            self.init(digest: digest, autoV3: autoV3)
        }
    }

    /// The releases that a file with these names belongs to; nil when there are none.
    private func match(
        _ path: FilePath, _ sha256: Hash32, _ weights: Weights?, _ context: OperationContext
    ) async throws(CatalogError) -> Item? {
        let filter = context.moderation.filter(for: .owner)
        let exact = try await context.catalog.releases(byHash: HashClaim(sha256: sha256), filter, detail: .list)
        let same = exact.filter { $0.body.files.contains { Hash32($0.sha256) == sha256 } }
        if !same.isEmpty { return item(path, sha256, .exact, same) }
        guard let weights else { return nil }
        var akin = try await context.catalog.releases(byTensorDigest: weights.digest, filter)
        if akin.isEmpty {
            akin = try await context.catalog.releases(byHash: HashClaim(sha256: weights.autoV3), filter, detail: .list)
        }
        return akin.isEmpty ? nil : item(path, sha256, .sameWeights, akin, weights: weights)
    }

    private func identify(hash: String, _ context: OperationContext) async throws(OperationError) -> Item {
        guard let claim = HashClaim(hash) else {
            throw OperationError(
                .usage,
                "\"\(hash)\" is no file here and no hash; SHA-256 has 64 digits, AutoV3 12, AutoV2 10, AutoV1 and CRC-32 8"
            )
        }
        let wanted = hash.lowercased()
        do {
            let found = try await context.catalog.releases(
                byHash: claim, context.moderation.filter(for: .owner), detail: .list)
            if found.isEmpty, let here = try await identify(localHash: wanted, context) { return here }
            let files = found.flatMap(\.body.files)
            let exact = files.first { Hex.encode($0.sha256).hasPrefix(wanted) || Hex.encode($0.piecesRoot) == wanted }
            let byWeights = files.first { Hex.encode($0.autov3).hasPrefix(wanted) }
            let match: Match = found.isEmpty ? .unknown : exact == nil && byWeights != nil ? .sameWeights : .exact
            let sha256 = Hash32(hex: wanted) ?? (exact ?? byWeights).flatMap { Hash32($0.sha256) }
            let releases = found.map { Release($0) { Hex.encode($0.sha256).hasPrefix(wanted) } }
            return Item(
                path: "", sha256: sha256?.hex ?? "", match: match, releases: releases, peers: [], note: "")
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// A hash that no release signs may still be one that the store knows a file by: BLAKE3, or a name of its weights.
    private func identify(localHash wanted: String, _ context: OperationContext) async throws -> Item? {
        guard let bytes = Hex.decode(wanted), let found = try await context.blobs.blobs(named: bytes).first else {
            return nil
        }
        let weights = try await context.blobs.extraHashes(of: found).flatMap { Weights($0) }
        let path = try await context.blobs.adoptedPaths(of: found).first ?? ""
        if let item = try await match(path, found, weights, context) { return item }
        return Item(
            path: path.string, sha256: found.hex, match: .unknown, releases: [], peers: [],
            note: "the file is here, and no release lists it")
    }

    private func item(
        _ path: FilePath, _ sha256: Hash32, _ match: Match, _ releases: [ReleaseView], weights: Weights? = nil
    ) -> Item {
        let links = releases.map { release in
            Release(release) { file in
                Hash32(file.sha256) == sha256
                    || weights.map { Hash32(file.tensorDigest) == $0.digest || Hash32(file.autov3) == $0.autoV3 }
                        ?? false
            }
        }
        return Item(path: path.string, sha256: sha256.hex, match: match, releases: links, peers: [], note: "")
    }

    // MARK: Peers

    /// Asks every peer whether it holds the files that are unknown here. One that does not answer is passed by.
    private func ask(_ items: inout [Item], _ context: OperationContext) async {
        let unknown = items.indices.filter { items[$0].match == .unknown && !items[$0].sha256.isEmpty }
        let peers = (try? await context.federation.peers.unblockedPeers()) ?? []
        for peer in peers {
            guard let url = try? PeerURL(peer.url) else { continue }
            let client = context.federation.client(for: url)
            var rest = unknown[...]
            while !rest.isEmpty {
                let part = Array(rest.prefix(Limits.Wire.hashesPerHave))
                rest = rest.dropFirst(part.count)
                let hashes = part.compactMap { Hash32(hex: items[$0].sha256) }
                guard hashes.count == part.count, let have = try? await client.have(hashes), have.count == part.count
                else { break }
                for (index, presence) in zip(part, have) where presence == .whole {
                    items[index].peers.append(peer.url)
                }
            }
        }
    }
}

extension IdentifyFiles.Release {
    /// A release, with its file that fits, else its first.
    fileprivate init(_ view: ReleaseView, file fits: (WireFile) -> Bool) {
        self.init(
            reference: "@\(view.author.handle)/\(view.body.modelSlug)@\(view.body.version)", release: view.post.hex,
            fileName: (view.body.files.first(where: fits) ?? view.body.files.first)?.name ?? "")
    }
}
