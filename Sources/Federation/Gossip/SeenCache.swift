import Digests

/// What is known of the posts that passed lately: which peers have each, and which were sent it whole.
///
/// Two generations of at most half the capacity. The older one goes when the younger is full or its time is up, so an id is
/// remembered for at least `lifetime`, or until half the capacity of others came after it.
struct SeenCache: Sendable {
    /// A set of link places.
    typealias Places = UInt128

    struct Entry: Sendable {
        /// Peers that have the post by their own word.
        var holders: Places = 0
        /// Peers that were sent it whole; a connection may have broken meanwhile.
        var sent: Places = 0
        /// A peer named it or sent it before it came into force here: it is not this node's own.
        var isForeign = false
        /// It is stored here, or was refused for good: nobody needs to be asked for it.
        var isSettled = false
    }

    private let half: Int
    private let lifetime: Duration
    private var young: [Hash32: Entry] = [:]
    private var old: [Hash32: Entry] = [:]
    private var turnedAt = Duration.zero

    init(capacity: Int, lifetime: Duration) {
        half = max(1, capacity / 2)
        self.lifetime = lifetime
    }

    var count: Int { young.count + old.count }

    func entry(_ id: Hash32) -> Entry? {
        young[id] ?? old[id]
    }

    mutating func update(_ id: Hash32, now: Duration, _ body: (inout Entry) -> Void) {
        if young.count >= half || now >= turnedAt + lifetime { turn(now) }
        var entry = young[id] ?? old.removeValue(forKey: id) ?? Entry()
        body(&entry)
        young[id] = entry
    }

    /// Forgets what is known of the peer at a place, before another takes it.
    mutating func clear(_ place: Places) {
        for id in young.keys where young[id]?.touches(place) == true { young[id]?.clear(place) }
        for id in old.keys where old[id]?.touches(place) == true { old[id]?.clear(place) }
    }

    private mutating func turn(_ now: Duration) {
        old = young
        young = [:]
        turnedAt = now
    }
}

extension SeenCache.Entry {
    fileprivate func touches(_ place: SeenCache.Places) -> Bool { (holders | sent) & place != 0 }

    fileprivate mutating func clear(_ place: SeenCache.Places) {
        holders &= ~place
        sent &= ~place
    }
}
