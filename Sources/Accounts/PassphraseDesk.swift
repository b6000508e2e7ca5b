import Identity
import NIOPosix
import WaggleProtocol

/// Stretches passphrases one after another, on a thread that may be busy: each takes 64 MiB, and many at once would take the
/// memory and the processors of the node.
actor PassphraseDesk {
    private var last: Task<StretchedPassphrase?, Never>?
    private var waiting = 0

    /// - Throws: `busy` when too many wait, or when there is no memory.
    func stretch(
        _ passphrase: String, _ parameters: PassphraseParameters
    ) async throws(AccountsError) -> StretchedPassphrase {
        guard waiting < Limits.Accounts.waitingPassphrases else { throw .busy }
        guard passphrase.utf8.count <= Limits.Accounts.passphraseBytes else {
            throw .longPassphrase(most: Limits.Accounts.passphraseBytes)
        }
        waiting += 1
        defer { waiting -= 1 }
        let task = Task { [last] in
            _ = await last?.value
            return try? await NIOThreadPool.singleton.runIfActive { StretchedPassphrase(passphrase, parameters) }
        }
        last = task
        guard let stretched = await task.value else { throw .busy }
        return stretched
    }
}
