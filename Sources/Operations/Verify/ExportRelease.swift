import Catalog
import Digests
import Formats
public import FoundationEssentials
import Identity
import PostLog
import WaggleProtocol

/// `waggle export`: the proof of a release as a file, for Waggle or for tools that people have already.
public struct ExportRelease: Operation {
    public static let name = "export"

    public enum Format: String, Codable, Sendable, CaseIterable {
        /// A bundle for `waggle verify --release`, and for `Examples/verify/verify.sh`.
        case waggle
        /// DSSE JSON of the release post, for `securesystemslib`, OpenSSL and others.
        case dsse
        /// A signature of one file, for `minisign -V`. Needs the author's key.
        case minisig
        /// A signature of one file, for `ssh-keygen -Y verify`. Needs the author's key.
        case sshsig
    }

    public var reference: String
    public var format: Format
    /// Which of the release's files `minisig` and `sshsig` sign; nil for the primary one.
    public var file: String?

    public init(reference: String, format: Format, file: String? = nil) {
        self.reference = reference
        self.format = format
        self.file = file
    }

    /// A proof, and what somebody needs to check it.
    public struct Reply: Codable, Sendable {
        /// A safe name for the proof.
        public let fileName: String
        public let bytes: Data
        public let release: String
        /// The signer's public key in the form that the checking tool reads; nil for a bundle, which has the keys in it.
        public let key: Key?
        /// What to do with the proof: a command line, or words.
        public let check: String

        /// The same where the proof or the signer's key was written under another name than its own.
        public func check(writtenTo file: String?, keyFile: String?) -> String {
            var check = check
            for (name, written) in [(fileName, file), (key?.fileName ?? fileName, keyFile)] {
                guard let written else { continue }
                check = check.replacing(
                    " " + ShellWord.quoted(name), with: " " + ShellWord.quoted(written), maxReplacements: 1)
            }
            return check
        }
    }

    /// A public key as a file.
    public struct Key: Codable, Sendable {
        public let fileName: String
        public let bytes: Data
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard file == nil || format.signsFile else {
            throw OperationError(
                .usage, "\(format.rawValue) proves the release with all its files; --file is for minisig and sshsig")
        }
        let release = try await ReferenceResolver(context).release(reference)
        // Name and version were chosen by whoever signed, and become a path here.
        let stem = "\(release.body.modelSlug)-\(release.body.version)"
        switch format {
        case .waggle:
            let name = FileNames.sanitised(stem + ".waggle")
            return Reply(
                fileName: name, bytes: try await ReleaseBundle.make(of: release, in: context),
                release: release.post.hex, key: nil,
                check: "waggle verify FILE --release \(ShellWord.quoted(name))")
        case .dsse: return try await dsse(release, name: FileNames.sanitised(stem + ".dsse.json"), context)
        case .minisig: return try await Sidecar(release: release, file: file, context).minisig()
        case .sshsig: return try await Sidecar(release: release, file: file, context).sshsig()
        }
    }

    private func dsse(_ release: ReleaseView, name: String, _ context: OperationContext)
        async throws(OperationError) -> Reply
    {
        let stored: LoggedPost?
        do {
            stored = try await context.log.posts(ids: [release.post])[release.post]
        } catch {
            throw OperationError(error)
        }
        guard let stored else {
            throw OperationError(.notFound, "the release \(release.post.hex) is not in force here any more")
        }
        guard let document = DSSEDocument(envelope: stored.envelope), let json = document.json,
            let device = try? SignedPost(envelope: stored.envelope).device
        else { throw OperationError(.failed, "the stored release cannot be read; run `waggle reindex`") }
        return Reply(
            fileName: name, bytes: json, release: release.post.hex,
            key: Key(fileName: "key.pem", bytes: Data(PublicKeyPEM.text(device).utf8)),
            check: "the release is signed by the key \(device.hex); Examples/verify shows how openssl checks that")
    }
}

extension ExportRelease.Format {
    /// Whether it signs the bytes of one file instead of passing the signed release on.
    public var signsFile: Bool { self == .minisig || self == .sshsig }
}

/// Words of a command line that a person may paste.
enum ShellWord {
    /// The text as one word of a POSIX shell, whatever a stranger wrote into it.
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b...0x2f, 0x3d, 0x40, 0x5f: true
            default: false
            }
        }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
