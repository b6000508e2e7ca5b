import Digests
import Identity
import WaggleProtocol

/// What is known of a release and its files after they were checked.
public struct VerifyReply: Codable, Sendable {
    /// A file of the release.
    public struct File: Codable, Sendable {
        public enum State: String, Codable, Sendable {
            /// Every byte was read and is what was signed.
            case good
            /// The file is not on this node.
            case absent = "not here"
            /// Only the proof was looked at.
            case unchecked = "not checked"
        }

        public let name: String
        public let sha256: String
        public let state: State
    }

    /// The files that were asked about: one, or all of a release.
    public let files: [File]
    public let release: String
    public let model: String
    public let version: String
    public let author: String
    /// The author's name as this node shows it; nil without a node or a profile. It is not part of what was signed here.
    public let authorName: String?
    /// Unix seconds, as the signer wrote it.
    public let signed: UInt64
    public let signer: SignerReport
    /// What the reader should know beyond that.
    public let remarks: [String]

    init(_ bundle: VerifiedBundle, files: [File], authorName: String? = nil, remarks: [String] = []) {
        self.files = files
        // Without a profile the beginning of the id stands for the name: that is none.
        let short = AuthorID.short(bundle.release.author)
        self.authorName = authorName.flatMap { $0.isEmpty || $0.utf8.elementsEqual(short.utf8) ? nil : $0 }
        self.remarks = remarks
        release = bundle.release.id.hex
        model = bundle.body.modelSlug
        version = bundle.body.version
        author = AuthorID.text(bundle.release.author)
        signed = bundle.release.post.created
        signer = bundle.signer
    }
}

extension VerifyReply.File {
    init(_ file: WireFile, _ state: State) {
        self.init(name: file.name, sha256: Hex.encode(file.sha256), state: state)
    }
}
