import Digests
import FoundationEssentials
import Identity
import SystemPackage
import WaggleProtocol

/// `waggle key revoke`: takes a device key out of use, for everybody and for ever.
///
/// Of a retired key what is dated up to then stays. Of a lost or compromised key what this node has and lets stand stays,
/// named by a checkpoint; whoever has the key can date posts as he likes, so nothing else does.
public struct RevokeKey: Operation {
    public static let name = "key revoke"
    /// The key in hexadecimal, the beginning of it (8 digits or more), or its label.
    public var key: String
    /// Nil looks through all accounts.
    public var account: String?
    /// "retired", "lost" or "compromised".
    public var reason: String
    /// Unix seconds; nil for now.
    public var since: UInt64?
    /// Ids of posts that are here and are not to stand.
    public var without: [String]
    /// Revokes the key that signs in this home, too.
    public var isForced: Bool
    public var roots: RootSource

    public init(
        key: String, account: String?, reason: String, since: UInt64?, without: [String], isForced: Bool,
        roots: RootSource
    ) {
        self.key = key
        self.account = account
        self.reason = reason
        self.since = since
        self.without = without
        self.isForced = isForced
        self.roots = roots
    }

    public struct Reply: Codable, Sendable {
        public let account: String
        public let key: String
        public let label: String
        public let reason: String
        /// Unix seconds.
        public let since: UInt64
        /// Id of the checkpoint post, and how many posts it keeps; nil where there is none.
        public let checkpoint: String?
        public let kept: Int?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard let reason = WireRevocationReason(word: reason) else {
            throw OperationError(.usage, "\"\(reason)\" is no reason: retired, lost or compromised")
        }
        try context.checkWritable()
        let dropped = try postIDs()
        let (account, device, authority) = try await context.device(key, account: self.account)
        let used = account.isNode ? context.keyring.node : context.keyring.accounts[account.name]
        if used?.device.publicKey == device, used?.author == account.author, !isForced {
            throw OperationError(
                .conflict,
                "this home signs with that key; make another first (`waggle key new --label … --use`), or say --force")
        }
        let now = context.now()
        let since = min(self.since ?? now, now)
        let secret = try roots.secret(for: account, in: context.home)
        do {
            var checkpoint: (post: SignedPost, count: Int)?
            if reason != .retired {
                checkpoint = try await context.checkpoint(
                    device, of: account, until: self.since ?? .max, without: dropped, by: secret)
            }
            let document = try account.chain.revoking(
                [device], reason, since: since, checkpoints: checkpoint.map { [device: $0.post.id] } ?? [:],
                by: secret, now: now)
            // The checkpoint first: nothing that it keeps is hidden in between.
            if let post = checkpoint?.post { try await context.publish(checkpoint: post) }
            try await context.submit(keys: [document])
            return Reply(
                account: account.name, key: device.hex, label: authority.label, reason: reason.word, since: since,
                checkpoint: checkpoint?.post.id.hex, kept: reason == .retired ? nil : checkpoint?.count ?? 0)
        } catch let error as KeyChangeError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private func postIDs() throws(OperationError) -> Set<Hash32> {
        var ids: Set<Hash32> = []
        for text in without {
            guard let id = Hash32(hex: text) else {
                throw OperationError(.usage, "\"\(text)\" is no post id: 64 hexadecimal digits")
            }
            ids.insert(id)
        }
        return ids
    }
}

extension OperationContext {
    /// The one device of an account, or of all accounts, that is named so.
    ///
    /// - Throws: `notFound`, and `usage` with the candidates when there are several.
    func device(_ name: String, account: String?) async throws(OperationError) -> (
        account: KeyAccount, key: Hash32, authority: DeviceAuthority
    ) {
        let names = account.map { [$0] } ?? KeyAccount.names(in: home)
        let digits = name.lowercased()
        let isHash = digits.count >= 8 && digits.allSatisfy(\.isHexDigit)
        var found: [(account: KeyAccount, key: Hash32, authority: DeviceAuthority)] = []
        for accountName in names {
            let account = try await KeyAccount(accountName, in: self)
            for (key, authority) in account.chain.devices
            where isHash && key.hex.hasPrefix(digits) || authority.label == name {
                found.append((account, key, authority))
            }
        }
        // One label may have been used again after its key was revoked.
        let good = found.filter { $0.authority.revocation == nil }
        let chosen = good.isEmpty ? found : good
        guard let first = chosen.first else {
            throw OperationError(.notFound, "no account here has a device key \"\(name)\"; `waggle key ls` shows them")
        }
        guard chosen.count == 1 else {
            let candidates = chosen.map { "\($0.key.hex.prefix(16)) (@\($0.account.name), \"\($0.authority.label)\")" }
            throw OperationError(
                .usage, "\"\(name)\" names several keys: \(candidates.sorted().joined(separator: ", "))")
        }
        return first
    }
}
