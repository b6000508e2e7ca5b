import Digests
import FoundationEssentials
import WaggleProtocol

/// Posts that wait for the key documents of their author: in memory, for ten minutes at most, with a share for each source.
struct Parking {
    private struct Car {
        let id: Hash32
        let envelope: Data
        let source: IntakeSource
        let since: UInt64
    }

    private var byAuthor: [Hash32: [Car]] = [:]
    private var bytesBySource: [IntakeSource: Int] = [:]
    private var ids: Set<Hash32> = []

    /// Parks a post; false when the source's share is used up.
    mutating func park(_ id: Hash32, author: Hash32, envelope: Data, from source: IntakeSource, now: UInt64) -> Bool {
        expire(now: now)
        guard !ids.contains(id) else { return true }
        let used = bytesBySource[source, default: 0]
        guard used + envelope.count <= Limits.Parking.bytesPerPeer else { return false }
        bytesBySource[source] = used + envelope.count
        ids.insert(id)
        byAuthor[author, default: []].append(Car(id: id, envelope: envelope, source: source, since: now))
        return true
    }

    /// Takes out everything that waits for this author.
    mutating func release(author: Hash32) -> [(envelope: Data, source: IntakeSource)] {
        let cars = byAuthor.removeValue(forKey: author) ?? []
        cars.forEach { forget($0) }
        return cars.map { ($0.envelope, $0.source) }
    }

    /// Drops what has waited too long.
    mutating func expire(now: UInt64) {
        for (author, cars) in byAuthor {
            let kept = cars.filter { $0.since + Limits.Parking.seconds > now }
            guard kept.count < cars.count else { continue }
            cars.filter { $0.since + Limits.Parking.seconds <= now }.forEach { forget($0) }
            byAuthor[author] = kept.isEmpty ? nil : kept
        }
    }

    var count: Int { ids.count }

    private mutating func forget(_ car: Car) {
        ids.remove(car.id)
        let left = bytesBySource[car.source, default: 0] - car.envelope.count
        bytesBySource[car.source] = left > 0 ? left : nil
    }
}
