import BlobStore
import Digests
public import FoundationEssentials
public import SystemPackage
import WaggleProtocol

/// `waggle verify FILE --release BUNDLE`: checks a file against a signed release with nothing but the two files.
/// `waggle verify BUNDLE` checks the proof alone.
///
/// It is no `Operation`, because it needs no node and no home.
public struct VerifyOffline: Sendable {
    public let file: FilePath?
    public let bundle: Data

    /// - Parameter file: nil to look at the proof alone.
    public init(file: FilePath?, bundle: Data) {
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
        guard let file else {
            return VerifyReply(verified, files: verified.body.files.map { VerifyReply.File($0, .unchecked) })
        }
        let name = file.lastComponent?.string ?? file.string
        let expected = try candidate(verified, file, name: name)
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
        return VerifyReply(verified, files: [.init(name: name, sha256: sha256.hex, state: .good)])
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
    private func candidate(
        _ verified: VerifiedBundle, _ file: FilePath, name: String
    ) throws(OperationError) -> WireFile {
        let files = verified.body.files
        let (opened, size) = try RegularFile.open(file)
        try? opened.close()
        let match =
            files.first { $0.name == name && $0.size == size } ?? files.first { $0.size == size }
            ?? files.first { $0.name == name } ?? (files.count == 1 ? files.first : nil)
        guard let match else {
            throw OperationError(
                .integrity,
                "none of the \(files.count) files of the release has this name or size: \(name), \(size) bytes. They are "
                    + files.map { "\($0.name) (\($0.size) bytes)" }.joined(separator: ", ")
                    + ". Is it the bundle of another version?")
        }
        return match
    }
}
