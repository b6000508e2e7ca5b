/// What bytes are moved for, the most urgent first.
public enum TransferClass: String, CaseIterable, Sendable, Comparable, Codable {
    /// A person waits for it to look at a page, or for a file that was asked for by name.
    case interactive
    /// Pictures in full size.
    case image
    /// Files of models.
    case model
    /// Copies for other nodes, or for this one's mirror rules.
    case mirror

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// What the transfers of this task are for.
    @TaskLocal public static var current = TransferClass.interactive
}

/// Token buckets for the whole node, for each class and for each peer: a value that is told the time and grants bytes. What
/// is more urgent goes first, but a class that waits gets a tenth of what those before it get, so that none stands still;
/// within a class, first come, first served, but nobody waits behind a peer that is at its own limit.
///
/// A bucket holds what its rate gives in `burst`, and a grant may overdraw it by its own size, which `quantum` keeps below
/// the same. So in any window more than the rate's bytes pass by at most twice that: 2 % of 10 seconds.
public struct RateLimiter: Sendable {
    /// Bytes a second; nil and what is missing have no limit.
    public struct Rates: Hashable, Sendable {
        public var node: UInt64?
        public var classes: [TransferClass: UInt64]
        /// Of each peer.
        public var peer: UInt64?

        public init(node: UInt64? = nil, classes: [TransferClass: UInt64] = [:], peer: UInt64? = nil) {
            self.node = node
            self.classes = classes
            self.peer = peer
        }

        public var isUnlimited: Bool { node == nil && peer == nil && classes.isEmpty }
    }

    /// A grant that is waited for.
    public struct Ticket: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Request {
        var ticket: Ticket
        var bytes: Int
        var kind: TransferClass
        var peer: String
    }

    private enum Owner: Hashable {
        case node
        case kind(TransferClass)
        case peer(String)
    }

    private struct Bucket {
        var tokens: Double
        var filledAt: Duration
    }

    private static let burst = 0.1
    /// Bytes of more urgent classes that may pass for each byte of a request that waits.
    private static let patience = 9
    /// Bytes that passed each class that waited, since it was last given something.
    private var passedOver: [TransferClass: Int] = [:]
    public private(set) var rates: Rates
    private var buckets: [Owner: Bucket] = [:]
    private var queue: [Request] = []
    private var next: UInt64 = 0

    public init(_ rates: Rates) {
        self.rates = rates
    }

    /// Changes the rates; what is waited for goes on with the new ones.
    public mutating func set(_ rates: Rates) {
        self.rates = rates
    }

    /// Bytes of one grant at most.
    public func quantum(_ kind: TransferClass) -> Int {
        let least = [rates.node, rates.classes[kind], rates.peer].compactMap { $0 }.min()
        return least.map { max(1, Int(Double($0) * Self.burst)) } ?? .max
    }

    /// Asks for a grant; `advance` gives it.
    ///
    /// - Parameter bytes: `quantum` at most.
    public mutating func request(_ bytes: Int, for kind: TransferClass, peer: String) -> Ticket {
        let ticket = Ticket(number: next)
        next += 1
        let place = queue.firstIndex { kind < $0.kind } ?? queue.endIndex
        queue.insert(Request(ticket: ticket, bytes: bytes, kind: kind, peer: peer), at: place)
        return ticket
    }

    /// Takes back a request that was not granted.
    public mutating func cancel(_ ticket: Ticket) {
        queue.removeAll { $0.ticket == ticket }
    }

    /// Grants what may pass now.
    ///
    /// - Parameter now: time since any fixed point.
    public mutating func advance(to now: Duration) -> [Ticket] {
        var granted: [Ticket] = []
        var waiting: [Request] = []
        for request in inTurn() {
            let owners = owners(request)
            for (owner, rate) in owners { fill(owner, rate, now) }
            if owners.allSatisfy({ buckets[$0.owner]?.tokens ?? 0 > 0 }) {
                for (owner, _) in owners { buckets[owner]?.tokens -= Double(request.bytes) }
                granted.append(request.ticket)
                note(request)
            } else {
                waiting.append(request)
            }
        }
        // Back in the order of urgency and arrival.
        queue = waiting.sorted { ($0.kind, $0.ticket.number) < ($1.kind, $1.ticket.number) }
        // Full buckets say nothing that a new one would not.
        if queue.isEmpty, buckets.count > 1024 { buckets = buckets.filter { $0.key == .node || $0.value.tokens < 0 } }
        return granted
    }

    /// The queue, with the first of each class that was passed over for long enough before all others.
    private func inTurn() -> [Request] {
        guard !passedOver.isEmpty else { return queue }
        var due: [Request] = []
        var rest: [Request] = []
        for request in queue {
            let isDue =
                !due.contains { $0.kind == request.kind }
                && passedOver[request.kind, default: 0] >= Self.patience * request.bytes
            if isDue { due.append(request) } else { rest.append(request) }
        }
        return due + rest
    }

    /// Counts a grant against the classes that wait behind it.
    private mutating func note(_ request: Request) {
        passedOver[request.kind] = nil
        for kind in TransferClass.allCases where request.kind < kind && queue.contains(where: { $0.kind == kind }) {
            passedOver[kind, default: 0] += request.bytes
        }
    }

    /// How long a waiting request waits at least; nil when it is not waiting.
    public func wait(for ticket: Ticket, at now: Duration) -> Duration? {
        guard let request = queue.first(where: { $0.ticket == ticket }) else { return nil }
        let seconds = owners(request).map { owner, rate -> Double in
            guard let bucket = buckets[owner] else { return 0 }
            return -bucket.tokens / Double(rate) - (now - bucket.filledAt) / .seconds(1)
        }
        return .seconds(max(0.001, seconds.max() ?? 0))
    }

    private func owners(_ request: Request) -> [(owner: Owner, rate: UInt64)] {
        var owners: [(owner: Owner, rate: UInt64)] = []
        if let rate = rates.node { owners.append((.node, rate)) }
        if let rate = rates.classes[request.kind] { owners.append((.kind(request.kind), rate)) }
        if let rate = rates.peer { owners.append((.peer(request.peer), rate)) }
        return owners
    }

    private mutating func fill(_ owner: Owner, _ rate: UInt64, _ now: Duration) {
        let capacity = Double(rate) * Self.burst
        var bucket = buckets[owner] ?? Bucket(tokens: capacity, filledAt: now)
        bucket.tokens = min(capacity, bucket.tokens + Double(rate) * ((now - bucket.filledAt) / .seconds(1)))
        bucket.filledAt = now
        buckets[owner] = bucket
    }
}
