import Digests
import FoundationEssentials
import Identity
import WaggleProtocol

/// Posts that wait for something of their author: in memory, for ten minutes at most, with a share for each source and
/// a limit for all.
///
/// Node ids are free, so what one may take is no protection: when all room is used up, the source with the largest share
/// gives half of it up for one with a smaller, and strangers make way for peers that the operator named.
struct Parking {
    /// What a post waits for.
    enum Need: Hashable {
        /// The author's genesis.
        case chain
        /// The key document before this one.
        case version(Hash32)
        /// A key document that lists the device.
        case device(Hash32)
        /// The checkpoint that decides about the device's posts, or its blob.
        case checkpoint(Hash32)
    }

    /// A waiting post.
    struct Car {
        let id: Hash32
        let envelope: Data
        let source: IntakeSource
        let need: Need
        let since: UInt64

        /// What it counts against the limits: its bytes, and about what keeping them costs.
        var cost: Int { envelope.count + 256 }
    }

    /// One post may come with different sets of root signatures, and not all of them may do.
    private struct Key: Hashable {
        let id: Hash32
        let signers: [Hash32]
    }

    private struct Place: Hashable {
        let author: Hash32
        let key: Key
    }

    /// What one source has here.
    private struct Share {
        var cost = 0
        var places: Set<Place> = []
    }

    /// Bytes of all sources together.
    private let room: Int
    private var byAuthor: [Hash32: [Key: Car]] = [:]
    private var shares: [IntakeSource: Share] = [:]
    private var cost = 0
    private var sweptAt: UInt64 = 0

    private(set) var count = 0

    init(room: Int = Limits.Parking.bytes) {
        self.room = room
    }

    /// Bytes that the posts of a source take.
    func held(by source: IntakeSource) -> Int { shares[source]?.cost ?? 0 }

    /// Parks a post; false when the source's share, or all room, is used up.
    mutating func park(_ post: SignedPost, from source: IntakeSource, need: Need, since: UInt64, now: UInt64) -> Bool {
        expire(now: now)
        let key = Key(id: post.id, signers: post.signers)
        guard byAuthor[post.author]?[key] == nil else { return true }
        let car = Car(id: post.id, envelope: post.envelope, source: source, need: need, since: since)
        guard since + Limits.Parking.seconds > now, held(by: source) + car.cost <= Limits.Parking.bytesPerPeer,
            makeRoom(for: source, car.cost)
        else { return false }
        byAuthor[post.author, default: [:]][key] = car
        shares[source, default: Share()].cost += car.cost
        shares[source]?.places.insert(Place(author: post.author, key: key))
        cost += car.cost
        count += 1
        return true
    }

    /// False when nobody has more than the source itself.
    private mutating func makeRoom(for source: IntakeSource, _ bytes: Int) -> Bool {
        while cost + bytes > room {
            let own = held(by: source) + bytes
            let victims = shares.filter { other, share in
                guard other != source else { return false }
                return other.isNamed == source.isNamed ? share.cost > own : source.isNamed
            }
            let victim = victims.max { left, right in
                if left.key.isNamed != right.key.isNamed { return left.key.isNamed }
                return (left.value.cost, left.key.node ?? .zero) < (right.value.cost, right.key.node ?? .zero)
            }
            guard let victim else { return false }
            halve(victim.key)
        }
        return true
    }

    /// Drops the half of a source's posts that came last: what waits longest is the likeliest to go on.
    private mutating func halve(_ source: IntakeSource) {
        let places = shares[source]?.places ?? []
        let cars = places.compactMap { place in byAuthor[place.author]?[place.key].map { (place: place, car: $0) } }
        let latest = cars.sorted { ($1.car.since, $1.car.id) < ($0.car.since, $0.car.id) }
        let goal = held(by: source) / 2
        for (place, car) in latest {
            guard held(by: source) > goal else { return }
            byAuthor[place.author]?[place.key] = nil
            if byAuthor[place.author]?.isEmpty == true { byAuthor[place.author] = nil }
            forget(car, at: place)
        }
    }

    private mutating func forget(_ car: Car, at place: Place) {
        shares[car.source]?.cost -= car.cost
        shares[car.source]?.places.remove(place)
        if shares[car.source]?.places.isEmpty == true { shares[car.source] = nil }
        cost -= car.cost
        count -= 1
    }

    /// Takes out what need not wait any longer, now that the author's chain is this.
    mutating func release(_ chain: KeyChain) -> [Car] {
        remove(from: chain.author) { car in
            switch car.need {
            case .chain: true
            case .version(let id): chain.contains(id)
            case .device(let key): chain.devices[key] != nil
            // Whether post and blob are here is the log's to know: it parks again what came too early.
            case .checkpoint: true
            }
        }
    }

    /// Drops what has waited too long.
    mutating func expire(now: UInt64) {
        // A look at everything, so once a second at most.
        guard now > sweptAt else { return }
        sweptAt = now
        for author in byAuthor.keys {
            _ = remove(from: author) { $0.since + Limits.Parking.seconds <= now }
        }
    }

    private mutating func remove(from author: Hash32, where isDue: (Car) -> Bool) -> [Car] {
        guard let cars = byAuthor[author] else { return [] }
        let due = cars.filter { isDue($0.value) }
        guard !due.isEmpty else { return [] }
        byAuthor[author] = due.count == cars.count ? nil : cars.filter { due[$0.key] == nil }
        for (key, car) in due { forget(car, at: Place(author: author, key: key)) }
        // The order of a dictionary is no order.
        return due.values.sorted { ($0.since, $0.id) < ($1.since, $1.id) }
    }
}

extension IntakeSource {
    /// The owner, or a peer that the owner named.
    fileprivate var isNamed: Bool {
        switch self {
        case .local, .trusted: true
        case .peer: false
        }
    }
}
