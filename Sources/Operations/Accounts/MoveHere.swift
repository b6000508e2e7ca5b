public import Accounts
import Catalog
import Digests
import Federation
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Somebody of another node makes this one their home, over the web: what `MoveAccount` does at the command line, for people
/// whose keys this node holds.
///
/// The 24 words list a device here before anything else happens, and the account is opened. The rest is `FinishMove`, at once
/// where the account is open, and whenever they ask for it where a person of this node looks at it first. A move that stopped
/// half-way goes on when it is asked for again.
///
/// No `Operation`: it is for people at the door of a running server.
public struct MoveHere: Sendable {
    public var registration: Registration
    public var words: String
    /// The author's id, for words that were rotated to; empty for the one that the words make.
    public var author: String
    /// The address of the old home.
    public var from: String
    /// The person's own word that they are an adult where they live.
    public var isAdult: Bool

    public init(_ registration: Registration, words: String, author: String, from: String, isAdult: Bool = false) {
        self.registration = registration
        self.words = words
        self.author = author
        self.from = from
        self.isAdult = isAdult
    }

    public struct Reply: Sendable {
        public let account: Account
        /// Nil while a person of this node has to look at the account.
        public let outcome: FinishedMove?
    }

    /// - Throws: `MoveTrouble` for what is wrong with one part of what was typed; `AccountsError`, `OperationError`.
    public func run(in context: OperationContext) async throws -> Reply {
        try context.checkWritable()
        let secret: RecoverySecret
        do throws(OperationError) {
            secret = try RootSource.read(words)
        } catch {
            throw MoveTrouble(.words, error)
        }
        let author = try wanted(secret)
        var room = MovedRoom()
        if let known = try await context.accounts.account(author: author) {
            guard known.state == .moved else { return try await goOn(known, secret, context) }
            room = try await context.accounts.movedRoom(of: known)
        }
        // Before anybody is asked: most who are turned away are turned away here.
        try context.checkAge(isAdult)
        _ = try await context.accounts.check(registration, mode: context.registrationMode, returning: author)
        let envelopes = try await context.collect(author, from: from, room)
        let account = try await open(author, secret, envelopes, context)
        guard account.state == .active else { return Reply(account: account, outcome: nil) }
        let posts = try await context.take(envelopes, of: account)
        let finish = FinishMove(account: account, from: from, kept: nil)
        return Reply(account: account, outcome: try await finish.run(secret, posts, in: context))
    }

    private func wanted(_ secret: RecoverySecret) throws -> Hash32 {
        guard !author.isEmpty else { return try secret.genesis(.person).id }
        guard let id = AuthorID.parse(author) else {
            throw MoveTrouble(
                .author, OperationError(.usage, "\"\(author.prefix(80))\" is no author id: w1 and 52 characters"))
        }
        return id
    }

    /// Somebody who is here already: the words and the passphrase of then show that they are, and the move goes on.
    ///
    /// The words come first: whoever has them not gets no guess at the passphrase, and cannot have its owner wait for
    /// guesses of others.
    private func goOn(
        _ account: Account, _ secret: RecoverySecret, _ context: OperationContext
    ) async throws -> Reply {
        guard let chain = try await context.log.keyChain(of: account.author) else {
            throw OperationError(.failed, "the key documents are not here")
        }
        try check(secret, chain)
        guard account.custody == .node else { throw AccountsError.authorTaken }
        guard account.state == .active else {
            _ = try await context.accounts.root(of: account, passphrase: registration.passphrase)
            return Reply(account: account, outcome: nil)
        }
        let finish = FinishMove(account: account, from: from, kept: nil)
        return Reply(account: account, outcome: try await finish.run(passphrase: registration.passphrase, in: context))
    }

    /// The words make the keys of this chain.
    private func check(_ secret: RecoverySecret, _ chain: KeyChain) throws {
        do throws(KeyChangeError) {
            _ = try RootSecret.words(secret).roots(of: chain)
        } catch {
            throw MoveTrouble(.words, OperationError(error))
        }
    }

