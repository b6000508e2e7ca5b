import BlobStore
import Catalog
import Digests
import Formats
import FoundationEssentials
import Identity
import PostLog
import WaggleProtocol

/// A signature that lies beside a file of a release, in the form of another program.
///
/// Such a signature is over the file's bytes, and not over the post that everybody has: only who holds a key of the
/// author can make it, and has to read the file for it. That one read also proves that the file is the signed one.
struct Sidecar {
    private let release: ReleaseView
    private let file: WireFile
    private let signer: Signer
    private let context: OperationContext

    /// - Throws: `auth` when no key of the release's author is here or may sign, `notFound` for a file that the release
    ///   does not have.
    init(release: ReleaseView, file name: String?, _ context: OperationContext) async throws(OperationError) {
        let author = release.author.author
        guard let signer = context.keyring.accounts.values.first(where: { $0.author == author }) else {
            throw OperationError(
                .auth,
                "only a key of the author, \(AuthorID.text(author)), can sign the file itself, and none can be used here "
                    + "(a sealed one needs WAGGLE_PASSPHRASE). What the author signed already proves the file to "
                    + "everybody: --format waggle, or --format dsse for openssl and securesystemslib")
        }
        let files = release.body.files
        let file = name.map { name in files.first { $0.name.utf8.elementsEqual(name.utf8) } } ?? files.first
        guard let file else {
            throw OperationError(
                .notFound,
                "the release has no file of that name; it has "
                    + files.map { FileNames.sanitised($0.name) }.joined(separator: ", "))
        }
        self.release = release
        self.file = file
        self.signer = signer
        self.context = context
        try await checkAuthority()
    }

    /// A key that the author has taken back must not go on signing.
    private func checkAuthority() async throws(OperationError) {
        let device = signer.device.publicKey
        let verdict: DeviceVerdict?
        do {
            verdict = try await context.log.keyChain(of: signer.author)?.verdict(
                device: device, created: context.now(), id: release.post, scope: .release, checkpoint: { _ in nil })
        } catch {
            throw OperationError(error)
        }
        if case .refused(let why)? = verdict {
            throw OperationError(
                .auth,
                "the key here may not sign releases any more: \(why). Export from the computer with your present key")
        }
    }

    func minisig() async throws(OperationError) -> ExportRelease.Reply {
        let digest = try await digest(.blake2b)
        let key = signer.device
        let trusted = "waggle release:\(release.post.hex)\tversion:\(release.body.version)\tfile:\(file.name)"
        let text = Minisign.signature(blake2b: digest, trusted: trusted, by: key)
        let keyFile = Minisign.publicKeyFile(key.publicKey, comment: "key of \(AuthorID.text(signer.author))")
        return reply(
            ".minisig", text, key: .init(fileName: "minisign.pub", bytes: Data(keyFile.utf8)),
            check: "minisign -Vm \(shellName) -x \(ShellWord.quoted(proofName(".minisig"))) "
                + "-P \(Minisign.publicKey(key.publicKey))")
    }

    func sshsig() async throws(OperationError) -> ExportRelease.Reply {
        let digest = try await digest(.sha512)
        let key = signer.device
        let line = SSHSignature.allowedSigner(key.publicKey, author: signer.author)
        return reply(
            ".sig", SSHSignature.armored(sha512: digest, by: key),
            key: .init(fileName: "allowed_signers", bytes: Data(line.utf8)),
            check: "ssh-keygen -Y verify -f allowed_signers -I \(AuthorID.text(signer.author)) "
                + "-n \(SSHSignature.namespace) -s \(ShellWord.quoted(proofName(".sig"))) < \(shellName)")
    }

    /// What `waggle get` calls the file.
    private var name: String { FileNames.sanitised(file.name) }
    private var shellName: String { ShellWord.quoted(name) }
    private func proofName(_ suffix: String) -> String { FileNames.sanitised(name + suffix) }

    private func reply(_ suffix: String, _ text: String, key: ExportRelease.Key, check: String) -> ExportRelease.Reply {
        ExportRelease.Reply(
            fileName: proofName(suffix), bytes: Data(text.utf8), release: release.post.hex, key: key,
            check: check)
    }

    /// The digest of the file here, from a read that found it to be the signed one.
    private func digest(_ algorithm: LongDigest.Algorithm) async throws(OperationError) -> [UInt8] {
        let (size, name, progress) = (file.size, name, context.progress)
        let hasher = LongDigest(algorithm)
        let found: Verification
        do {
            found = try await context.blobs.verify(
                Hash32(file.sha256) ?? .zero,
                progress: { progress(Progress(activity: "hashing \(name)", done: $0, total: size)) },
                sink: { hasher.update($0) })
        } catch {
            if case .notFound = error {
                throw OperationError(
                    .notFound, "\(name) is not here, and signing it means reading it; fetch it with `waggle get` first")
            }
            throw OperationError(error)
        }
        guard found.isGood else {
            throw OperationError(
                .integrity, "\(name) here is not the file that was published any more; nothing was signed")
        }
        return hasher.finalize()
    }
}
