import Digests
import FoundationEssentials
import Glibc
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

    /// Makes what is missing; a complete home is left as it is.
    public func run() throws(OperationError) -> Reply {
        for directory in home.directories { try Directory.create(directory.path, mode: directory.mode) }
        let me = home.key(ofAccount: "me")
        let isUsed = FilePath.exists(me) || FilePath.exists(home.db.appending("posts.db"))
        if FilePath.exists(home.nodeKey), isUsed {
            do throws(KeyFileError) {
                // A home that was recovered under another account's name has no `me`.
                let owner = FilePath.exists(me) ? AuthorID.text(try KeyFile.author(path: me.string)) : ""
                return Reply(
                    home: home.root.string, node: AuthorID.text(try KeyFile.author(path: home.nodeKey.string)),
                    me: owner, words: "", isNew: false)
            } catch {
                throw OperationError(.auth, error.message)
            }
        }
        // A crash left the node's key alone: nobody has seen its words, and it has said nothing yet.
        unlink(home.nodeKey.string)
        let secret = RecoverySecret.random()
        do {
            let node = try NewIdentity(secret, .node, label: "this node", scopes: [.node], now: now)
            let person = try NewIdentity.person(secret, now: now)
            // The key documents come first: a key file without them would speak for nobody.
            try home.write(keyDocuments: (node.documents + person.documents).map(\.envelope))
            try KeyFile(author: node.author, label: "node", secret: node.seed).write(to: home.nodeKey.string)
            try KeyFile(author: person.author, label: "me", secret: person.seed).write(
                to: me.string, passphrase: passphrase)
            if let passphrase {
                try KeyFile(author: person.author, label: "recovery words of me", secret: secret.bytes).write(
                    to: home.recovery(ofAccount: "me").string, passphrase: passphrase)
            }
            return Reply(
                home: home.root.string, node: AuthorID.text(node.author), me: AuthorID.text(person.author),
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
}

extension FilePath {
    static func exists(_ path: FilePath) -> Bool {
        (try? FileDescriptor.open(path, .readOnly).close()) != nil
    }
}
