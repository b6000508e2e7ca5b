/// The rules that tests take away one at a time, to see that a suite notices. Nothing else ever names one.
enum LedgerRule: String, CaseIterable, Sendable {
    case voteIsSynced, certificateIsSynced, promiseIsSynced
    case quorumIsTwoThirds, balance, chainHasNoGaps, oneVoteARound
    case unlockFollowsCertificates, unlockTakesHighest, commitKeepsPromise
    case creditAtFinal, grantCap, grantEpoch, payerSigns
    case appliedOnce, holdIsLocked, resolverSigns, captureWithinHold
    case holdUnlocksLate, voteIsForced, frozenMayNotSpend
}
