import Digests
import FoundationEssentials
import Identity
import PostLog
import SystemPackage

/// `waggle key export`: a device's key file for another machine, or its public key in the form of another program.
public struct ExportKey: Operation {
    public static let name = "key export"

    public enum Format: String, Codable, Sendable, CaseIterable {
        /// The secret with the author's key documents, for `waggle key import`.
        case key
        /// The public key.
        case hex, pem, minisign, ssh
    }

    /// As in `RevokeKey`.
    public var key: String
    public var account: String?
    public var format: Format
    /// Where to write a secret, absolute. Public keys come with the reply.
    public var path: String?
    /// Opens the key file in the home.
    public var passphrase: String?
    /// Seals the exported one.
    public var filePassphrase: String?

    public init(
        key: String, account: String?, format: Format, path: String?, passphrase: String?, filePassphrase: String?
    ) {
        self.key = key
        self.account = account
        self.format = format
        self.path = path
        self.passphrase = passphrase
        self.filePassphrase = filePassphrase
    }

    public struct Reply: Codable, Sendable {
        public let account: String
        public let author: String
        public let key: String
        public let label: String
        /// Where the secret was written; nil when `text` has the public key.
        public let path: String?
        public let text: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let (account, key, authority) = try await context.device(key, account: account)
        let text: String
        switch format {
        case .key: return try await exportSecret(account, key, label: authority.label, context)
        case .hex: text = key.hex + "\n"
        case .pem: text = PublicKeyPEM.text(key)
        case .minisign:
            text = Minisign.publicKeyFile(key, comment: "\(authority.label) of \(AuthorID.text(account.author))")
        case .ssh: text = SSHSignature.publicKeyLine(key, comment: AuthorID.text(account.author))
        }
        return Reply(
            account: account.name, author: AuthorID.text(account.author), key: key.hex, label: authority.label,
            path: nil, text: text)
    }

    private func exportSecret(
        _ account: KeyAccount, _ key: Hash32, label: String, _ context: OperationContext
    ) async throws(OperationError) -> Reply {
        guard let path else { throw OperationError(.usage, "a secret is not printed; name a file with -o FILE") }
        let used = account.isNode ? context.keyring.node : context.keyring.accounts[account.name]
        do {
            let secret: [UInt8]
            if let used, used.device.publicKey == key {
                secret = used.device.seed
            } else {
                let kept = context.home.key(ofDevice: key)
                guard FilePath.exists(kept) else {
                    throw OperationError(.notFound, "the secret of \(key.hex) is not in this home")
                }
                secret = try KeyFile(path: kept.string, passphrase: passphrase).secret
            }
            let documents = try await context.log.keyChainEnvelopes(of: account.author).keyDocuments
            let file = KeyFile(author: account.author, label: label, secret: secret, documents: documents)
            try file.write(to: path, passphrase: filePassphrase)
        } catch let error as OperationError {
            throw error
        } catch let error as KeyFileError {
            if case .exists = error { throw OperationError(.conflict, error.message) }
            throw OperationError(.auth, error.message)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return Reply(
            account: account.name, author: AuthorID.text(account.author), key: key.hex, label: label, path: path,
            text: "")
    }
}
