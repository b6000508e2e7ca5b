import Accounts
import Catalog
import Digests
import Federation
import Identity
import Logging
import Operations
import PostLog
import WaggleProtocol

/// Notices who of this home's people left for another node, and lets them go: nothing is signed for them any more, and what
/// this node held of their keys for them is erased. Key files of the home stay: their devices are retired and sign nothing.
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
        // Without an address of its own every home would be another.
        while ownURLs().isEmpty {
            guard (try? await Task.sleep(for: .milliseconds(200))) != nil else { return }
        }
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

    /// What goes wrong with one says nothing of the others.
    private func look(at isWanted: (Hash32) -> Bool) async {
        do {
            for account in try await accounts.all() where account.state == .active && isWanted(account.author) {
                do {
                    if try await hasLeft(account) { try await release(account) }
                } catch {
                    logger.error(
                        "somebody who moved", metadata: ["account": "\(account.handle)", "why": "\(error)"])
                }
            }
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
        guard let home = try? PeerURL(home) else { return false }
        return !ownURLs().contains { (try? PeerURL($0)) == home }
    }

    private func release(_ account: Account) async throws {
        try await accounts.noteMoved(account.handle)
        keyring.remove(account.handle, hasMoved: true)
        try await catalog.setEarnedRoom(account.author, false)
        logger.notice("somebody moved to another node", metadata: ["account": "\(account.handle)"])
    }
}
