import Accounts
import Catalog
import Digests
import Federation
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle account move`: this home becomes somebody's home, in the place of another node.
///
/// An author is its keys, so nothing is copied or renamed: the 24 words list a new device here, retire those that the old
/// home holds (what they signed stays), and the profile names the new address. Whoever follows the author follows on. The
/// accounts in currencies are given to the new device, so that the old home can spend nothing any more.
///
/// A move that stopped half-way goes on when it is asked for again.
public struct MoveAccount: Operation {
    public static let name = "account move"
    /// What commands call it here.
    public var account: String
    public var words: String
    /// The author's id, for words that were rotated to; nil takes the one that the words make.
    public var author: String?
    /// The address of the old home.
    public var from: String
    /// Labels of devices, beside the new one, that go on signing.
    public var kept: [String]
    /// Seals key and words here.
    public var passphrase: String?

    public init(
        account: String, words: String, author: String?, from: String, kept: [String], passphrase: String?
    ) {
        self.account = account
        self.words = words
        self.author = author
        self.from = from
        self.kept = kept
        self.passphrase = passphrase
    }

    public struct Reply: Codable, Sendable {
        public let account: String
        public let author: String
        /// Address of the new home, as the profile says it now.
        public let home: String
        /// Posts of the author that are here now.
        public let posts: Int
        /// Labels of devices that sign no longer.
        public let retired: [String]
        /// Labels of other devices that do.
        public let kept: [String]
        /// Whether the old home was told; it hears of it from its peers otherwise.
        public let isOldHomeTold: Bool
        /// What became of the account in each currency.
        public let balances: [RotatedBalance]
    }

    /// What the new device is called in the key document.
    static let label = "home"

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        try context.checkWritable()
        let configured = context.settings.first { $0.key == "public_url" }?.value ?? ""
        guard let home = context.publicURL ?? (configured.isEmpty ? nil : configured) else {
            throw OperationError(
                .usage,
                "the new home has no address yet: run `waggle serve` beside this, or set public_url, and try again")
        }
        let secret = try RootSource.read(words)
        let recovered = try await settle(secret, context)
        do {
            try await context.accounts.adopt(
                handle: account, author: recovered.author, role: .member, levels: Level.pg13.upTo)
            try await context.accounts.welcomeBack(recovered.author)
            var balances = recovered.balances
            if balances.isEmpty || balances.contains(where: \.isOpen),
                let device = context.keyring.accounts[account]?.device
            {
                balances = try await context.rotateBalances(of: recovered.author, to: device, by: secret)
            }
            let (retired, document) = try await retire(secret, context)
            let profile = try await say(home, context)
            let posts = [document, profile].compactMap { $0 }
            let isTold = await tell(posts, context)
            let devices = try await context.log.keyChain(of: recovered.author)?.devices ?? [:]
            let own = context.keyring.accounts[account]?.device.publicKey
            return Reply(
                account: account, author: AuthorID.text(recovered.author), home: home, posts: recovered.posts,
                retired: retired,
                kept: devices.filter { $0.value.revocation == nil && $0.key != own }.map(\.value.label).sorted(),
                isOldHomeTold: isTold, balances: balances)
        } catch let error as OperationError {
            throw error
        } catch let error as AccountsError {
            throw OperationError(error)
        } catch let error as KeyChangeError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// A device of the author here: the one of a move that stopped, or a new one.
    ///
    /// - Returns: the balances that came to the new one already, too.
    private func settle(
        _ secret: RecoverySecret, _ context: OperationContext
    ) async throws(OperationError) -> (author: Hash32, posts: Int, balances: [RotatedBalance]) {
        let path = context.home.key(ofAccount: account)
        if FilePath.exists(path) {
            let known: Hash32
            do {
                known = try KeyFile.author(path: path.string)
            } catch {
                throw OperationError(.auth, error.message)
            }
            guard try known == wanted(secret) else {
                throw OperationError(
                    .conflict, "there is another account @\(account) here already; move to another name")
            }
            try await context.checkName(account, of: known)
            let (author, posts) = try await comeBack(known, secret, context)
            return (author, posts, [])
        }
        let reply = try await RecoverAccount(
            account: account, words: words, author: author, from: from, label: Self.label, revokesLost: false,
            passphrase: passphrase
        ).run(in: context)
        guard let author = AuthorID.parse(reply.author) else { throw OperationError(.failed, "no author id") }
        return (author, reply.posts, reply.balances)
    }

    private func wanted(_ secret: RecoverySecret) throws(OperationError) -> Hash32 {
        if let author {
            guard let id = AuthorID.parse(author) else {
                throw OperationError(.usage, "\"\(author)\" is no author id: w1 and 52 characters")
            }
            return id
        }
        do {
            return try secret.genesis(.person).id
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// A key file of the author is here. When its device is good the move goes on with it; one that was retired, when the
    /// author left this home, makes way for a new one.
    private func comeBack(
        _ author: Hash32, _ secret: RecoverySecret, _ context: OperationContext
    ) async throws(OperationError) -> (author: Hash32, posts: Int) {
        do {
            let (url, card) = try await context.federation.probe(from)
            _ = try await context.federation.add(card, at: url)
            _ = try await context.federation.pull(from: url).pull(author)
            await context.catalog.waitUntilApplied(context.log.newestSeq)
            let posts = try await context.log.index(ofAuthor: author, limit: Limits.Gateway.builtScopeIDs).count
            let path = context.home.key(ofAccount: account)
            let file = try KeyFile(path: path.string, passphrase: passphrase)
            guard let chain = try await context.log.keyChain(of: author), let device = SigningKey(seed: file.secret)
            else { throw OperationError(.notFound, "\(from) knows nobody with the id \(AuthorID.text(author))") }
            if let known = chain.devices[device.publicKey], known.revocation == nil {
                context.keyring.add(Signer(author: author, device: device), as: account)
                return (author, posts)
            }
            let next = secret.nextDevice(of: chain)
            var entry = WireDevice()
            entry.key = next.publicKey.data
            entry.label = Self.label
            entry.scopes = ScopeList.ofPersons
            let listed = try chain.listing(entry, by: .words(secret), now: context.now())
            // The secret first, then what lists it.
            try KeyFile(author: author, label: account, secret: next.seed).replace(
                at: path.string, passphrase: passphrase)
            try await context.submit(keys: [listed])
            try await context.catalog.setEarnedRoom(author, true)
            context.keyring.add(Signer(author: author, device: next), as: account)
            _ = await tell([listed], context)
            return (author, posts)
        } catch let error as OperationError {
            throw error
        } catch let error as KeyFileError {
            throw OperationError(.auth, error.message)
        } catch let error as KeyChangeError {
            throw OperationError(error)
        } catch let error as PeerError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// Retires every other device but those that are kept. What they signed up to now stays.
    private func retire(
        _ secret: RecoverySecret, _ context: OperationContext
    ) async throws -> (labels: [String], document: SignedPost?) {
        let account = try await KeyAccount(account, in: context)
        let own = context.keyring.accounts[account.name]?.device.publicKey
        let others = account.chain.devices.filter { key, device in
            key != own && device.revocation == nil && !kept.contains(device.label)
        }
        guard !others.isEmpty else { return ([], nil) }
        let now = context.now()
        let document = try account.chain.revoking(
            others.keys.sorted(), .retired, since: now, by: .words(secret), now: now)
        try await context.submit(keys: [document])
        return (others.map(\.value.label).sorted(), document)
    }

    /// The profile with the new address; nil when it says so already.
    private func say(_ home: String, _ context: OperationContext) async throws -> SignedPost? {
        let posting = try Posting(context, as: account)
        let standing = try await posting.standing(.profile, "")
        var profile = standing?.post.profile ?? WireProfile()
        guard profile.home != home else { return nil }
        profile.home = home
        let post = try posting.sign(after: standing?.created) { $0.profile = profile }
        try await posting.submit([post])
        return post
    }

    private func tell(_ posts: [SignedPost], _ context: OperationContext) async -> Bool {
        guard !posts.isEmpty, let (url, _) = try? await context.federation.probe(from) else { return false }
        return (try? await context.federation.client(for: url).offer(posts.map(\.envelope))) != nil
    }
}
