public import Digests
public import FoundationEssentials
public import Identity
import SwiftProtobuf
public import WaggleProtocol

/// Why a bundle proves nothing.
public enum BundleError: Error, Equatable, Sendable {
    case notABundle
    case tooLarge(limit: Int)
    case badPost(String)
    case notSignedByAuthor(String)
    case wrongModel

    public var message: String {
        switch self {
        case .notABundle: "this is no release bundle; `waggle export REF --format waggle` makes one"
        case .tooLarge(let limit): "a release bundle has at most \(limit) bytes"
        case .badPost(let why): "a post in the bundle is not valid: \(why)"
        case .notSignedByAuthor(let why): "the release is not signed by a key that may sign for its author: \(why)"
        case .wrongModel: "the model in the bundle is not the one that the release belongs to"
        }
    }
}

/// A release with everything that proves it, checked: it needs no network and no node, now or in ten years.
public struct VerifiedBundle: Sendable {
    public let release: SignedPost
    public let model: SignedPost?
    public let chain: KeyChain
    /// Unit hashes by file, checked against the signed pieces roots.
    public let layers: [Hash32: [Hash32]]
    /// What the reader should know beyond "valid": a retired key, a disputed chain.
    public let remarks: [String]

    public var body: WireRelease { release.post.release }

    /// Reads and checks a bundle: every signature, the key chain, the model, the unit hashes.
    public init(_ bytes: Data) throws(BundleError) {
        guard bytes.count <= Limits.Bundle.bytes else { throw .tooLarge(limit: Limits.Bundle.bytes) }
        guard let bundle = try? WireReleaseBundle(serializedBytes: bytes), bundle.magic == ReleaseBundle.magic else {
            throw .notABundle
        }
        do {
            let release = try SignedPost(envelope: bundle.release)
            guard release.kind == .release, let device = release.device else { throw BundleError.notABundle }
            var remarks: [String] = []
            var chain: KeyChain?
            for envelope in bundle.keyChain {
                let post = try SignedPost(envelope: envelope)
                guard post.kind == .keyDocument else { continue }
                if chain == nil { chain = try KeyChain(genesis: post) } else { try chain?.add(post) }
            }
            guard let chain, chain.author == release.author else {
                throw BundleError.notSignedByAuthor("the author's key documents are missing")
            }
            // Without a checkpoint's blob a lost or compromised key proves nothing, and saying so is right.
            let verdict = chain.verdict(
                device: device, created: release.post.created, id: release.id, scope: .release, checkpoint: { _ in nil }
            )
            if case .refused(let why) = verdict { throw BundleError.notSignedByAuthor(why) }
            if chain.devices[device]?.revocation != nil { remarks.append("the signing key was retired later") }
            if chain.isDisputed { remarks.append("the author's keys are disputed: two rotations exist") }
            let model = bundle.model.isEmpty ? nil : try SignedPost(envelope: bundle.model)
            if let model {
                guard model.kind == .model, model.author == release.author,
                    release.post.release.modelAuthor == model.author.data,
                    model.post.slot == release.post.release.modelSlug
                else { throw BundleError.wrongModel }
            }
            self.release = release
            self.model = model
            self.chain = chain
            self.remarks = remarks
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

/// Making bundles.
public enum ReleaseBundle {
    public static let magic = "waggle-release-bundle-1"

    public static func serialize(release: Data, model: Data, keyChain: [Data], layers: [Hash32: [Hash32]]) -> Data? {
        var bundle = WireReleaseBundle()
        bundle.magic = magic
        bundle.release = release
        bundle.model = model
        bundle.keyChain = keyChain
        bundle.layers = layers.sorted { $0.key < $1.key }.map { sha256, units in
            var layer = WireUnitLayer()
            layer.sha256 = sha256.data
            layer.units = units.map(\.data)
            return layer
        }
        return try? bundle.serializedBytes()
    }
}
