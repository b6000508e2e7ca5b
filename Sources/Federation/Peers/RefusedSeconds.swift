import PostLog
import WaggleProtocol

// For how long a post that was not taken is neither fetched again nor offered again. Without it reconciliation would bring
// the same posts every minute, only to refuse them.

extension IntakeResult {
    /// Nil for what was taken, waits for keys, may come again in a moment, or is no post at all.
    var refusedSeconds: UInt64? {
        switch self {
        case .policy: Limits.Gossip.refusalSeconds
        case .unauthorised: Limits.Gossip.unauthorisedSeconds
        case .rate(let seconds): seconds > Limits.Room.peerPauseSeconds ? UInt64(seconds) : nil
        case .future(let seconds): UInt64(seconds)
        case .new, .have, .invalid, .parked: nil
        }
    }
}

extension WirePostResult {
    /// The same of what a peer answered.
    var refusedSeconds: UInt64? {
        switch status {
        case .policy: Limits.Gossip.refusalSeconds
        case .rate: retryAfter > Limits.Room.peerPauseSeconds ? UInt64(retryAfter) : nil
        case .future: UInt64(retryAfter)
        default: nil
        }
    }
}
