import BlobStore

@testable import Federation

/// Sources that behave as they like, a network that is only numbers, and the scheduler between them. Everything follows
/// from the seed.
struct FetchSimulation {
    enum Manner: CaseIterable {
        case honest, slow
        /// Each eighth unit is wrong.
        case lies
        /// Falls silent at some point, for good.
        case stalls
        /// Refuses connections from some point on.
        case vanishes
        /// Answers with a redirect.
        case redirects
        /// Has some of the units, and gets more.
        case partial
    }

    struct Actor {
        var manner: Manner
        /// Units a second, shared by its runs.
        var rate: Double
        var roundTrip = 0.02
        var holding: UnitSet?
        /// When its manner begins to show.
        var turns = 0.0
        /// Units that went over the wire whole, wrong ones too.
        var sent = 0
        /// When its line is free again.
        fileprivate var free = 0.0

        init(_ manner: Manner, rate: Double) {
            (self.manner, self.rate) = (manner, rate)
        }

        var isHonest: Bool { [.honest, .slow, .partial].contains(manner) }
    }

    private enum Arrival {
        /// The request is with the source.
        case asked(run: Int)
        case unit(run: Int, Int)
        case broke(run: Int)
        case refused(run: Int)
        case holds(Int, UnitSet)
        case tick
    }

    private(set) var now = 0.0
    var actors: [Actor]
    private(set) var scheduler: FetchScheduler<Int>
    private var arrivals: [(at: Double, order: Int, what: Arrival)] = []
    private var order = 0
    /// Units that a run still brings, in order; the source sends them one after the other.
    private var runs: [Int: (source: Int, units: [Int])] = [:]
    private(set) var held: UnitSet
    private(set) var blamed: [Int] = []
    private(set) var dropped: [Int] = []
    /// A unit was asked of two sources at once.
    private(set) var doubled: [Int] = []

    init(held: UnitSet, actors: [Actor]) {
        self.held = held
        self.actors = actors
        scheduler = FetchScheduler(held: held)
    }

    /// Units in flight: asked for and not here.
    var inFlight: Set<Int> { Set(runs.values.flatMap(\.units)) }

    /// Runs until the blob is complete, nobody is left, `until` says stop, or so many seconds have passed.
    mutating func run(seconds: Double, until stop: (FetchSimulation) -> Bool = { _ in false }) {
        if now == 0 {
            for (index, actor) in actors.enumerated() {
                take(.joined(index, holding: actor.holding, roundTrip: actor.roundTrip))
            }
            post(0.25, .tick)
        }
        while !scheduler.isComplete, !scheduler.isStuck, now < seconds, !stop(self) {
            guard
                let next = arrivals.indices.min(by: {
                    (arrivals[$0].at, arrivals[$0].order) < (arrivals[$1].at, arrivals[$1].order)
                })
            else { return }
            let arrival = arrivals.remove(at: next)
            now = arrival.at
            deliver(arrival.what)
        }
    }

    /// Another source joins.
    mutating func join(_ actor: Actor) {
        actors.append(actor)
        take(.joined(actors.count - 1, holding: actor.holding, roundTrip: actor.roundTrip))
    }

    private mutating func post(_ seconds: Double, _ what: Arrival) {
        order += 1
        arrivals.append((now + seconds, order, what))
    }

    private mutating func deliver(_ arrival: Arrival) {
        switch arrival {
        case .tick:
            post(0.25, .tick)
            take(.tick)
        case .holds(let source, let units): take(.holds(source, units))
        case .asked(let run): send(run)
        case .broke(let run):
            if runs.removeValue(forKey: run) != nil { take(.broke(run, "gone")) }
        case .refused(let run):
            if runs.removeValue(forKey: run) != nil { take(.refused(run, "302")) }
        case .unit(let run, let unit):
            guard let source = runs[run]?.source else { return }
            guard scheduler.isDue(unit, in: run) else {
                runs[run] = nil
                return take(.ended(run))
            }
            actors[source].sent += 1
            if actors[source].manner == .lies, unit % 8 == 3 { return take(.bad(run, unit: unit)) }
            runs[run]?.units.removeFirst()
            held.insert(unit)
            take(.stored(run, unit: unit))
            if runs[run]?.units.isEmpty == true
                || !(runs[run]?.units.first.map { scheduler.isDue($0, in: run) } ?? false)
            {
                if runs.removeValue(forKey: run) != nil { take(.ended(run)) }
            } else {
                send(run)
            }
        }
    }

    private mutating func take(_ event: FetchScheduler<Int>.Event) {
        for effect in scheduler.handle(event, now: now) {
            switch effect {
            case .ask(let run, let source, let units):
                for (other, state) in runs where state.units.contains(where: { units.contains($0) }) {
                    doubled += state.units.filter { units.contains($0) && scheduler.isDue($0, in: other) }
                }
                runs[run] = (source, Array(units))
                // Nothing here calls back into the scheduler before it has said all.
                begin(run)
            case .cancel(let run): runs[run] = nil
            case .drop(let source, _): dropped.append(source)
            case .blame(let source, _): blamed.append(source)
            case .refresh(let source):
                guard var units = actors[source].holding else { continue }
                // It has got some more since.
                for unit in units.missing.joined().prefix(8) { units.insert(unit) }
                actors[source].holding = units
                post(actors[source].roundTrip, .holds(source, units))
            }
        }
    }

    private mutating func begin(_ run: Int) {
        guard let source = runs[run]?.source else { return }
        let actor = actors[source]
        switch actor.manner {
        case .redirects: post(actor.roundTrip, .refused(run: run))
        case .vanishes where now >= actor.turns: post(actor.roundTrip, .broke(run: run))
        // What the source sends meanwhile goes on.
        default: post(actor.roundTrip, .asked(run: run))
        }
    }

    /// The next unit of a run goes out when the source's line is free.
    private mutating func send(_ run: Int) {
        guard let (source, units) = runs[run], let unit = units.first else { return }
        let actor = actors[source]
        if actor.manner == .stalls, now >= actor.turns { return }
        if actor.manner == .vanishes, now >= actor.turns { return post(0.01, .broke(run: run)) }
        let at = max(actor.free, now) + 1 / actor.rate
        actors[source].free = at
        post(at - now, .unit(run: run, unit))
    }
}
