import Digests
public import Identity
import SystemPackage
import WaggleProtocol

/// Where the root keys for one change come from. They are used and forgotten.
public enum RootSource: Codable, Sendable {
    /// The 24 words, as typed.
    case words(String)
    /// A key file with a recovery secret or one root key, by its absolute path.
    case file(path: String, passphrase: String?)
    /// The recovery secret that the home keeps sealed.
    case sealed(passphrase: String)

    /// - Throws: `usage` for words that are none, `auth` for a file that cannot be used.
    func secret(for account: KeyAccount, in home: Home) throws(OperationError) -> RootSecret {
        switch self {
        case .words(let text): return .words(try Self.read(text))
        case .file(let path, let passphrase): return try Self.read(path, passphrase, account.chain)
        case .sealed(let passphrase):
            let path = home.recovery(ofAccount: account.recoveryName)
            return try SealedRecovery(path, passphrase: passphrase).secret(of: account.chain)
        }
    }

    /// The words themselves: a rotation needs them, a root key alone does not know the next.
    func words(for account: KeyAccount, in home: Home) throws(OperationError) -> RecoverySecret {
        guard case .words(let words) = try secret(for: account, in: home) else {
            throw OperationError(.usage, KeyChangeError.needsWords.message)
        }
        return words
    }

    /// Reads 24 words.
    public static func read(_ text: String) throws(OperationError) -> RecoverySecret {
        do {
            return try RecoverySecret(words: text)
        } catch {
            throw OperationError(.usage, error.message)
        }
    }

    static func read(
        _ path: String, _ passphrase: String?, _ chain: KeyChain
    ) throws(OperationError) -> RootSecret {
        let file: KeyFile
        do {
            file = try KeyFile(path: path, passphrase: passphrase)
        } catch {
            throw OperationError(.auth, error.message)
        }
        // A file says no more than 32 bytes: they are a root key when they make one that is in force.
        if let key = SigningKey(seed: file.secret), chain.current.roots.contains(key.publicKey.data) {
            return .key(key)
        }
        guard let secret = RecoverySecret(bytes: file.secret) else {
            throw OperationError(.auth, KeyFileError.malformed(path: path).message)
        }
        return .words(secret)
    }
}
