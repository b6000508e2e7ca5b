import BlobStore
import Catalog
public import Digests
public import FoundationEssentials
import Identity
import PostLog
import SwiftProtobuf
import Synchronization
public import SystemPackage
import WaggleProtocol

/// Making and reading bundles: files that prove a release with nothing else at hand.
public enum ReleaseBundle {
    public static let magic = "waggle-release-bundle-1"

    /// The bytes of a bundle.
    ///
    /// - Parameters:
    ///   - keyChain: envelopes of the author's key documents, then of the checkpoints.
    ///   - checkpointBlobs: what the checkpoints name.
    ///   - layers: the unit hashes of files by SHA-256.
    public static func serialize(
        release: Data, model: Data, keyChain: [Data], checkpointBlobs: [Data] = [], layers: [Hash32: [Hash32]]
    ) -> Data? {
        var bundle = WireReleaseBundle()
        bundle.magic = magic
        bundle.release = release
        bundle.model = model
        bundle.keyChain = keyChain
        bundle.checkpointBlobs = checkpointBlobs
        bundle.layers = layers.sorted { $0.key < $1.key }.map { sha256, units in
            var layer = WireUnitLayer()
            layer.sha256 = sha256.data
            layer.units = units.map(\.data)
            return layer
        }
        return try? bundle.serializedBytes()
    }

    /// The bytes of a bundle on disk.
    ///
    /// - Throws: `notFound`, `usage` for a folder or a pipe, `integrity` for a file that is too large to be one.
    public static func read(_ path: FilePath) throws(OperationError) -> Data {
        let (file, size) = try RegularFile.open(path)
        defer { try? file.close() }
        guard size <= UInt64(Limits.Bundle.bytes) else {
            throw OperationError(.integrity, BundleError.tooLarge(limit: Limits.Bundle.bytes).message)
        }
        return try bytes(of: file, at: path, count: Int(size))
    }

    /// Whether a file begins as every bundle does. False for what cannot be opened.
    public static func begins(_ path: FilePath) -> Bool {
        guard let (file, _) = try? RegularFile.open(path) else { return false }
        defer { try? file.close() }
        // Field 1, the number of its bytes, its bytes.
        let start = [0x0a, UInt8(magic.utf8.count)] + Array(magic.utf8)
        return (try? bytes(of: file, at: path, count: start.count)) == Data(start)
    }

    private static func bytes(of file: FileDescriptor, at path: FilePath, count: Int) throws(OperationError) -> Data {
        var data = Data(count: count)
        do {
            let read = try data.withUnsafeMutableBytes { buffer in
                var at = 0
                while at < count {
                    let next = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[at...]))
                    if next == 0 { break }
                    at += next
                }
                return at
            }
            return data.prefix(read)
        } catch {
            throw OperationError(.failed, "\(path) cannot be read: \(error)")
        }
    }

    /// The bundle of a release that is here.
    static func make(of release: ReleaseView, in context: OperationContext) async throws(OperationError) -> Data {
        do {
            let posts = try await context.log.posts(ids: [release.post, release.modelPost])
            guard let post = posts[release.post] else {
                throw OperationError(.notFound, "the release \(release.post.hex) is not in force here any more")
            }
            let keys = try await context.log.keyChainEnvelopes(of: post.author)
            let bundle = serialize(
                release: post.envelope, model: posts[release.modelPost]?.envelope ?? Data(),
                keyChain: keys.keyDocuments + keys.checkpoints,
                checkpointBlobs: try await checkpointBlobs(for: post, keys.checkpoints, context),
                layers: await layers(of: release, context))
            guard let bundle, bundle.count <= Limits.Bundle.bytes else {
                throw OperationError(.limits, "the proof of this release has more than \(Limits.Bundle.bytes) bytes")
            }
            return bundle
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// What the checkpoint names that decides over the release's key, where one does: without it nobody could tell which
    /// releases of a lost key stand.
    private static func checkpointBlobs(
        for release: LoggedPost, _ checkpoints: [Data], _ context: OperationContext
    ) async throws -> [Data] {
        guard let device = try SignedPost(envelope: release.envelope).device,
            let id = try await context.log.keyChain(of: release.author)?.devices[device]?.decidingCheckpoint,
            let checkpoint = try checkpoints.lazy.map({ try SignedPost(envelope: $0) }).first(where: { $0.id == id }),
            let name = Hash32(checkpoint.post.checkpoint.blob), let facts = try await context.blobs.facts(name),
            facts.size <= UInt64(Limits.Checkpoint.bytes)
        else { return [] }
        let bytes = Mutex(Data())
        let found = try? await context.blobs.verify(
            name, sink: { chunk in bytes.withLock { $0.append(contentsOf: chunk) } })
        return found?.isGood == true ? [bytes.withLock { $0 }] : []
    }

    /// Unit hashes of the files that are here: with them a reader can name the bad MiB of a damaged file.
    private static func layers(of release: ReleaseView, _ context: OperationContext) async -> [Hash32: [Hash32]] {
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
