import BlobStore
import Catalog
import Digests
public import FoundationEssentials
import Identity
public import SystemPackage
import WaggleProtocol

/// What is known of a file after it was checked.
public struct VerifyReply: Codable, Sendable {
    public let file: String
    public let sha256: String
    public let release: String
    public let model: String
    public let version: String
    public let author: String
    /// The device key that signed, in hexadecimal.
    public let key: String
    /// Unix seconds.
    public let signed: UInt64
    public let remarks: [String]
}

/// `waggle verify FILE --release BUNDLE`: checks a file against a signed release with nothing but the two files.
///
/// It is no `Operation`, because it needs no node and no home.
public struct VerifyOffline: Sendable {
    public let file: FilePath
    public let bundle: Data

    public init(file: FilePath, bundle: Data) {
        self.file = file
        self.bundle = bundle
    }

    /// - Throws: `integrity` when the file is not what was signed, with the first bad MiB where it can be told, or when
    ///   the bundle proves nothing; `notFound` when there is no such file.
    public func run(progress: @escaping @Sendable (Progress) -> Void) async throws(OperationError) -> VerifyReply {
        let verified: VerifiedBundle
        do {
            verified = try VerifiedBundle(bundle)
        } catch {
            throw OperationError(.integrity, error.message)
        }
        let name = file.lastComponent?.string ?? file.string
        let expected = try await candidate(verified, name: name)
        let sha256 = Hash32(expected.sha256) ?? .zero
        let found: Verification
        do {
            found = try await BlobStore.verifyFile(
                path: file, sha256: sha256, size: expected.size, piecesRoot: Hash32(expected.piecesRoot),
                layer: verified.layers[sha256],
                progress: { progress(Progress(activity: "hashing \(name)", done: $0, total: expected.size)) })
        } catch {
            throw OperationError(error)
        }
        guard found.isGood else { throw Self.mismatch(found, expected) }
        return VerifyReply(verified, file: name, sha256: sha256)
    }

    private static func mismatch(_ found: Verification, _ expected: WireFile) -> OperationError {
        let what: String
        if found.size != expected.size {
            what = "it has \(found.size) bytes and \(expected.size) were signed"
        } else if let unit = found.badUnits.first {
            let start = UInt64(unit) * UInt64(Limits.Blob.unitBytes)
            let end = min(start + UInt64(Limits.Blob.unitBytes), expected.size) - 1
            let more = found.badUnits.count > 1 ? " (and \(found.badUnits.count - 1) more)" : ""
            what = "unit \(unit), bytes \(start)-\(end), is not what was signed\(more)"
        } else {
            what = "its SHA-256 is \(found.sha256.hex)"
        }
        return OperationError(
            .integrity,
            "this is not the signed file \(expected.name): \(what). Fetch it again; `waggle get` verifies every MiB")
    }

    /// The signed file that this one claims to be: by name, else by size, else the only one.
    private func candidate(_ verified: VerifiedBundle, name: String) async throws(OperationError) -> WireFile {
        let files = verified.body.files
        let (opened, size) = try RegularFile.open(file)
        try? opened.close()
        let match =
            files.first { $0.name == name && $0.size == size } ?? files.first { $0.size == size }
            ?? files.first { $0.name == name } ?? (files.count == 1 ? files.first : nil)
        guard let match else {
            throw OperationError(
                .integrity,
                "none of the \(files.count) files of the release has this name or size: \(name), \(size) bytes")
        }
        return match
    }
}

/// `waggle verify FILE` without a bundle: looks the file's hash up in what this node knows.
public struct VerifyKnown: Operation {
    public static let name = "verify"
    public var path: String

    public init(path: String) {
        self.path = path
    }

    public func run(in context: OperationContext) async throws(OperationError) -> VerifyReply {
        let file = FilePath(path)
        let name = file.lastComponent?.string ?? path
        let (opened, _) = try RegularFile.open(file)
        try? opened.close()
        let found: Verification
        do {
            found = try await BlobStore.verifyFile(
                path: file,
                progress: { context.progress(Progress(activity: "hashing \(name)", done: $0, total: 0)) })
        } catch {
            throw OperationError(error)
        }
        let release = try await ReferenceResolver(context).releases(ofFile: found.sha256).first
        guard let release else {
            throw OperationError(
                .failed,
                "no release known here lists this file (SHA-256 \(found.sha256.hex)). It may be changed, or its release "
                    + "has not reached this node; with its bundle: waggle verify FILE --release BUNDLE")
        }
        let export = try await ExportRelease(reference: release.post.hex, format: .waggle).run(in: context)
        do {
            return VerifyReply(try VerifiedBundle(export.bytes), file: name, sha256: found.sha256)
        } catch {
            throw OperationError(.integrity, error.message)
        }
    }
}

extension VerifyReply {
    init(_ bundle: VerifiedBundle, file: String, sha256: Hash32) {
        self.init(
            file: file, sha256: sha256.hex, release: bundle.release.id.hex, model: bundle.body.modelSlug,
            version: bundle.body.version, author: AuthorID.text(bundle.release.author),
            key: bundle.release.device?.hex ?? "", signed: bundle.release.post.created, remarks: bundle.remarks)
    }
}
