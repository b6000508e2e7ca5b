import Accounts
import Catalog
import Digests
import FoundationEssentials
import Identity
import PostLog
import SystemPackage
import WaggleProtocol

/// What became of a device key.
public struct DeviceReply: Codable, Sendable {
    public let account: String
    public let author: String
    /// In hexadecimal.
    public let key: String
    public let label: String
    public let scopes: [String]
    /// Where the secret lies; nil when it is on another machine.
    public let path: String?
    /// It signs what this home says from now on.
    public let isInUse: Bool
}

/// The scopes that a person asked for.
enum ScopeList {
    static let ofPersons: [WireScope] = [.release, .review, .post, .list, .ledger]

    /// - Throws: `usage` for a word that is no scope, or one that the account cannot have.
    static func read(_ words: [String], isNode: Bool) throws(OperationError) -> [WireScope] {
        if words.isEmpty { return isNode ? [.node] : ofPersons }
        var scopes: [WireScope] = []
        for word in words {
            guard let scope = WireScope(word: word), isNode == (scope == .node) else {
                throw OperationError(
                    .usage,
                    "\"\(word)\" is no scope of \(isNode ? "a node" : "a person"): "
                        + (isNode ? "node" : ofPersons.map(\.word).joined(separator: ", ")))
            }
            if !scopes.contains(scope) { scopes.append(scope) }
        }
        return scopes
    }
}

/// `waggle key new` and `waggle key add`: lists one more device of an account. The roots sign.
public struct NewKey: Operation {
    public static let name = "key new"
    public var account: String
    public var label: String
    /// "release", "review" …; empty for all that the account may have.
    public var scopes: [String]
    /// A key that was made elsewhere, in any form; nil makes one here.
    public var publicKey: String?
    /// Sign with it here from now on.
    public var isForUse: Bool
    public var roots: RootSource
    /// Seals the key file.
    public var passphrase: String?

    public init(
        account: String, label: String, scopes: [String], publicKey: String? = nil, isForUse: Bool, roots: RootSource,
        passphrase: String?
    ) {
        self.account = account
        self.label = label
        self.scopes = scopes
        self.publicKey = publicKey
        self.isForUse = isForUse
        self.roots = roots
        self.passphrase = passphrase
    }

    public func run(in context: OperationContext) async throws(OperationError) -> DeviceReply {
        guard !label.isEmpty, label.utf8.count <= Limits.Post.labelBytes else {
            throw OperationError(.usage, "a label has 1 to \(Limits.Post.labelBytes) bytes")
        }
        try context.checkWritable()
        let account = try await KeyAccount(account, in: context)
        let scopes = try ScopeList.read(scopes, isNode: account.isNode)
        let secret = try roots.secret(for: account, in: context.home)
        let made = publicKey == nil ? SigningKey.random() : nil
        let key: Hash32
        if let made {
            key = made.publicKey
        } else {
            do {
                key = try PublicKeyText.parse(publicKey ?? "")
            } catch {
                throw OperationError(.usage, error.message)
            }
        }
        var device = WireDevice()
        device.key = key.data
        device.label = label
        device.scopes = scopes
        let document: SignedPost
        do {
            document = try account.chain.listing(device, by: secret, now: context.now())
        } catch {
            throw OperationError(error)
        }
        // The secret comes first: a key that is listed and lost would have to be revoked.
        var path: FilePath?
        if let made { path = try keep(made, account, context) }
        try await context.submit(keys: [document])
        if isForUse, let made {
            if account.isNode { try await share(custody: made, context) }
            path = try use(made, account, context)
        }
        return DeviceReply(
            account: account.name, author: AuthorID.text(account.author), key: key.hex, label: label,
            scopes: scopes.map(\.word), path: path?.string, isInUse: isForUse && made != nil)
    }

    /// What the node holds for others must open with its next key before that one takes the place of the old.
    private func share(custody next: SigningKey, _ context: OperationContext) async throws(OperationError) {
        do {
            try await context.accounts.share(with: next, from: context.keyring.node.device)
        } catch {
            throw OperationError(error)
        }
    }

    private func keep(
        _ key: SigningKey, _ account: KeyAccount, _ context: OperationContext
    ) throws(OperationError) -> FilePath {
        let path = context.home.key(ofDevice: key.publicKey)
        try Directory.create(context.home.deviceKeys, mode: 0o700)
        do {
            try KeyFile(author: account.author, label: label, secret: key.seed).write(
                to: path.string, passphrase: passphrase)
        } catch {
            throw OperationError(.failed, error.message)
        }
        return path
    }

