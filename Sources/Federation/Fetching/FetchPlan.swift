import Digests

/// Which source fetches which units of one blob: a value that decides, and knows nothing of sockets.
///
/// A unit is asked of one source at a time, so a bad unit has one culprit: that source is dropped for this blob. Runs of
/// neighbouring units keep requests few. When nothing is left to hand out, an idle source helps with a unit that another
/// has under way, so that a source that stalls cannot hold the end up.
struct FetchPlan<Source: Hashable & Sendable>: Sendable {
    /// Units of one request: a quarter of those that are free, within these limits. Each request costs a round trip, and
    /// short ones near the end leave something for everybody.
    static var runUnits: ClosedRange<Int> { 8...64 }

    enum Work: Equatable {
        /// Ask for these neighbouring units.
        case fetch(Range<Int>)
        /// Nothing to do now; ask again when something was reported.
        case wait
        /// Nothing to do any more for this source.
        case stop
    }

    private var missing: Set<Int>
    private var underWay: [Source: Range<Int>] = [:]
    private var dropped: Set<Source> = []
    /// Units that a partial holder has; sources that are not listed have all.
    private var holdings: [Source: Set<Int>] = [:]

    init(missing: some Sequence<Int>) {
        self.missing = Set(missing)
    }

    var isComplete: Bool { missing.isEmpty }
    var remaining: Int { missing.count }

    mutating func add(_ source: Source, holding units: Set<Int>?) {
        holdings[source] = units
    }

    /// The next run for a source.
    mutating func next(for source: Source) -> Work {
        guard !dropped.contains(source), !missing.isEmpty else { return .stop }
        let taken = underWay.filter { $0.key != source }.values
        let held = holdings[source].map { missing.intersection($0) } ?? missing
        guard !held.isEmpty else { return underWay.isEmpty ? .stop : .wait }
        let free = held.filter { unit in !taken.contains { $0.contains(unit) } }
        guard let first = free.min() else {
            // All that is left is under way elsewhere: take over the last unit of the longest run.
            guard let unit = taken.compactMap({ run in run.last(where: held.contains) }).max() else { return .wait }
            underWay[source] = unit..<unit + 1
            return .fetch(unit..<unit + 1)
        }
        let longest = min(max(free.count / 4, Self.runUnits.lowerBound), Self.runUnits.upperBound)
        var end = first + 1
        while end - first < longest, free.contains(end) { end += 1 }
        underWay[source] = first..<end
        return .fetch(first..<end)
    }

    /// A unit was verified and stored.
    mutating func stored(_ unit: Int) {
        missing.remove(unit)
    }

    /// The run of a source came to its end.
    mutating func finished(_ source: Source) {
        underWay[source] = nil
    }

    /// A source lied, failed or ran dry: it is asked for nothing more of this blob.
    mutating func drop(_ source: Source) {
        underWay[source] = nil
        dropped.insert(source)
    }

}