    /// Opens the account: the author's keys are taken in, the words list a device of this node, which is kept before it is
    /// listed.
    private func open(
        _ author: Hash32, _ secret: RecoverySecret, _ envelopes: [Data], _ context: OperationContext
    ) async throws -> Account {
        let keys = envelopes.filter { envelope in
            let kind = (try? UnverifiedPost(envelope: envelope)).map { $0.post.kind }
            return kind == PostKind.keyDocument.rawValue || kind == PostKind.checkpoint.rawValue
        }
        let known = try await context.log.keyChain(of: author)
        let introduced: IntroducedKeys
        do throws(AccountsError) {
            introduced = try IntroducedKeys(keys, of: author, known: known)
        } catch {
            throw MoveTrouble(
                .from, OperationError(.integrity, "what that node says of your keys does not fit together"))
        }
        guard let offered = introduced.chain, offered.role == .person else {
            throw MoveTrouble(
                .from,
                OperationError(
                    .notFound,
                    "that node knows nobody whose keys these words make. If you changed your words once, give your author "
                        + "id too: it stands under Keys at your old home"))
        }
        try check(secret, offered)
        try await context.submit(keys: introduced.posts, mine: false)
        guard let chain = try await context.log.keyChain(of: author) else {
            throw OperationError(.failed, "the key documents were not taken in")
        }
        let device = secret.nextDevice(of: chain)
        let listed = try chain.listing(.ofHome(device), by: .words(secret), now: context.now())
        let documents = try await context.log.keyChainEnvelopes(of: author).keyDocuments + [listed.envelope]
        let account = try await context.accounts.settle(
            registration,
            NewKeys(author: author, deviceSeed: device.seed, root: secret.bytes, documents: documents),
            mode: context.registrationMode, levels: Level.pg13.upTo)
        try await context.submit(keys: [listed], mine: false)
        try await context.catalog.setEarnedRoom(author, true)
        if let held = try await context.accounts.custodialKeys(of: account) {
            context.keyring.add(held.signer, as: account.handle)
        }
        return try await context.aged(account, isAdult)
    }
}

/// What is wrong with one part of what somebody typed who moves.
public struct MoveTrouble: Error, Sendable {
    public enum Part: Sendable {
        case words
        case author
        /// The address of the old home.
        case from
    }

    public let part: Part
    public let reason: OperationError

    init(_ part: Part, _ reason: OperationError) {
        self.part = part
        self.reason = reason
    }

    /// One answer for whatever does not lead to a public address: a stranger learns no names of this node's network.
    init(_ error: DialError) {
        let host =
            switch error {
            case .unresolved(let host, _), .notPublic(let host, _, _): host
            case .noAddress(let host), .tooManyAddresses(let host): host
            }
        self.init(
            .from,
            OperationError(
                .network, "\(host) has no public address; the operator of this node can name it as a peer"))
    }
}

extension WireDevice {
    /// A device that a home signs with.
    static func ofHome(_ key: SigningKey) -> WireDevice {
        var entry = WireDevice()
        entry.key = key.publicKey.data
        entry.label = MoveAccount.label
        entry.scopes = ScopeList.ofPersons
        return entry
    }
}

extension OperationContext {
    /// Speaks with the old home of somebody who moves. Whatever is wrong there is wrong with the address that they typed.
    func visit<Value: Sendable>(
        _ address: String, _ body: @escaping @Sendable (NodeClient) async throws -> Value
    ) async throws -> Value {
        do {
            return try await federation.visit(address, patience: .seconds(Limits.Accounts.moveSeconds), body)
        } catch PeerError.refused(let url, _, "not-a-peer", _) {
            throw MoveTrouble(
                .from,
                OperationError(
                    .network,
                    "\(url) answers its own peers only, and this node is none of them; ask either operator to add the other"
                ))
        } catch let error as PeerError {
            throw MoveTrouble(.from, OperationError(.network, error.message))
        } catch let error as DialError {
            throw MoveTrouble(error)
        } catch let error as TooManyPostsError {
            throw MoveTrouble(
                .from, OperationError(.limits, "\(error); ask the operator of this node to fetch them first"))
        }
    }

    /// What the old home of somebody has of them and is not here, where there is room for all of it.
    func collect(_ author: Hash32, from address: String, _ room: MovedRoom) async throws -> [Data] {
        try await visit(address) { [federation] client in
            try await federation.authorPull(client).collect(author, most: room.posts, mostBytes: room.bytes)
        }
    }

    /// Takes in what a node sent of somebody who moves here.
    ///
    /// The pace of those who post here is not for it: who was busy for years comes with all of it at once. What comes with
    /// moves is counted instead, part by part, so that what did not come in after a crash was not counted.
    ///
    /// - Returns: how many posts of it are here.
    func take(_ envelopes: [Data], of account: Account) async throws -> Int {
        var count = 0
        for start in stride(from: 0, to: envelopes.count, by: 500) {
            let part = Array(envelopes[start..<min(start + 500, envelopes.count)])
            do throws(AccountsError) {
                try await accounts.admit(moved: part.count, bytes: part.reduce(0) { $0 + $1.count }, by: account)
            } catch {
                guard case .limit(let what) = error else { throw error }
                throw MoveTrouble(.from, OperationError(.limits, what))
            }
            count += try await log.intake.submit(part, from: .local).count(where: \.isHere)
        }
        await catalog.waitUntilApplied(log.newestSeq)
        return count
    }
}
