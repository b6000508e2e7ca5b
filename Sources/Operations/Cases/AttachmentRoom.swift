import Synchronization
import WaggleProtocol

/// The room that there is for files with requests: one for the whole node, so that no two requests are given the same bytes,
/// and nobody takes everybody's.
public final class AttachmentRoom: Sendable {
    private struct State {
        /// Bytes of requests that have no case yet.
        var coming = 0
        /// Days since 1970, and what came on this one, by sender.
        var day: UInt64 = 0
        var sent: [String: Int] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// Gives bytes to a request, until `release`.
    ///
    /// - Parameters:
    ///   - sender: an account or an address; nil for the operator, whom no day bounds.
    ///   - now: unix seconds.
    ///   - kept: bytes with cases; asked while nobody else is given any.
    /// - Throws: `limits` when all have too many, or the sender on this day.
    func reserve(_ bytes: Int, from sender: String?, at now: UInt64, kept: () -> Int) throws(OperationError) {
        let refusal = state.withLock { state -> String? in
            let day = now / 86_400
            if state.day != day { (state.day, state.sent) = (day, [:]) }
            let isKnown = sender.map { state.sent[$0] != nil } ?? true
            guard isKnown || state.sent.count < Limits.API.buckets,
                kept() + state.coming + bytes <= Limits.Cases.attachedBytesOfAll
            else { return "there is no room for files with requests just now; send the request without them" }
            if let sender {
                let sent = state.sent[sender, default: 0] + bytes
                guard sent <= Limits.Cases.attachedBytesPerDay else {
                    let most = Limits.Cases.attachedBytesPerDay >> 20
                    return "files from one place have at most \(most) MiB a day; send the request without them"
                }
                state.sent[sender] = sent
            }
            state.coming += bytes
            return nil
        }
        if let refusal { throw OperationError(.limits, refusal) }
    }

    /// Bytes that were reserved are with a case, or gone.
    func release(_ bytes: Int) { state.withLock { $0.coming -= bytes } }
}
