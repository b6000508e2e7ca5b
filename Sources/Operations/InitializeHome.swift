import Digests
public import FoundationEssentials
import Identity
import SystemPackage
import WaggleProtocol

/// `waggle init`: makes a home, the node's key and the owner account `me`.
///
/// It runs before there are services, so it is no `Operation`: the node opens what it leaves.
public struct InitializeHome: Sendable {
    public let home: Home
    /// Seals the keys; without one they are protected by the mode of their files alone.
    public let passphrase: String?
    public let now: UInt64

    public init(home: Home, passphrase: String?, now: UInt64) {
        self.home = home
        self.passphrase = passphrase
        self.now = now
    }

    /// What was made. The words are shown once and are not on disk.
    public struct Reply: Codable, Sendable {
        public let home: String
        public let node: String
        public let me: String
        /// 24 words; empty when the home was there already.
        public let words: String
        public let isNew: Bool
    }

    /// Key documents of the node and the owner, in the order in which the log must see them.
    public static let keyDocumentsName = "genesis.posts"

    /// Makes what is missing; a complete home is left as it is.
    public func run() throws(OperationError) -> Reply {
        for directory in home.directories { try Directory.create(directory.path, mode: directory.mode) }
        let me = home.key(ofAccount: "me")
        if FilePath.exists(home.nodeKey), FilePath.exists(me) {
            do throws(KeyFileError) {
                return Reply(
                    home: home.root.string, node: AuthorID.text(try KeyFile.author(path: home.nodeKey.string)),
                    me: AuthorID.text(try KeyFile.author(path: me.string)), words: "", isNew: false)
            } catch {
                throw OperationError(.auth, error.message)
            }
        }
        let secret = RecoverySecret.random()
        do {
            let node = try identity(secret, .node, label: "this node", scopes: [.node])
            let person = try identity(
                secret, .person, label: "this computer", scopes: [.release, .review, .post, .list, .ledger])
            // The key documents come first: a key file without them would speak for nobody.
            try Self.store([node.genesis, node.devices, person.genesis, person.devices], in: home)
            try KeyFile(author: node.genesis.id, label: "node", secret: node.seed).write(to: home.nodeKey.string)
            try KeyFile(author: person.genesis.id, label: "me", secret: person.seed).write(
                to: me.string, passphrase: passphrase)
            if let passphrase {
                try KeyFile(author: person.genesis.id, label: "recovery words of me", secret: secret.bytes).write(
                    to: home.recovery(ofAccount: "me").string, passphrase: passphrase)
            }
            return Reply(
                home: home.root.string, node: AuthorID.text(node.genesis.id), me: AuthorID.text(person.genesis.id),
                words: secret.words, isNew: true)
        } catch let error as KeyFileError {
            throw OperationError(.failed, error.message)
        } catch let error as PostError {
            throw OperationError(.failed, error.message)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private struct Identity {
        let genesis: SignedPost
        let devices: SignedPost
        let seed: [UInt8]
    }

    /// A chain of two documents: the genesis that the words alone remake, and a version that lists a new device key.
    private func identity(
        _ secret: RecoverySecret, _ chain: RecoverySecret.Chain, label: String, scopes: [WireScope]
    ) throws -> Identity {
        let seed = RecoverySecret.random().bytes
        guard let device = SigningKey(seed: seed) else { throw OperationError(.failed, "no device key") }
        let genesis = try secret.genesis(chain)
        var document = genesis.post.keyDocument
        document.version = 2
        document.previous = genesis.id.data
        var entry = WireDevice()
        entry.key = device.publicKey.data
        entry.label = label
        entry.scopes = scopes
        document.devices = [entry]
        let devices = try PostSigning.byRoots(
            .keyDocument(document), author: genesis.id, created: now, roots: [secret.root(chain, generation: 0)])
        return Identity(genesis: genesis, devices: devices, seed: seed)
    }

    private static func store(_ posts: [SignedPost], in home: Home) throws {
        let lines = posts.map { $0.envelope.base64EncodedString() }.joined(separator: "\n") + "\n"
        try Data(lines.utf8).write(to: URL(filePath: home.keys.appending(keyDocumentsName).string), options: .atomic)
    }

    /// The key documents that `run` left, for the log to take in when it is opened.
    public static func keyDocuments(of home: Home) -> [Data] {
        let url = URL(filePath: home.keys.appending(keyDocumentsName).string)
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { Data(base64Encoded: String($0)) }
    }
}

extension FilePath {
    static func exists(_ path: FilePath) -> Bool {
        (try? FileDescriptor.open(path, .readOnly).close()) != nil
    }
}
