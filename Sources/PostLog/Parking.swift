import Digests
import FoundationEssentials
import Identity
import WaggleProtocol

/// Posts that wait for something of their author: in memory, for ten minutes at most, with a share for each source and
/// a limit for all.
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

    private var byAuthor: [Hash32: [Key: Car]] = [:]
    private var costs: [IntakeSource: Int] = [:]
    private var cost = 0
    private var sweptAt: UInt64 = 0

    private(set) var count = 0

    /// Parks a post; false when the source's share, or all room, is used up.
    mutating func park(_ post: SignedPost, from source: IntakeSource, need: Need, since: UInt64, now: UInt64) -> Bool {
        expire(now: now)
        let key = Key(id: post.id, signers: post.signers)
        guard byAuthor[post.author]?[key] == nil else { return true }
        let car = Car(id: post.id, envelope: post.envelope, source: source, need: need, since: since)
        guard since + Limits.Parking.seconds > now,
            costs[source, default: 0] + car.cost <= Limits.Parking.bytesPerPeer, cost + car.cost <= Limits.Parking.bytes
        else { return false }
        byAuthor[post.author, default: [:]][key] = car
        costs[source, default: 0] += car.cost
        cost += car.cost
        count += 1
        return true
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
        for car in due.values {
            let left = costs[car.source, default: 0] - car.cost
            costs[car.source] = left > 0 ? left : nil
            cost -= car.cost
        }
        count -= due.count
        // The order of a dictionary is no order.
        return due.values.sorted { ($0.since, $0.id) < ($1.since, $1.id) }
    }
}
