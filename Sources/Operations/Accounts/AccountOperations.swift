import Accounts
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// An account whose key is in this home.
public struct AccountLine: Codable, Sendable {
    /// What commands call it: `me`.
    public let account: String
    public let author: String
    /// What its profile says.
    public let name: String
    /// For addresses: `/@handle`.
    public let handle: String
    public let role: String
    /// "active", "pending" or "disabled".
    public let state: String
    /// Where the key is that signs: "key-file", "node" or "own".
    public let custody: String
    /// Unix seconds.
    public let created: UInt64
    public let tokens: Int
    /// What somebody who waits for approval wrote.
    public let application: String
    /// Bytes that this node keeps of what the account brings, at most; nil for no limit.
    public let quota: UInt64?
    /// Bytes that its posts have this node keep.
    public let stored: UInt64
}

/// `waggle account new`: one more person at home here, with keys of their own.
public struct NewAccount: Operation {
    public static let name = "account new"
    public var account: String
    /// For the profile; nil makes none.
    public var displayName: String?
    /// Seals the key file.
    public var passphrase: String?

    public init(account: String, displayName: String?, passphrase: String?) {
        self.account = account
        self.displayName = displayName
        self.passphrase = passphrase
    }

    /// The words are shown once and are not on disk.
    public struct Reply: Codable, Sendable {
        public let account: String
        public let author: String
        public let words: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard Slug.isValid(account), account != "node" else {
            throw OperationError(.usage, "\"\(account)\" is no account name: use a-z, 0-9, - _ . (at most 64)")
        }
        let path = context.home.key(ofAccount: account)
        guard !FilePath.exists(path) else {
            throw OperationError(.conflict, "there is an account @\(account) already; its key is \(path)")
        }
        do {
            if try await context.accounts.account(handle: account) != nil {
                throw OperationError(AccountsError.handleTaken(account))
            }
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        let secret = RecoverySecret.random()
        let identity: NewIdentity
        do {
            identity = try NewIdentity.person(secret, now: context.now())
            // The key documents come first: a key file without them would speak for nobody.
            try context.home.write(keyDocuments: context.home.keyDocuments + identity.documents.map(\.envelope))
            let results = try await context.log.intake.submit(identity.documents.map(\.envelope), from: .local)
            if let refusal = results.lazy.compactMap({ OperationError($0) }).first { throw refusal }
            try KeyFile(author: identity.author, label: account, secret: identity.seed).write(
                to: path.string, passphrase: passphrase)
            try await context.catalog.setEarnedRoom(identity.author, true)
            try await context.accounts.adopt(
                handle: account, author: identity.author, role: .member, levels: Level.pg13.upTo)
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch let error as KeyFileError {
            throw OperationError(.failed, error.message)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        guard let device = SigningKey(seed: identity.seed) else { throw OperationError(.failed, "no device key") }
        context.keyring.add(Signer(author: identity.author, device: device), as: account)
        if let displayName {
            _ = try await SetProfile(account: account, displayName: displayName).run(in: context)
        }
        return Reply(account: account, author: AuthorID.text(identity.author), words: secret.words)
    }
}

/// `waggle account ls`.
public struct ListAccounts: Operation {
    public static let name = "account ls"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [AccountLine] {
        do {
            let tokens = try await context.accounts.tokens()
            var lines: [AccountLine] = []
            for account in try await context.accounts.all() {
                lines.append(try await line(account, tokens: tokens.count { $0.account == account.handle }, context))
            }
            return lines
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private func line(_ account: Account, tokens: Int, _ context: OperationContext) async throws -> AccountLine {
        let creator = try await context.catalog.creator(
            .author(account.author), context.moderation.filter(for: .owner))
        return AccountLine(
            account: account.handle, author: AuthorID.text(account.author), name: creator?.name ?? "",
            handle: creator?.handle ?? "", role: account.role.rawValue, state: account.state.rawValue,
            custody: account.custody.rawValue, created: account.created, tokens: tokens,
            application: account.application, quota: account.storage.bytes,
            stored: try await context.storedBytes(of: account))
    }
}

/// `waggle account profile`: what is nil stays as it is.
public struct SetProfile: Operation {
    public static let name = "account profile"
    public var account: String
    public var displayName: String?
    /// Markdown.
    public var about: String?
    public var links: [String]?

    public init(account: String, displayName: String? = nil, about: String? = nil, links: [String]? = nil) {
        self.account = account
        self.displayName = displayName
        self.about = about
        self.links = links
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        var profile = try await posting.standing(.profile, "")?.post.profile ?? WireProfile()
        if let displayName { profile.name = displayName }
        if let about { profile.about = about }
        if let links { profile.links = links }
        if profile.home.isEmpty, let home = context.publicURL { profile.home = home }
        return try await posting.replace(.profile, slot: "", with: .profile(profile))
    }
}
