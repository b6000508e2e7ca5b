import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Identity
import SystemPackage
import WaggleProtocol

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
        let (opened, size) = try RegularFile.open(file)
        try? opened.close()
        let found: Verification
        do {
            found = try await BlobStore.verifyFile(
                path: file,
                progress: { context.progress(Progress(activity: "hashing \(name)", done: $0, total: size)) })
        } catch {
            throw OperationError(error)
        }
        let releases = try await ReferenceResolver(context).releases(ofFile: found.sha256)
        guard let release = releases.first else {
            throw OperationError(
                .failed,
                "no release known here lists this file (SHA-256 \(found.sha256.hex)). It may be changed, or its release "
                    + "has not reached this node; with its bundle: waggle verify FILE --release BUNDLE")
        }
        // Whoever publishes may list any file, and writes the date himself: the reader must see that there are others.
        let remarks = releases.dropFirst().prefix(8).map { other in
            "\(other.author.name) (\(AuthorID.short(other.author.author))) lists the same bytes in release \(other.post.hex)"
        }
        return try await VerifyRelease.verify(
            release, files: [.init(name: name, sha256: found.sha256.hex, state: .good)], remarks: remarks, in: context)
    }
}

/// `waggle verify REF`: checks the proof of a release that is here, and every byte of its files that are here.
public struct VerifyRelease: Operation {
    public static let name = "verify release"
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }

    public func run(in context: OperationContext) async throws(OperationError) -> VerifyReply {
        let release = try await ReferenceResolver(context).release(reference)
        var files: [VerifyReply.File] = []
        for file in release.body.files { files.append(.init(file, try await state(of: file, context))) }
        return try await Self.verify(release, files: files, in: context)
    }

    private func state(of file: WireFile, _ context: OperationContext) async throws(OperationError)
        -> VerifyReply.File.State
    {
        let found: Verification
        do {
            found = try await context.blobs.verify(Hash32(file.sha256) ?? .zero) { done in
                context.progress(Progress(activity: "hashing \(file.name)", done: done, total: file.size))
            }
        } catch {
            if case .notFound = error { return .absent }
            throw OperationError(error)
        }
        guard found.isGood, found.piecesRoot.data == file.piecesRoot else {
            throw OperationError(
                .integrity, "the copy of \(file.name) here is damaged; `waggle get \(reference)` fetches what is bad")
        }
        if let name = try await wrongName(of: file, context) {
            throw OperationError(
                .integrity,
                "the bytes of \(file.name) are those with the signed SHA-256, and the \(name) that is signed with it is of "
                    + "other bytes: whoever signed the release was wrong")
        }
        return .good
    }

    /// The first of the other names in a release that the file's bytes do not have, as far as they were computed here.
    private func wrongName(of file: WireFile, _ context: OperationContext) async throws(OperationError) -> String? {
        let hash = Hash32(file.sha256) ?? .zero
        let known: BlobHashes?
        do {
            known = try await context.blobs.hashes(of: [hash])[hash]
        } catch {
            throw OperationError(error)
        }
        guard let known else { return nil }
        if file.crc32 != 0, file.crc32 != known.crc32 { return "CRC-32" }
        if !file.autov1.isEmpty, file.autov1 != withUnsafeBytes(of: known.autoV1.bigEndian, { Data($0) }) {
            return "AutoV1"
        }
        guard let extra = known.extra else { return nil }
        if !file.autov3.isEmpty, Hash32(file.autov3) != extra.autoV3 { return "AutoV3" }
        return file.tensorDigest.isEmpty || Hash32(file.tensorDigest) == extra.tensorDigest ? nil : "tensor digest"
    }

    /// What the log has on a release, read as a stranger would.
    static func verify(
        _ release: ReleaseView, files: [VerifyReply.File], remarks: [String] = [], in context: OperationContext
    ) async throws(OperationError) -> VerifyReply {
        let bytes = try await ReleaseBundle.make(of: release, in: context)
        do {
            return VerifyReply(
                try VerifiedBundle(bytes), files: files, authorName: release.author.name, remarks: remarks)
        } catch {
            throw OperationError(.integrity, error.message)
        }
    }
}
