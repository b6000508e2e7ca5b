public import Digests
public import FoundationEssentials
public import Identity
import SwiftProtobuf
public import WaggleProtocol

/// A release with everything that proves it, checked: it needs no network and no node, now or in ten years.
public struct VerifiedBundle: Sendable {
    public let release: SignedPost
    public let model: SignedPost?
    public let chain: KeyChain
    /// Which key signed, and what became of it.
    public let signer: SignerReport
    /// Unit hashes by file, checked against the signed pieces roots.
    public let layers: [Hash32: [Hash32]]

    public var body: WireRelease { release.post.release }

    /// Reads and checks a bundle: every signature, the key chain, the model, the unit hashes.
    public init(_ bytes: Data) throws(BundleError) {
        guard bytes.count <= Limits.Bundle.bytes else { throw .tooLarge(limit: Limits.Bundle.bytes) }
        guard let bundle = try? WireReleaseBundle(serializedBytes: bytes),
            bundle.magic.utf8.elementsEqual(ReleaseBundle.magic.utf8)
        else { throw .notABundle }
        do {
            let release = try SignedPost(envelope: bundle.release)
            guard release.kind == .release, let device = release.device else { throw BundleError.notABundle }
            let keys = try BundledKeys(bundle, author: release.author)
            self.release = release
            chain = keys.chain
            signer = try keys.signer(of: release, device: device)
            model = bundle.model.isEmpty ? nil : try SignedPost(envelope: bundle.model)
            if let model {
                guard model.kind == .model, model.author == release.author,
                    release.post.release.modelAuthor == model.author.data,
                    model.post.slot.utf8.elementsEqual(release.post.release.modelSlug.utf8)
                else { throw BundleError.wrongModel }
            }
            layers = Self.layers(bundle.layers, files: release.post.release.files)
        } catch let error as BundleError {
            throw error
        } catch let error as PostError {
            throw .badPost(error.message)
        } catch let error as KeyChainError {
            throw .badPost(error.message)
        } catch {
            throw .badPost("\(error)")
        }
    }

    /// Layers are not signed; those that fit a signed root are as good as signed, the others are ignored.
    private static func layers(_ layers: [WireUnitLayer], files: [WireFile]) -> [Hash32: [Hash32]] {
        var checked: [Hash32: [Hash32]] = [:]
        for layer in layers {
            let units = layer.units.compactMap { Hash32($0) }
            guard let sha256 = Hash32(layer.sha256), units.count == layer.units.count,
                let file = files.first(where: { $0.sha256 == layer.sha256 }),
                MerkleTree.root(layer: units, size: file.size)?.data == file.piecesRoot
            else { continue }
            checked[sha256] = units
        }
        return checked
    }
}

/// The author's keys as a bundle carries them: documents, checkpoints, and what the checkpoints name.
private struct BundledKeys {
    let chain: KeyChain
    private let checkpoints: [SignedPost]
    private let blobs: [Hash32: Data]

    init(_ bundle: WireReleaseBundle, author: Hash32) throws {
        let posts = try bundle.keyChain.map { try SignedPost(envelope: $0) }
        var chain: KeyChain?
        for post in posts where post.kind == .keyDocument {
            if chain == nil { chain = try KeyChain(genesis: post) } else { try chain?.add(post) }
        }
        guard let chain, chain.author == author else {
            throw BundleError.notSignedByAuthor("the author's key documents are missing")
        }
        self.chain = chain
        checkpoints = posts.filter { $0.kind == .checkpoint && $0.author == author && chain.acceptsRoots($0.signers) }
        blobs = Dictionary(
            bundle.checkpointBlobs.map { (SHA256.hash($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Throws: `notSignedByAuthor` when the release does not stand.
    func signer(of release: SignedPost, device: Hash32) throws -> SignerReport {
        let verdict = chain.verdict(
            device: device, created: release.post.created, id: release.id, scope: .release,
            checkpoint: { ids(ofCheckpoint: $0, device: device) })
        let report = SignerReport(
            device: device, release: release, chain: chain, isAccepted: verdict == .accepted)
        switch verdict {
        case .accepted:
            guard let report else { throw BundleError.notSignedByAuthor("no key document lists the key") }
            return report
        case .refused(let why):
            guard let report, report.state != .inForce else { throw BundleError.notSignedByAuthor(why) }
            throw BundleError.notSignedByAuthor(
                "the key \"\(report.label)\" (\(report.key.prefix(16))…) was \(report.meaning)")
        }
    }

    /// What a checkpoint names; nil when it or its blob is not in the bundle.
    private func ids(ofCheckpoint id: Hash32, device: Hash32) -> Set<Hash32>? {
        guard let post = checkpoints.first(where: { $0.id == id }), post.post.checkpoint.device == device.data,
            let name = Hash32(post.post.checkpoint.blob), let blob = blobs[name], blob.count % 32 == 0
        else { return nil }
        return blob.withUnsafeBytes { bytes in
            Set(stride(from: 0, to: bytes.count, by: 32).map { Hash32(copying: .init(rebasing: bytes[$0..<$0 + 32])) })
        }
    }
}
