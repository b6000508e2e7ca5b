/// Requests on their way through an authority. First somebody looks at their signatures, on several cores at once; then the
/// one writer takes all that were looked at. First come, first looked at, so that the writer has something to do while the
/// next are still being looked at; but it does not begin a transaction, with its sync, for a few of them while others are
/// being looked at that will be there in a moment. A value; whoever keeps it does the work that it hands out.
struct RequestLine<Caller: Sendable>: Sendable {
    /// Requests that came together.
    struct Visit: Sendable {
        fileprivate(set) var requests: [AuthorityRequest]
        let caller: Caller
        fileprivate var unchecked: Int
    }

    /// Requests of one visit that are looked at in one turn.
    struct Piece: Sendable {
        fileprivate let visit: Int
        fileprivate let start: Int
        var requests: [AuthorityRequest]
    }

    enum Entry {
        /// Somebody is to begin looking at signatures, and goes on while there are any.
        case begins
        case waits
        /// More wait than can be answered soon.
        case refused
    }

    /// What somebody who looks at signatures is to do.
    enum Turn {
        case look([Piece])
        /// Write, and go on while anything is ready: the writer left it to whoever looks.
        case write
        /// Nothing is left to look at: they are done.
        case leave
    }

    /// What whoever looked at signatures does next.
    enum Next {
        /// Looks at more, if there are any.
        case looks
        /// Looks at more, while somebody else begins to write and goes on while anything is ready.
        case looksBesideWriter
        /// Begins to write and goes on while anything is ready: there is nothing to look at, and what has been looked at is
        /// not handed to another thread for nothing.
        case writes
    }

    /// Requests that are looked at in one turn.
    private static var together: Int { 64 }
    /// Requests that are worth a transaction while others are being looked at.
    private static var enough: Int { 8 }

    private let checks: Int
    private let most: Int
    private let perTransaction: Int
    private var freeChecks: Int
    private var isWriting = false
    private var waiting = 0
    private var entered = 0
    private var visits: [Int: Visit] = [:]
    private var unchecked: [Piece] = []
    /// Visits whose requests were all looked at.
    private var ready: [Int] = []
    /// Their requests.
    private var readyRequests = 0

    /// - Parameters:
    ///   - most: requests that may wait.
    ///   - checks: how many may look at signatures at once.
    ///   - perTransaction: requests that the writer takes together, where they did not come together.
    init(most: Int, checks: Int, perTransaction: Int) {
        (self.most, self.checks, freeChecks, self.perTransaction) = (most, checks, checks, perTransaction)
    }

    mutating func enter(_ requests: [AuthorityRequest], _ caller: Caller) -> Entry {
        guard waiting + requests.count <= most else { return .refused }
        waiting += requests.count
        entered += 1
        visits[entered] = Visit(requests: requests, caller: caller, unchecked: requests.count)
        for start in stride(from: 0, to: requests.count, by: Self.together) {
            let part = requests[start..<min(start + Self.together, requests.count)]
            unchecked.append(Piece(visit: entered, start: start, requests: Array(part)))
        }
        guard freeChecks > 0 else { return .waits }
        freeChecks -= 1
        return .begins
    }

    /// What whoever looks does now.
    mutating func takeUnchecked() -> Turn {
        guard !unchecked.isEmpty else {
            freeChecks += 1
            guard !isWriting, !ready.isEmpty else { return .leave }
            isWriting = true
            return .write
        }
        var (pieces, count) = (0, 0)
        while pieces < unchecked.count, pieces == 0 || count + unchecked[pieces].requests.count <= Self.together {
            count += unchecked[pieces].requests.count
            pieces += 1
        }
        defer { unchecked.removeFirst(pieces) }
        return .look(Array(unchecked.prefix(pieces)))
    }

    /// Takes back what was looked at.
    mutating func put(_ checked: [Piece]) -> Next {
        for piece in checked {
            visits[piece.visit]?.requests.replaceSubrange(
                piece.start..<piece.start + piece.requests.count, with: piece.requests)
            visits[piece.visit]?.unchecked -= piece.requests.count
            guard let visit = visits[piece.visit], visit.unchecked == 0 else { continue }
            ready.append(piece.visit)
            readyRequests += visit.requests.count
        }
        guard !isWriting, !ready.isEmpty else { return .looks }
        if unchecked.isEmpty {
            freeChecks += 1
        } else if readyRequests < Self.enough {
            return .looks
        }
        isWriting = true
        return unchecked.isEmpty ? .writes : .looksBesideWriter
    }

    /// What is written together next; nil when the writer is done, because nothing is ready or whoever looks at signatures
    /// will write what there is.
    mutating func takeReady() -> [Visit]? {
        guard readyRequests >= Self.enough || freeChecks == checks else {
            isWriting = false
            return nil
        }
        var (taken, count) = ([Visit](), 0)
        for name in ready {
            guard let visit = visits[name], taken.isEmpty || count + visit.requests.count <= perTransaction else {
                break
            }
            count += visit.requests.count
            visits[name] = nil
            taken.append(visit)
        }
        ready.removeFirst(taken.count)
        readyRequests -= count
        if taken.isEmpty { isWriting = false }
        return taken.isEmpty ? nil : taken
    }

    /// Visits are answered: their room is free.
    mutating func answered(_ visits: [Visit]) {
        waiting -= visits.reduce(0) { $0 + $1.requests.count }
    }
}
