import Synchronization
import WaggleProtocol

/// How much of this node's disk is for what an account brings.
public enum StorageQuota: Sendable, Hashable {
    case unlimited
    case bytes(UInt64)

    /// Nil for no limit.
    public var bytes: UInt64? {
        switch self {
        case .unlimited: nil
        case .bytes(let bytes): bytes
        }
    }
}

extension AccountRole {
    /// What accounts of this role have while the operator says nothing else.
    public var storage: StorageQuota {
        let limits = Limits.Accounts.self
        return switch self {
        case .admin: .unlimited
        case .moderator: .bytes(limits.storageOfModerators)
        case .curator, .trustedReporter: .bytes(limits.storageOfTrusted)
        case .member: .bytes(limits.storage)
        case .limited: .bytes(0)
        }
    }
}

/// Room that publications hold while they are under way, by account.
///
/// What they keep is counted from posts, and a post is there only at the end: until then the bytes are held here, so that
/// several at once do not all find the same room. Nothing of it outlives the process, as no publication does.
public struct HeldRoom: Sendable {
    private var bytes: [Int64: UInt64] = [:]

    public init() {}

    /// - Returns: all that the account holds now.
    public mutating func hold(_ count: UInt64, account: Int64) -> UInt64 {
        // Each is bounded, and there are far fewer than would fill 64 bits.
        let sum = (bytes[account] ?? 0) + min(count, Limits.Accounts.storageAtMost + 1)
        bytes[account] = sum
        return sum
    }

    public mutating func release(_ count: UInt64, account: Int64) {
        let all = bytes[account] ?? 0
        let left = all - min(all, min(count, Limits.Accounts.storageAtMost + 1))
        bytes[account] = left == 0 ? nil : left
    }
}

extension Accounts {
    /// Holds room for what an account is about to have kept. Whoever holds it releases it.
    ///
    /// - Returns: all that the account holds now. Ask for what is kept afterwards: what another publication kept meanwhile
    ///   is in one of the two.
    public func hold(_ bytes: UInt64, for account: Account) -> UInt64 {
        held.withLock { $0.hold(bytes, account: account.id) }
    }

    public func release(_ bytes: UInt64, for account: Account) {
        held.withLock { $0.release(bytes, account: account.id) }
    }

    /// Gives an account a quota of its own.
    ///
    /// - Parameter quota: nil for what its role has.
    /// - Throws: `noAccount`, `limit`.
    public func set(_ quota: StorageQuota?, of handle: String) async throws(AccountsError) -> Account {
        if let bytes = quota?.bytes, bytes > Limits.Accounts.storageAtMost {
            throw .limit("a quota has at most \(Limits.Accounts.storageAtMost) bytes; say none for no limit")
        }
        return try await change(handle) { $0.quota = quota }
    }
}
