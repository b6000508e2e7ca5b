import BlobStore

/// Which source fetches which units of one blob, when it is given up, and who is to blame: a value that decides, and knows
/// nothing of sockets. Time is in seconds of a clock that never goes back.
///
/// A unit is asked of one source at a time, so a bad unit has one culprit. While all sources are whole, units go out in
/// order within a window; among partial holders the rarest go first. Each source has as much in flight as it brings in a
/// round trip and half a second, in runs of half of that; the next request goes out when what is left of the last arrives in
/// about the time that a request takes, so that a near source brings its units in order and a far one is never idle. One
/// that has not brought a whole run has one request at a time: if it turns out to lie, one unit of it is lost. A source
/// with nothing to do takes half of what the slowest one still has to bring. What counts as silence follows from the
/// source's own rate.
struct FetchScheduler<Source: Hashable & Sendable & Comparable>: Sendable {
    /// One request: neighbouring units, asked of one source.
    typealias Run = Int

    enum Event: Sendable {
        /// A source is there. `holding` is nil for one that has all units.
        case joined(Source, holding: UnitSet?, roundTrip: Double)
        /// A partial holder says again what it has.
        case holds(Source, UnitSet)
        /// The request is on its way, and what the source was asked for before has come.
        case began(Run)
        /// A unit was verified and stored.
        case stored(Run, unit: Int)
        /// A unit was not what its hash says.
        case bad(Run, unit: Int)
        /// The answer ended where it should.
        case ended(Run)
        /// The connection failed or fell silent; the source may be tried again.
        case broke(Run, String)
        /// The source refused, or answered what is no answer.
        case refused(Run, String)
        /// Some time has passed.
        case tick
    }

    enum Effect: Equatable, Sendable {
        case ask(Run, Source, Range<Int>)
        /// What this run brings from here on is not needed.
        case cancel(Run)
        /// The source is out of this fetch.
        case drop(Source, because: String)
        /// It sent bytes that are not what they should be.
        case blame(Source, unit: Int)
        /// Ask a partial holder again what it has.
        case refresh(Source)
    }

    private struct Request {
        let source: Source
        /// Units asked for that no other source has taken over.
        var units: Range<Int>
        var began: Double?
        var lastSign: Double
    }

    private struct State {
        var holding: UnitSet?
        var roundTrip: Double
        var rate = RateMeter()
        var requests = 0
        /// It has brought a whole run.
        var isProven = false
        /// Failures since the last good unit.
        var failures = 0
        /// Not before.
        var rests = 0.0
        var refreshAt = 0.0
        var refreshes = 0

        func has(_ unit: Int) -> Bool { holding?.contains(unit) ?? true }

        /// Units that may be in flight.
        var window: Int {
            guard let rate = rate.value else { return 8 }
            let units = (rate * (roundTrip + 0.5)).rounded(.up)
            return Int(
                min(max(units, Double(FetchLimits.inFlight.lowerBound)), Double(FetchLimits.inFlight.upperBound)))
        }

        /// With so many units left in flight the next request goes out: what comes while it is on its way, and a little.
        var lead: Int {
            guard isProven, let rate = rate.value else { return 0 }
            return max(1, Int((rate * (2 * roundTrip + FetchLimits.leadSeconds)).rounded(.up)))
        }

        /// Seconds without a unit after which a run counts as silent: eight times what a unit takes, and round trips.
        var patience: Double {
            guard let rate = rate.value else { return FetchLimits.firstPatience }
            return max(FetchLimits.leastPatience, 8 / rate) + 4 * roundTrip
        }
    }

    private var done: UnitSet
    /// Units that are in a run.
    private var asked: [Bool]
    private var firstMissing = 0
    private var sources: [Source: State] = [:]
    private var requests: [Run: Request] = [:]
    private var nextRun = 0
    private(set) var lastFailure = ""

    /// - Parameter held: the units that are here.
    init(held: UnitSet) {
        done = held
        asked = [Bool](repeating: false, count: held.capacity)
        advance()
    }

    private var count: Int { done.capacity }
    var remaining: Int { count - done.count }
    var isComplete: Bool { done.isFull }

    /// No source is left that could bring what is missing.
    var isStuck: Bool {
        guard !isComplete, requests.isEmpty else { return false }
        return !sources.values.contains { state in
            state.holding == nil || state.refreshes < FetchLimits.refreshes
                || (firstMissing..<count).contains { !done.contains($0) && state.has($0) }
        }
    }

