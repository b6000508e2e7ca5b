import WaggleProtocol

/// What a person chooses to see. What is nil stays as it is.
public struct ViewingChoice: Sendable, Hashable {
    /// Bits of levels.
    public var levels: UInt32?
    /// The bit of the level from which on pictures are blurred; 0 for never.
    public var blurFrom: UInt32?
    /// Their own word that they are an adult where they live.
    public var isAdult: Bool?

    public init(levels: UInt32? = nil, blurFrom: UInt32? = nil, isAdult: Bool? = nil) {
        self.levels = levels
        self.blurFrom = blurFrom
        self.isAdult = isAdult
    }

    /// Whoever takes the word back sees what everybody sees again.
    func apply(to account: inout Account, now: UInt64) throws(AccountsError) {
        switch isAdult {
        case true?: account.adultSince = account.adultSince ?? now
        case false?:
            account.adultSince = nil
            account.levels &= Limits.Accounts.openLevels
        case nil: break
        }
        if let levels {
            guard account.adultSince != nil || levels & ~Limits.Accounts.openLevels == 0 else { throw .ageNeeded }
            account.levels = levels
        }
        if let blurFrom { account.blurFrom = blurFrom }
    }
}
