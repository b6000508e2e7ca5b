import Accounts
import Digests
import FoundationEssentials
import Identity
import Moderation
import Operations
import PostLog

/// Brings keys and accounts together when a home is opened.
struct LocalPeople {
    let accounts: Accounts
    let keyring: Keyring
    let log: PostLog

    /// Everybody with a key file has an account, the owner's is an admin's; and this node signs for everybody whose key it
    /// holds.
    func settle() async throws {
        for (name, signer) in keyring.accounts {
            let isOwner = name == "me"
            try await accounts.adopt(
                handle: name, author: signer.author, role: isOwner ? .admin : .member,
                levels: isOwner ? Level.xxx.upTo : Level.pg13.upTo)
        }
        for account in try await accounts.all() where account.state != .active {
            keyring.remove(account.handle, hasMoved: account.state == .moved)
        }
        let held = try await accounts.custodialKeys()
        // Keys without their documents would speak for nobody, should the log have been lost.
        _ = try await log.intake.submit(held.flatMap(\.documents), from: .local)
        for keys in held { keyring.add(keys.signer, as: keys.account.handle) }
    }
}
