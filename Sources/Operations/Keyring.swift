public import Digests
public import Identity
import Synchronization
import SystemPackage

/// The signing keys in a home: the node's own and those of local accounts.
public final class Keyring: Sendable {
    public let node: Signer
    private let signers: Mutex<[String: Signer]>
    /// Accounts that left, by name.
    private let moved = Mutex<Set<String>>([])

    /// Account name → signer. `me` is the owner.
    public var accounts: [String: Signer] { signers.withLock { $0 } }

    /// Reads every key file of a home.
    ///
    /// - Parameter passphrase: opens sealed keys; accounts whose key stays sealed are left out.
    public init(home: Home, passphrase: String?) throws(OperationError) {
        node = try Self.signer(home.nodeKey, passphrase: passphrase)
        var found: [String: Signer] = [:]
        for name in Directory.names(in: home.keys) where name.hasSuffix(".key") && name != "node.key" {
            do throws(KeyFileError) {
                let file = try KeyFile(path: home.keys.appending(name).string, passphrase: passphrase)
                guard let device = SigningKey(seed: file.secret) else { continue }
                found[String(name.dropLast(4))] = Signer(author: file.author, device: device)
            } catch {
                if case .passphraseNeeded = error { continue }
                throw OperationError(.auth, error.message)
            }
        }
        signers = Mutex(found)
    }

    /// The signer of a local account.
    public func account(_ name: String) throws(OperationError) -> Signer {
        guard let signer = signers.withLock({ $0[name] }) else {
            if moved.withLock({ $0.contains(name) }) {
                throw OperationError(
                    .auth,
                    "@\(name) moved to another node and signs there; `waggle account move` on this home brings it back")
            }
            throw OperationError(
                .auth,
                "no key of @\(name) can be used here; `waggle init` makes @me, `waggle account new` makes others, and a "
                    + "sealed key needs WAGGLE_PASSPHRASE")
        }
        return signer
    }

    /// The key of an account, or of the node, by its public half.
    public func key(_ publicKey: Hash32) -> SigningKey? {
        if node.device.publicKey == publicKey { return node.device }
        return accounts.values.first { $0.device.publicKey == publicKey }?.device
    }

    /// Makes an account usable whose key was made or opened.
    public func add(_ signer: Signer, as name: String) {
        signers.withLock { $0[name] = signer }
        moved.withLock { _ = $0.remove(name) }
    }

    /// Signs again for an account with a key file; one that is sealed needs a start with its passphrase.
    func reopen(_ name: String, in home: Home) throws(OperationError) {
        do throws(KeyFileError) {
            let file = try KeyFile(path: home.key(ofAccount: name).string)
            if let device = SigningKey(seed: file.secret) { add(Signer(author: file.author, device: device), as: name) }
        } catch {
            if case .passphraseNeeded = error { return }
            throw OperationError(.auth, error.message)
        }
    }

    /// Signs no longer for an account.
    ///
    /// - Parameter hasMoved: because the person left for another node.
    public func remove(_ name: String, hasMoved: Bool = false) {
        signers.withLock { $0[name] = nil }
        if hasMoved { moved.withLock { _ = $0.insert(name) } }
    }

    /// Authors whose keys are here.
    public var authors: [Hash32] { accounts.values.map(\.author) }

    /// The account of an author whose key is here.
    func account(of author: Hash32) -> String? { accounts.first { $0.value.author == author }?.key }

    private static func signer(_ path: FilePath, passphrase: String?) throws(OperationError) -> Signer {
        do throws(KeyFileError) {
            let file = try KeyFile(path: path.string, passphrase: passphrase)
            guard let device = SigningKey(seed: file.secret) else { throw .malformed(path: path.string) }
            return Signer(author: file.author, device: device)
        } catch {
            throw OperationError(.auth, error.message)
        }
    }
}
