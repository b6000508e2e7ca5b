public import Accounts
import Catalog
public import Digests
public import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Somebody registers over the web: an account, its keys, and the words that bring them back.
///
/// No `Operation`: it is for people at the door of a running server, and what it throws has codes of its own.
public struct SignUp: Sendable {
    public var registration: Registration
    /// What people see; empty for none.
    public var displayName: String
    /// The person's own word that they are an adult where they live.
    public var isAdult: Bool

    public init(_ registration: Registration, displayName: String, isAdult: Bool = false) {
        self.registration = registration
        self.displayName = displayName
        self.isAdult = isAdult
    }

    public struct Reply: Sendable {
        public let account: Account
        /// 24, shown once; nil for an account whose keys are the person's own.
        public let words: String?
    }

    /// This node makes the keys and signs for the person.
    ///
    /// - Throws: `AccountsError`, `OperationError`.
    public func run(in context: OperationContext) async throws -> Reply {
        // Before keys are made: most who are turned away are turned away here.
        try context.checkAge(isAdult)
        _ = try await context.accounts.check(registration, mode: context.registrationMode)
        let secret = RecoverySecret.random()
        let identity = try NewIdentity.person(secret, label: "this instance", now: context.now())
        let documents = identity.documents.map(\.envelope)
        // The account first: its documents are handed in again at every start, an account without them is never lost.
        let account = try await context.accounts.register(
            registration,
            NewKeys(
                author: identity.author, deviceSeed: identity.seed, root: secret.bytes, documents: documents),
            mode: context.registrationMode, levels: Level.pg13.upTo)
        let results = try await context.log.intake.submit(documents, from: .local)
        if let refusal = results.lazy.compactMap({ OperationError($0) }).first { throw refusal }
        try await context.catalog.setEarnedRoom(account.author, true)
        if let keys = try await context.accounts.custodialKeys(of: account) {
            context.keyring.add(keys.signer, as: account.handle)
            if !displayName.isEmpty {
                _ = try await SetProfile(account: account.handle, displayName: displayName).run(in: context)
            }
        }
        return Reply(account: try await context.aged(account, isAdult), words: secret.words)
    }

    /// The person keeps the keys. Their documents come along, as this node may not know them.
    ///
    /// Nothing is taken in before the key is known to speak for the author: what comes this way passes no admission.
    ///
    /// - Parameter key: the device that proved to be the person's by signing a challenge.
    /// - Throws: `AccountsError`, `OperationError`.
    public func run(
        in context: OperationContext, author: Hash32, key: Hash32, documents: [Data]
    ) async throws -> Reply {
        try context.checkAge(isAdult)
        _ = try await context.accounts.check(registration, mode: context.registrationMode)
        let introduced = try IntroducedKeys(
            documents, of: author, known: try await context.log.keyChain(of: author))
        try KeySignIn(author: author, key: key).check(introduced.chain, now: context.now())
        let results = try await context.log.intake.submit(introduced.posts.map(\.envelope), from: .local)
        if let refusal = results.lazy.compactMap({ OperationError($0) }).first { throw refusal }
        let account = try await context.accounts.register(
            registration, ownedBy: author, mode: context.registrationMode, levels: Level.pg13.upTo)
        try await context.catalog.setEarnedRoom(account.author, true)
        return Reply(account: try await context.aged(account, isAdult), words: nil)
    }
}

extension OperationContext {
    /// Nodes may be for adults alone.
    func checkAge(_ isAdult: Bool) throws(OperationError) {
        guard isAdult || !isForAdults else {
            throw OperationError(.auth, "this node is for adults: say that you are one (is_adult)")
        }
    }

    /// An account with what was said of the person's age.
    func aged(_ account: Account, _ isAdult: Bool) async throws -> Account {
        guard isAdult else { return account }
        return try await accounts.set(ViewingChoice(isAdult: true), of: account.handle)
    }
}

/// Whether a key speaks for an author at this moment.
public struct KeySignIn: Sendable {
    public let author: Hash32
    public let key: Hash32

    public init(author: Hash32, key: Hash32) {
        self.author = author
        self.key = key
    }

    /// - Throws: `badChallenge` for a key that the author's newest documents do not list, or no longer.
    public func check(in context: OperationContext) async throws {
        try check(try await context.log.keyChain(of: author), now: context.now())
    }

    /// - Parameter now: unix seconds.
    func check(_ chain: KeyChain?, now: UInt64) throws(AccountsError) {
        guard let chain, chain.author == author,
            chain.verdict(device: key, created: now, id: .zero, scope: .post, checkpoint: { _ in nil }) == .accepted
        else { throw .badChallenge }
    }
}

/// What somebody hands in who registers with keys of their own: documents that fit the author's key chain, and checkpoints
/// by its roots. Nothing else passes.
struct IntroducedKeys {
    /// What the node knows with what was handed in; nil when that is nothing.
    let chain: KeyChain?
    /// In the order in which a log takes them: versions in ascending order, then checkpoints.
    let posts: [SignedPost]

    /// - Parameter known: the author's chain as this node has it.
    /// - Throws: `badChallenge` for an envelope that is no valid post, or no part of this author's keys.
    init(_ envelopes: [Data], of author: Hash32, known: KeyChain?) throws(AccountsError) {
        var documents: [SignedPost] = []
        var checkpoints: [SignedPost] = []
        for envelope in envelopes {
            guard let post = try? SignedPost(envelope: envelope), post.author == author else { throw .badChallenge }
            switch post.kind {
            case .keyDocument: documents.append(post)
            case .checkpoint: checkpoints.append(post)
            default: throw .badChallenge
            }
        }
        documents.sort { $0.post.keyDocument.version < $1.post.keyDocument.version }
        var chain = known
        do throws(KeyChainError) {
            for document in documents {
                if chain == nil {
                    chain = try KeyChain(genesis: document)
                } else if document.id != author {
                    try chain?.add(document)
                }
            }
        } catch {
            throw .badChallenge
        }
        guard checkpoints.allSatisfy({ chain?.acceptsRoots($0.signers) == true }) else { throw .badChallenge }
        self.chain = chain
        posts = documents + checkpoints
    }
}
