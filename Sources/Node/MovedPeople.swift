import Accounts
import Catalog
import Digests
import Identity
import Logging
import Operations
import PostLog
import WaggleProtocol

/// Notices who of this home's people left for another node, and lets them go: nothing is signed for them any more, and what
/// this node held of their keys is erased.
struct MovedPeople: Sendable {
    let accounts: Accounts
    let keyring: Keyring
    let log: PostLog
    let catalog: Catalog
    let logger: Logger
    /// Where this node is reached.
    let ownURLs: @Sendable () -> [String]

    private static let batch = 1000

    /// Works until the log closes.
    func run() async {
        var seen = log.newestSeq
        await look { _ in true }
        for await newest in log.changes() {
            var touched: Set<Hash32> = []
            while seen < newest {
                guard let entries = try? await log.entries(after: seen, limit: Self.batch), let last = entries.last
                else {
                    break
                }
                seen = last.seq
                touched.formUnion(
                    entries.filter { [.keyDocument, .profile].contains($0.post.kind) }.map(\.post.author))
            }
            guard !touched.isEmpty else { continue }
            await look { touched.contains($0) }
        }
    }

    private func look(at isWanted: (Hash32) -> Bool) async {
        do {
            let here = try await accounts.all().filter { $0.state == .active && isWanted($0.author) }
            for account in here where try await hasLeft(account) { try await release(account) }
        } catch {
            logger.error("people who moved", metadata: ["why": "\(error)"])
        }
    }

    /// The key that signs here was retired, and the profile names another home.
    private func hasLeft(_ account: Account) async throws -> Bool {
        guard let device = keyring.accounts[account.handle]?.device.publicKey,
            let chain = try await log.keyChain(of: account.author), chain.devices[device]?.revocation != nil,
            let home = try await log.post(author: account.author, kind: .profile, slot: "")?.post.profile.home
        else { return false }
        return !home.isEmpty && !ownURLs().contains(home)
    }

    private func release(_ account: Account) async throws {
        keyring.remove(account.handle, hasMoved: true)
        try await catalog.setEarnedRoom(account.author, false)
        try await accounts.noteMoved(account.handle)
        logger.notice("somebody moved to another node", metadata: ["account": "\(account.handle)"])
    }
}
