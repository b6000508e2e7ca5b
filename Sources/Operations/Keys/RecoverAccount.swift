import Catalog
import Digests
import Federation
import FoundationEssentials
import Identity
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle key recover`, the person's part: the words bring an account back, with a fresh device.
///
/// The words of a person who never rotated alone give the author id. The key chain and the posts come from a node that has
/// them; without them a new document would compete with those that exist.
public struct RecoverAccount: Operation {
    public static let name = "key recover"
    public var account: String
    public var words: String
    /// The author's id, for words that were rotated to; nil takes the one that the words make.
    public var author: String?
    /// A node's address; nil begins anew, for somebody of whom no other node knows.
    public var from: String?
    public var label: String
    /// Reports every other device of the author lost.
    public var revokesLost: Bool
    /// Seals key and words here.
    public var passphrase: String?

    public init(
        account: String, words: String, author: String?, from: String?, label: String, revokesLost: Bool,
        passphrase: String?
    ) {
        self.account = account
        self.words = words
        self.author = author
        self.from = from
        self.label = label
        self.revokesLost = revokesLost
        self.passphrase = passphrase
    }

    public struct Reply: Codable, Sendable {
        public let account: String
        public let author: String
        /// Posts of the author that are here now.
        public let posts: Int
        /// The new device.
        public let key: String
        /// Labels of devices that were reported lost, and how many of their posts stay.
        public let lost: [String: Int]
        /// Labels of other devices that are still in force.
        public let others: [String]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let secret = try RootSource.read(words)
        guard Slug.isValid(account), account != KeyAccount.nodeName else {
            throw OperationError(.usage, "\"\(account)\" is no account name: use a-z, 0-9, - _ . (at most 64)")
        }
        guard !FilePath.exists(context.home.key(ofAccount: account)) else {
            throw OperationError(
                .conflict, "there is an account @\(account) already; its key is in \(context.home.keys)")
        }
        do {
            let author = try wanted(secret)
            try await context.checkName(account, of: author)
            let pulled = try await pull(author, secret, context)
            guard let chain = try await context.log.keyChain(of: author) else {
                throw OperationError(
                    .notFound,
                    "\(from ?? "this node") knows nobody with the id \(AuthorID.text(author)). Were the keys rotated? Then say "
                        + "--author with the id that was printed with the words")
            }
            let device = SigningKey.random()
            var entry = WireDevice()
            entry.key = device.publicKey.data
            entry.label = label
            entry.scopes = ScopeList.ofPersons
            let listed = try chain.listing(entry, by: .words(secret), now: context.now())
            // The secret first, then what lists it: the other way round a crash would leave a device of nobody.
            try write(device, secret, author, context)
            var made = [listed]
            try await context.submit(keys: [listed], mine: false)
            let lost = revokesLost ? try await revoke(author, but: device.publicKey, secret, context, &made) : [:]
            // Everything about the chain lies beside the keys.
            let documents = try await context.log.keyChainEnvelopes(of: author).keyDocuments
            let known = context.home.keyDocuments
            try context.home.write(keyDocuments: known + documents.filter { !known.contains($0) })
            try await context.catalog.setEarnedRoom(author, true)
            context.keyring.add(Signer(author: author, device: device), as: account)
            await tell(made, context)
            let now = try await context.log.keyChain(of: author)?.devices ?? [:]
            return Reply(
                account: account, author: AuthorID.text(author), posts: pulled, key: device.publicKey.hex, lost: lost,
                others: now.filter { $0.key != device.publicKey && $0.value.revocation == nil }.map(\.value.label)
                    .sorted())
        } catch let error as OperationError {
            throw error
        } catch let error as KeyChangeError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as PeerError {
            throw OperationError(error)
        } catch let error as PartialPullError {
            throw OperationError(.failed, "\(error)")
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private func wanted(_ secret: RecoverySecret) throws -> Hash32 {
        guard let author else { return try secret.genesis(.person).id }
        guard let id = AuthorID.parse(author) else {
            throw OperationError(.usage, "\"\(author)\" is no author id: w1 and 52 characters")
        }
        return id
    }

    /// Gets what there is of the author; how many posts are here then.
    private func pull(_ author: Hash32, _ secret: RecoverySecret, _ context: OperationContext) async throws -> Int {
        guard let from else {
            let genesis = try secret.genesis(.person)
            if genesis.id == author { try await context.submit(keys: [genesis], mine: false) }
            return 0
        }
        let (url, card) = try await context.federation.probe(from)
        _ = try await context.federation.add(card, at: url)
        context.progress(Progress(activity: "asking \(url) for posts", done: 0, total: 0))
        _ = try await context.federation.pull(from: url).pull(author)
        await context.catalog.waitUntilApplied(context.log.newestSeq)
        // A running server may have fetched some of them at the same time.
        return try await context.log.index(ofAuthor: author, limit: Limits.Gateway.builtScopeIDs).count
    }

    private func write(
        _ device: SigningKey, _ secret: RecoverySecret, _ author: Hash32, _ context: OperationContext
    ) throws(OperationError) {
        do {
            try KeyFile(author: author, label: account, secret: device.seed).write(
                to: context.home.key(ofAccount: account).string, passphrase: passphrase)
            if let passphrase {
                try KeyFile(author: author, label: "recovery words of \(account)", secret: secret.bytes).write(
                    to: context.home.recovery(ofAccount: account).string, passphrase: passphrase)
            }
        } catch {
            throw OperationError(.failed, error.message)
        }
    }

    /// Reports every other device lost; what is here of each stays.
    private func revoke(
        _ author: Hash32, but own: Hash32, _ secret: RecoverySecret, _ context: OperationContext,
        _ made: inout [SignedPost]
    ) async throws -> [String: Int] {
        let account = try await KeyAccount(account, in: context)
        let lost = account.chain.devices.filter { $0.key != own && $0.value.revocation == nil }
        guard !lost.isEmpty else { return [:] }
        var checkpoints: [Hash32: Hash32] = [:]
        var kept: [String: Int] = [:]
        for (key, authority) in lost.sorted(by: { $0.key < $1.key }) {
            let checkpoint = try await context.checkpoint(
                key, of: account, until: .max, without: [], by: .words(secret))
            kept[authority.label, default: 0] += checkpoint?.count ?? 0
            guard let checkpoint else { continue }
            checkpoints[key] = checkpoint.post.id
            made.append(checkpoint.post)
            try await context.publish(checkpoint: checkpoint.post)
        }
        let now = context.now()
        let document = try account.chain.revoking(
            lost.keys.sorted(), .lost, since: now, checkpoints: checkpoints, by: .words(secret), now: now)
        made.append(document)
        try await context.submit(keys: [document], mine: false)
        return kept
    }

    /// The node that was asked hears of it at once: a thief may be at work. All others hear of it when this one serves.
    private func tell(_ posts: [SignedPost], _ context: OperationContext) async {
        guard let from, let (url, _) = try? await context.federation.probe(from) else { return }
        _ = try? await context.federation.client(for: url).offer(posts.map(\.envelope))
    }
}
