public import Accounts
public import Digests
import Federation
import FoundationEssentials
import Identity
import PostLog
import WaggleProtocol

/// The second half of a move over the web: balances go along, the keys of the old home are withdrawn, the profile names the
/// new address, and the old home is told.
///
/// All of it may be asked for again; what is done is not done twice.
public struct FinishMove: Sendable {
    public let account: Account
    /// The address of the old home; empty asks nobody.
    public let from: String
    /// Device keys that go on signing, beside this node's; nil withdraws the only other one, and asks where there are several.
    public let kept: Set<Hash32>?

    public init(account: Account, from: String, kept: Set<Hash32>?) {
        self.account = account
        self.from = from
        self.kept = kept
    }

    /// Whoever knows the passphrase: the recovery secret is sealed under it.
    ///
    /// - Throws: `wrongCredentials`; `MoveTrouble`, `OperationError`, what the log throws.
    public func run(passphrase: String, in context: OperationContext) async throws -> FinishedMove {
        try context.checkWritable()
        guard let secret = RecoverySecret(bytes: try await context.accounts.root(of: account, passphrase: passphrase))
        else { throw AccountsError.wrongCredentials }
        guard !from.isEmpty else { return try await run(secret, 0, in: context) }
        let room = try await context.accounts.movedRoom(of: account)
        let envelopes = try await context.collect(account.author, from: from, room)
        return try await run(secret, try await context.take(envelopes, of: account), in: context)
    }

    /// - Parameter posts: how many came from the old home.
    func run(_ secret: RecoverySecret, _ posts: Int, in context: OperationContext) async throws -> FinishedMove {
        guard let home = context.publicURL else {
            throw OperationError(.conflict, "this node has no address yet; ask its operator to set public_url")
        }
        let device = try await ownDevice(secret, context)
        guard let chain = try await context.log.keyChain(of: account.author) else {
            throw OperationError(.failed, "the key documents are not here")
        }
        let others = chain.devices.filter { $0.key != device.publicKey && $0.value.revocation == nil }
        if kept == nil, others.count > 1 {
            return FinishedMove(posts: posts, isOpen: true, withdrawn: [], balances: [], isOldHomeTold: false)
        }
        let balances = try await context.rotateBalances(of: account.author, to: device, by: secret)
        let withdrawn = others.filter { !(kept ?? []).contains($0.key) }
        var said: [SignedPost] = []
        if !withdrawn.isEmpty {
            let now = context.now()
            let document = try chain.revoking(
                withdrawn.keys.sorted(), .retired, since: now, by: .words(secret), now: now)
            try await context.submit(keys: [document], mine: false)
            said.append(document)
        }
        if let profile = try await say(home, context) { said.append(profile) }
        return FinishedMove(
            posts: posts, isOpen: false, withdrawn: withdrawn.values.map(\.label).sorted(), balances: balances,
            isOldHomeTold: await tell(said, context))
    }

    /// The device of this node, listed again where a crash left it unlisted.
    private func ownDevice(_ secret: RecoverySecret, _ context: OperationContext) async throws -> SigningKey {
        guard let device = context.keyring.accounts[account.handle]?.device else {
            throw OperationError(.auth, "this node holds no key of yours")
        }
        guard let chain = try await context.log.keyChain(of: account.author) else {
            throw OperationError(.failed, "the key documents are not here")
        }
        if let known = chain.devices[device.publicKey] {
            guard known.revocation == nil else {
                throw OperationError(
                    .conflict, "the key that this node signs with for you was withdrawn, at another home perhaps")
            }
            return device
        }
        try await context.submit(
            keys: [try chain.listing(.ofHome(device), by: .words(secret), now: context.now())], mine: false)
        return device
    }

    /// The profile with the new address; nil when it says so already.
    private func say(_ home: String, _ context: OperationContext) async throws -> SignedPost? {
        let posting = try Posting(context, as: account.handle)
        let standing = try await posting.standing(.profile, "")
        var profile = standing?.post.profile ?? WireProfile()
        guard profile.home != home else { return nil }
        profile.home = home
        let post = try posting.sign(after: standing?.created) { $0.profile = profile }
        try await posting.submit([post])
        return post
    }

    /// Whether the old home knows; its peers tell it otherwise.
    private func tell(_ posts: [SignedPost], _ context: OperationContext) async -> Bool {
        guard !from.isEmpty else { return false }
        guard let known = try? await context.log.keyChainEnvelopes(of: account.author) else { return false }
        let envelopes = known.keyDocuments + posts.filter { $0.kind == .profile }.map(\.envelope)
        let results = try? await context.visit(from) { try await $0.offer(envelopes) }
        return results != nil
    }
}

/// What came of the second half of a move.
public struct FinishedMove: Sendable {
    /// Posts that came from the old home this time.
    public let posts: Int
    /// Several other keys sign for the person: which of them go on has to be said first.
    public let isOpen: Bool
    /// Labels of the keys that sign no longer.
    public let withdrawn: [String]
    /// What became of the account in each currency.
    public let balances: [RotatedBalance]
    public let isOldHomeTold: Bool
}