    /// Puts the key in the place of the one that signs here; that one stays among the devices.
    private func use(
        _ key: SigningKey, _ account: KeyAccount, _ context: OperationContext
    ) throws(OperationError) -> FilePath {
        let path = account.isNode ? context.home.nodeKey : context.home.key(ofAccount: account.name)
        do {
            let before = try KeyFile(path: path.string, passphrase: passphrase)
            if let device = SigningKey(seed: before.secret) {
                let kept = context.home.key(ofDevice: device.publicKey)
                if !FilePath.exists(kept) { try before.write(to: kept.string, passphrase: passphrase) }
            }
            try KeyFile(author: account.author, label: account.name, secret: key.seed).replace(
                at: path.string, passphrase: account.isNode ? nil : passphrase)
        } catch {
            throw OperationError(.auth, error.message)
        }
        if !account.isNode { context.keyring.add(Signer(author: account.author, device: key), as: account.name) }
        return path
    }
}

/// `waggle key new --author`: makes a device key for an author whose roots are elsewhere. It signs when the roots list it.
public struct RequestKey: Operation {
    public static let name = "key request"
    public var account: String
    /// The author's id.
    public var author: String
    public var label: String
    public var passphrase: String?

    public init(account: String, author: String, label: String, passphrase: String?) {
        self.account = account
        self.author = author
        self.label = label
        self.passphrase = passphrase
    }

    public func run(in context: OperationContext) async throws(OperationError) -> DeviceReply {
        guard let author = AuthorID.parse(author) else {
            throw OperationError(.usage, "\"\(author)\" is no author id: w1 and 52 characters")
        }
        let key = SigningKey.random()
        let path = try await context.install(
            KeyFile(author: author, label: label, secret: key.seed), as: account, passphrase: passphrase)
        return DeviceReply(
            account: account, author: AuthorID.text(author), key: key.publicKey.hex, label: label, scopes: [],
            path: path.string, isInUse: true)
    }
}

/// `waggle key import`: takes in a device's key file from another machine, as an account of this home.
public struct ImportKey: Operation {
    public static let name = "key import"
    /// Absolute.
    public var path: String
    public var account: String
    /// Opens the file.
    public var filePassphrase: String?
    /// Seals it here.
    public var passphrase: String?

    public init(path: String, account: String, filePassphrase: String?, passphrase: String?) {
        self.path = path
        self.account = account
        self.filePassphrase = filePassphrase
        self.passphrase = passphrase
    }

    public func run(in context: OperationContext) async throws(OperationError) -> DeviceReply {
        let file: KeyFile
        do {
            file = try KeyFile(path: path, passphrase: filePassphrase)
        } catch {
            throw OperationError(.auth, error.message)
        }
        guard let key = SigningKey(seed: file.secret) else { throw OperationError(.auth, "\(path) holds no key") }
        var documents: [SignedPost] = []
        for envelope in file.documents {
            guard let post = try? SignedPost(envelope: envelope), post.kind == .keyDocument, post.author == file.author
            else { throw OperationError(.integrity, "\(path) carries what is no key document of its author") }
            documents.append(post)
        }
        try await context.submit(keys: documents)
        let authority: DeviceAuthority?
        do {
            authority = try await context.log.keyChain(of: file.author)?.devices[key.publicKey]
        } catch {
            throw OperationError(error)
        }
        if let reason = authority?.revocation?.reason {
            throw OperationError(.auth, KeyChangeError.isRevoked(key.publicKey, reason).message)
        }
        let path = try await context.install(
            KeyFile(author: file.author, label: file.label, secret: file.secret), as: account, passphrase: passphrase)
        return DeviceReply(
            account: account, author: AuthorID.text(file.author), key: key.publicKey.hex,
            label: authority?.label ?? file.label,
            scopes: (authority?.scopes ?? []).sorted { $0.rawValue < $1.rawValue }.map(\.word), path: path.string,
            isInUse: true)
    }
}

extension OperationContext {
    /// Makes a key file an account of this home.
    func install(_ file: KeyFile, as account: String, passphrase: String?) async throws(OperationError) -> FilePath {
        guard Slug.isValid(account), account != KeyAccount.nodeName else {
            throw OperationError(.usage, "\"\(account)\" is no account name: use a-z, 0-9, - _ . (at most 64)")
        }
        let path = home.key(ofAccount: account)
        guard !FilePath.exists(path) else {
            throw OperationError(.conflict, "there is an account @\(account) already; name another with --account")
        }
        guard let key = SigningKey(seed: file.secret) else { throw OperationError(.failed, "no device key") }
        do {
            try file.write(to: path.string, passphrase: passphrase)
            try await catalog.setEarnedRoom(file.author, true)
        } catch let error as KeyFileError {
            throw OperationError(.failed, error.message)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        keyring.add(Signer(author: file.author, device: key), as: account)
        return path
    }
}
