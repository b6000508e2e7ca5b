/// Which rates hold at which time of the week: entries of which the last that fits decides, each for the node, a class or
/// every single peer.
public struct RateSchedule: Hashable, Sendable {
    /// What an entry limits.
    public enum Scope: Hashable, Sendable {
        case node
        case kind(TransferClass)
        case peer
    }

    public struct Entry: Hashable, Sendable {
        /// Days of the week, Monday is 0; all when empty.
        public var days: Set<Int>
        /// Minutes of the day, from the first up to the last, which may lie on the next day; nil for all.
        public var from: Int?
        public var to: Int?
        public var scope: Scope
        /// Bytes a second; nil lifts a limit.
        public var rate: UInt64?

        public init(days: Set<Int> = [], from: Int? = nil, to: Int? = nil, scope: Scope = .node, rate: UInt64?) {
            self.days = days
            self.from = from
            self.to = to
            self.scope = scope
            self.rate = rate
        }

        /// Whether the entry holds at a minute of a day.
        func holds(day: Int, minute: Int) -> Bool {
            guard let from, let to else { return isOn(day) }
            if from <= to { return isOn(day) && (from..<to).contains(minute) }
            // Over midnight: it began today, or yesterday.
            return isOn(day) && minute >= from || isOn((day + 6) % 7) && minute < to
        }

        private func isOn(_ day: Int) -> Bool { days.isEmpty || days.contains(day) }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// The rates at a minute of a day; Monday is 0.
    public func rates(day: Int, minute: Int) -> RateLimiter.Rates {
        var rates = RateLimiter.Rates()
        for entry in entries where entry.holds(day: day, minute: minute) {
            switch entry.scope {
            case .node: rates.node = entry.rate
            case .kind(let kind): rates.classes[kind] = entry.rate
            case .peer: rates.peer = entry.rate
            }
        }
        return rates
    }
}
