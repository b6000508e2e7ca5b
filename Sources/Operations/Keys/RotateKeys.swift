import Digests
import FoundationEssentials
import Identity
import SystemPackage
import WaggleProtocol

/// `waggle key rotate`: new root keys from the pre-committed next ones, and new words.
///
/// The words of the owner are the node's, too, so `me` rotates both; what one has used up is never good for the other.
public struct RotateKeys: Operation {
    public static let name = "key rotate"
    public var account: String
    public var roots: RootSource
    /// Rotates to the next root key of the same words.
    public var keepsWords: Bool
    /// Seals the new words where the home keeps the old ones sealed.
    public var passphrase: String?
    /// The words to rotate to, made by whoever asks: he has them before they are in force, so no broken connection loses
    /// them, and to ask once more is safe. Nil makes them here.
    public var newWords: String?

    public init(
        account: String, roots: RootSource, keepsWords: Bool, passphrase: String?, newWords: String? = nil
    ) {
        self.account = account
        self.roots = roots
        self.keepsWords = keepsWords
        self.passphrase = passphrase
        self.newWords = newWords
    }

    /// Fresh words.
    public static func makeWords() -> String { RecoverySecret.random().words }

    /// The words are shown once.
    public struct Reply: Codable, Sendable {
        public struct Author: Codable, Sendable {
            public let account: String
            public let author: String
            public let version: UInt32
            public let rotations: UInt64
        }

        public let authors: [Author]
        /// 24 words; empty when they stay.
        public let words: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        try context.checkWritable()
        let account = try await KeyAccount(account, in: context)
        let chosen = try newWords.map { words throws(OperationError) in try RootSource.read(words) }
        if keepsWords, chosen != nil {
            throw OperationError(.usage, "keep the words, or name new ones: not both")
        }
        let new = keepsWords ? nil : chosen ?? RecoverySecret.random()
        func isDone(_ account: KeyAccount) -> Bool {
            chosen.flatMap { try? RootSecret.words($0).roots(of: account.chain) } != nil
        }
        let old = try oldWords(account, isDone: isDone(account), chosen, context)
        var accounts = [account]
        if account.name == "me" || account.isNode {
            let other = try await KeyAccount(account.isNode ? "me" : KeyAccount.nodeName, in: context)
            // Not so where the node was made with other words.
            if (try? RootSecret.words(old).roots(of: other.chain)) != nil || isDone(other) { accounts.append(other) }
        }
        do {
            var posts: [(account: KeyAccount, posts: [SignedPost])] = []
            for account in accounts {
                let isDone = isDone(account)
                posts.append(
                    (account, isDone ? [] : try account.chain.rotating(from: old, to: new, now: context.now())))
            }
            // The words are on disk, where they are kept at all, before anything depends on them; the old ones stay until
            // nothing does.
            let sealed = try new.flatMap { secret throws(OperationError) in
                try seal(secret, for: accounts[0], context)
            }
            do throws(OperationError) {
                try await context.submit(keys: posts.flatMap(\.posts))
                try sealed?.commit()
            } catch {
                guard let new else { throw error }
                throw OperationError(
                    error.code,
                    "\(error.message). The rotation may be in force, so keep the old words and write the new ones down; "
                        + "`waggle key ls` tells how often the keys were rotated. The new words are: \(new.words)")
            }
            return Reply(
                authors: posts.map { account, posts in
                    Reply.Author(
                        account: account.name, author: AuthorID.text(account.author),
                        version: account.chain.current.version + UInt32(posts.count),
                        rotations: account.chain.generation + UInt64(posts.count))
                }, words: new?.words ?? "")
        } catch let error as KeyChangeError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// The words in force, or those of before where the rotation is done.
    private func oldWords(
        _ account: KeyAccount, isDone: Bool, _ chosen: RecoverySecret?, _ context: OperationContext
    ) throws(OperationError) -> RecoverySecret {
        if isDone, let chosen {
            // What the file says is of no more use, and need not be right.
            return (try? roots.words(for: account, in: context.home)) ?? chosen
        }
        return try roots.words(for: account, in: context.home)
    }

    /// Nil where the home does not keep the old words.
    private func seal(
        _ secret: RecoverySecret, for account: KeyAccount, _ context: OperationContext
    ) throws(OperationError) -> SealedRecovery? {
        let path = context.home.recovery(ofAccount: account.recoveryName)
        guard FilePath.exists(path) else { return nil }
        guard let passphrase else {
            throw OperationError(
                .auth, "\(path) keeps the old words; set WAGGLE_PASSPHRASE so that the new ones can take their place")
        }
        let sealed = SealedRecovery(path, passphrase: passphrase)
        try sealed.prepare(
            KeyFile(author: account.author, label: "recovery words of \(account.recoveryName)", secret: secret.bytes),
            for: account.chain)
        return sealed
    }
}