    mutating func handle(_ event: Event, now: Double) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .joined(let source, let holding, let roundTrip):
            if sources[source] == nil {
                sources[source] = State(holding: holding, roundTrip: roundTrip, refreshAt: now + 1)
            }
        case .holds(let source, let units):
            guard let before = sources[source]?.holding else { break }
            sources[source]?.holding = units
            if units != before { sources[source]?.refreshes = 0 }
        case .began(let run):
            requests[run]?.began = now
            requests[run]?.lastSign = now
        case .stored(let run, let unit): stored(run, unit, now, &effects)
        case .bad(let run, let unit):
            guard let source = requests[run]?.source else { break }
            effects.append(.blame(source, unit: unit))
            drop(source, because: "wrong bytes for MiB \(unit)", &effects)
        case .ended(let run):
            if let request = requests[run], left(of: request).isEmpty { sources[request.source]?.isProven = true }
            end(run)
        case .broke(let run, let reason): broke(run, reason, now, &effects)
        case .refused(let run, let reason):
            guard let source = requests[run]?.source else { break }
            drop(source, because: reason, &effects)
        case .tick: tick(now, &effects)
        }
        handOut(now, &effects)
        return effects
    }

    // MARK: What comes in

    private mutating func stored(_ run: Run, _ unit: Int, _ now: Double, _ effects: inout [Effect]) {
        done.insert(unit)
        advance()
        guard var request = requests[run] else { return }
        let waited = now - lastSign(of: request.source)
        sources[request.source]?.rate.add(1, after: waited)
        sources[request.source]?.failures = 0
        request.lastSign = now
        requests[run] = request
        if isComplete {
            for other in requests.keys.sorted() where other != run { cancel(other, &effects) }
        }
    }

    private func lastSign(of source: Source) -> Double {
        requests.values.reduce(0) { $1.source == source ? max($0, $1.lastSign) : $0 }
    }

    private mutating func broke(_ run: Run, _ reason: String, _ now: Double, _ effects: inout [Effect]) {
        guard let source = requests[run]?.source, var state = sources[source] else { return }
        end(run)
        state.requests -= 1
        state.failures += 1
        state.rests = now + state.roundTrip + 0.25 * Double(1 << min(state.failures, 6))
        sources[source] = state
        lastFailure = reason
        if state.failures >= FetchLimits.failures { drop(source, because: reason, &effects) }
    }

    /// The run is over; what it did not bring is free again.
    private mutating func end(_ run: Run) {
        guard let request = requests.removeValue(forKey: run) else { return }
        for unit in request.units where !done.contains(unit) { asked[unit] = false }
        sources[request.source]?.requests -= 1
    }

    private mutating func cancel(_ run: Run, _ effects: inout [Effect]) {
        end(run)
        effects.append(.cancel(run))
    }

    private mutating func drop(_ source: Source, because reason: String, _ effects: inout [Effect]) {
        for (run, request) in requests.sorted(by: { $0.key < $1.key }) where request.source == source {
            cancel(run, &effects)
        }
        sources[source] = nil
        lastFailure = reason
        effects.append(.drop(source, because: reason))
    }

    private mutating func tick(_ now: Double, _ effects: inout [Effect]) {
        for (run, request) in requests.sorted(by: { $0.key < $1.key }) where request.began != nil {
            guard let state = sources[request.source], requests[run] != nil else { continue }
            let silent = now - lastSign(of: request.source)
            guard silent > state.patience else { continue }
            effects.append(.cancel(run))
            broke(run, "nothing whole for \(Int(silent)) s", now, &effects)
        }
    }

    // MARK: What goes out

    private mutating func handOut(_ now: Double, _ effects: inout [Effect]) {
        guard !isComplete else { return }
        // The fastest first, so that the end falls to those who reach it soonest.
        let order = sources.keys.sorted {
            let (one, other) = (sources[$0]?.rate.value ?? 0, sources[$1]?.rate.value ?? 0)
            return one == other ? $0 < $1 : one > other
        }
        for source in order {
            while let units = next(for: source, now, &effects) {
                let run = nextRun
                nextRun += 1
                for unit in units { asked[unit] = true }
                requests[run] = Request(source: source, units: units, began: nil, lastSign: now)
                sources[source]?.requests += 1
                effects.append(.ask(run, source, units))
            }
        }
    }

    /// The next run for a source; nil when it has enough in flight or nothing to do.
    private mutating func next(for source: Source, _ now: Double, _ effects: inout [Effect]) -> Range<Int>? {
        guard let state = sources[source], now >= state.rests else { return nil }
        let window = state.failures > 0 ? FetchLimits.inFlight.lowerBound : state.window
        let inFlight = requests.values.reduce(0) { $1.source == source ? $0 + left(of: $1).count : $0 }
        let length = min(max(1, window / 2), FetchLimits.runUnits)
        guard inFlight == 0 || inFlight <= state.lead && inFlight + length <= window,
            state.requests < FetchLimits.requests
        else { return nil }
        if let units = free(for: state, atMost: length) { return units }
        guard inFlight == 0 else { return nil }
        if let units = steal(for: source, state, now, &effects) { return units }
        if state.holding != nil, state.refreshes < FetchLimits.refreshes, now >= state.refreshAt {
            sources[source]?.refreshes += 1
            sources[source]?.refreshAt = now + Double(1 << state.refreshes)
            effects.append(.refresh(source))
        }
        return nil
    }

    /// Free units that follow each other: the first in order, or the rarest when some sources are partial.
    private func free(for state: State, atMost length: Int) -> Range<Int>? {
        let partial = sources.values.compactMap(\.holding)
        let end = min(count, firstMissing + (partial.isEmpty ? FetchLimits.window : FetchLimits.searched))
        func isFree(_ unit: Int) -> Bool { !done.contains(unit) && !asked[unit] && state.has(unit) }
        func holders(_ unit: Int) -> Int { partial.reduce(0) { $1.contains(unit) ? $0 + 1 : $0 } }
        var first: Int?
        if partial.isEmpty {
            first = (firstMissing..<end).first(where: isFree)
        } else {
            var fewest = Int.max
            for unit in firstMissing..<end where isFree(unit) {
                let count = holders(unit)
                if count < fewest { (first, fewest) = (unit, count) }
                if fewest == (state.holding == nil ? 0 : 1) { break }
            }
        }
        guard let first else { return nil }
        let rarity = partial.isEmpty ? 0 : holders(first)
        var stop = first + 1
        while stop - first < length, stop < end, isFree(stop), partial.isEmpty || holders(stop) == rarity { stop += 1 }
        return first..<stop
    }

    /// The second half of what the slowest run still has to bring, or all of it when it has been silent for a while and only
    /// one unit is left that the thief brings in less than half the time.
    private mutating func steal(
        for thief: Source, _ state: State, _ now: Double, _ effects: inout [Effect]
    ) -> Range<Int>? {
        func secondsLeft(_ request: Request) -> Double {
            let (waited, count) = (now - request.lastSign, Double(left(of: request).count))
            guard let rate = sources[request.source]?.rate.value else { return waited + count }
            return max(count / rate, waited)
        }
        let victims = requests.filter { $0.value.source != thief && !left(of: $0.value).isEmpty }
            .sorted { (secondsLeft($0.value), $0.key) > (secondsLeft($1.value), $1.key) }
        for (run, request) in victims {
            let units = left(of: request)
            let mine = 1 / (state.rate.value ?? 1)
            // With a run that is taken over whole, what is on its way is lost: not for a unit that is about to be here.
            let grace = FetchLimits.takeOverSeconds + 2 * (sources[request.source]?.roundTrip ?? 0)
            let isSilent = now - request.lastSign > grace
            guard isSilent || units.count > 1 else { continue }
            if units.count == 1 || isSilent && secondsLeft(request) / Double(units.count) > 8 * mine {
                guard state.has(units.lowerBound), secondsLeft(request) > 2 * mine else { continue }
                // All of it: the victim is so slow that even one unit of it would hold the end up.
                guard units.allSatisfy(state.has) else { continue }
                cancel(run, &effects)
                return units
            }
            let start = units.upperBound - units.count / 2
            let half = start..<units.upperBound
            guard half.allSatisfy(state.has), secondsLeft(request) > Double(half.count) * mine + 0.1 else { continue }
            requests[run]?.units = request.units.lowerBound..<start
            return half
        }
        return nil
    }

    /// Whether a run still has to bring a unit: no after another source has taken it over.
    func isDue(_ unit: Int, in run: Run) -> Bool {
        requests[run]?.units.contains(unit) ?? false
    }

    /// What a run still has to bring, from its first missing unit on.
    private func left(of request: Request) -> Range<Int> {
        (request.units.first { !done.contains($0) } ?? request.units.upperBound)..<request.units.upperBound
    }

    private mutating func advance() {
        while firstMissing < count, done.contains(firstMissing) { firstMissing += 1 }
    }
}

