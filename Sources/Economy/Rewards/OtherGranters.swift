public import Digests
public import Ledger
import WaggleProtocol

/// Lists of rewards that other granters publish, for whoever asks here.
///
/// Anybody may ask, and a list may be large: one of a currency is fetched at a time, whoever asks for the same meanwhile
/// gets the same, and what could not be had is not asked for again at once.
public actor OtherGranters {
    /// Which list.
    public struct Name: Sendable, Hashable {
        public let currency: Hash32
        public let epoch: Int64
        public let granter: AccountID

        public init(currency: Hash32, epoch: Int64, granter: AccountID) {
            (self.currency, self.epoch, self.granter) = (currency, epoch, granter)
        }
    }

    private struct Fetch {
        let name: Name
        let task: Task<RewardEvidence, any Error>
    }

    private var misses = MissedLists()
    /// By currency.
    private var fetches: [Hash32: Fetch] = [:]

    public init() {}

    /// A list, with the fetch that is under way for it, or a new one.
    ///
    /// - Parameters:
    ///   - now: unix seconds.
    ///   - fetch: has to end: nobody else gets a list of the currency before.
    /// - Throws: what `fetch` throws, now or a while ago; `LedgerError.busy` while another list of the currency is fetched.
    public func list(
        _ name: Name, now: UInt64, _ fetch: @escaping @Sendable () async throws -> RewardEvidence
    ) async throws -> RewardEvidence {
        if let why = misses.reason(name, now: now) { throw why }
        if let running = fetches[name.currency] {
            guard running.name == name else { throw LedgerError.busy }
            return try await running.task.value
        }
        // It goes on when whoever asked first is gone: others may wait for it.
        let task = Task {
            defer { fetches[name.currency] = nil }
            do {
                return try await fetch()
            } catch {
                misses.note(name, error, now: now)
                throw error
            }
        }
        fetches[name.currency] = Fetch(name: name, task: task)
        return try await task.value
    }
}

/// Lists that could not be had a while ago, and why.
///
/// A value; time is handed in. The oldest are forgotten when there are many.
struct MissedLists: Sendable {
    private struct Miss {
        let why: any Error
        let until: UInt64
    }

    private var misses: [OtherGranters.Name: Miss] = [:]

    var count: Int { misses.count }

    /// Why a list could not be had; nil when it is time to ask for it.
    func reason(_ name: OtherGranters.Name, now: UInt64) -> (any Error)? {
        misses[name].flatMap { now < $0.until ? $0.why : nil }
    }

    mutating func note(_ name: OtherGranters.Name, _ why: any Error, now: UInt64) {
        if misses.count >= Limits.Economy.missedLists {
            misses = misses.filter { now < $0.value.until }
            while misses.count >= Limits.Economy.missedLists,
                let oldest = misses.min(by: { $0.value.until < $1.value.until })
            {
                misses[oldest.key] = nil
            }
        }
        misses[name] = Miss(why: why, until: now + Limits.Economy.missedListSeconds)
    }
}
