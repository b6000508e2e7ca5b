import FoundationEssentials
import Glibc
import Identity
import SystemPackage

/// The recovery secret that a home keeps sealed, and how a rotation replaces it.
///
/// The new secret lies in `NAME.recovery.next` until the rotation is in force: whatever fails or stops in between, one of the
/// two files opens the roots in force. Backups take both.
struct SealedRecovery {
    let path: FilePath
    let passphrase: String

    var next: FilePath { FilePath(path.string + ".next") }

    init(_ path: FilePath, passphrase: String) {
        self.path = path
        self.passphrase = passphrase
    }

    /// The secret whose root key is in force; when neither file has it, what the main one has.
    func secret(of chain: KeyChain) throws(OperationError) -> RootSecret {
        let main: RootSecret
        do {
            main = try RootSource.read(path.string, passphrase, chain)
        } catch {
            if let other = try? waiting(chain) { return other }
            throw error
        }
        if (try? main.roots(of: chain)) != nil { return main }
        return try waiting(chain) ?? main
    }

    /// Seals the secret that a rotation of the chain is about to commit to.
    ///
    /// A next secret that an earlier rotation brought into force takes its place first.
    func prepare(_ file: KeyFile, for chain: KeyChain) throws(OperationError) {
        if try waiting(chain) != nil { try commit() }
        do {
            try file.replace(at: next.string, passphrase: passphrase)
        } catch {
            throw OperationError(.failed, error.message)
        }
    }

    /// Puts the next secret into the place of the old one.
    func commit() throws(OperationError) {
        guard rename(next.string, path.string) == 0 else {
            throw OperationError(.failed, "\(next) cannot take the place of \(path): \(Errno(rawValue: errno))")
        }
        let directory = Glibc.open(path.removingLastComponent().string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    /// The next secret, when its root key is in force.
    private func waiting(_ chain: KeyChain) throws(OperationError) -> RootSecret? {
        guard FilePath.exists(next) else { return nil }
        let secret = try RootSource.read(next.string, passphrase, chain)
        return (try? secret.roots(of: chain)) == nil ? nil : secret
    }
}