/// The numbers of the policy; units are 1 MiB.
enum FetchLimits {
    /// Units of one source in flight.
    static let inFlight = 2...64
    /// Units of one request.
    static let runUnits = 32
    /// Requests to one source at a time.
    static let requests = 2
    /// How far ahead of the first missing unit others are asked for.
    static let window = 256
    /// The same when the rarest are looked for.
    static let searched = 16_384
    /// Failures without a good unit between them after which a source is left.
    static let failures = 3
    /// Seconds before the end of a run, besides round trips, at which the next request goes out.
    static let leadSeconds = 0.005
    /// Seconds without a unit, besides round trips, after which a whole run may go to another source.
    static let takeOverSeconds = 0.25
    /// Times that a partial holder is asked again while it has nothing new.
    static let refreshes = 4
    /// Seconds after which sources are looked for that have appeared meanwhile, and at most, as each look doubles them.
    static let lookSeconds = 5.0...80.0
    /// Seconds that a download is kept from eviction after its last sign of life.
    static let leaseSeconds = 600.0
    /// Seconds of silence before a source's rate is known, and at least.
    static let firstPatience = 20.0
    static let leastPatience = 5.0
}

/// What a source brings in a second, over about the last two seconds of waiting for it.
struct RateMeter: Sendable {
    private static let memory = 2.0
    private var count = 0.0
    private var seconds = 0.0

    /// Nil before anything came.
    var value: Double? { count > 0 ? count / max(seconds, 0.001) : nil }

    /// Something came after so many seconds of waiting.
    mutating func add(_ amount: Double, after waited: Double) {
        let waited = max(0, waited)
        let kept = 1 / (1 + waited / Self.memory)
        count = count * kept + amount
        seconds = seconds * kept + waited
    }
}
