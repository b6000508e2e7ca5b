import BlobStore
import Catalog
import Moderation
import Synchronization
import WaggleProtocol

/// Answers to visitors who ask the same again, kept as they are sent.
///
/// An answer is kept until the catalog, or what is known of files or pictures, changes, whatever changes there; so nobody
/// is told what is not so any longer, and what is hidden is hidden at once. Nothing else goes into an answer but what is in
/// its key, and the time of day into some, which are kept for seconds. Of members nothing is kept.
final class AnswerCache<Answer: Sendable>: Sendable {
    struct Key: Hashable, Sendable {
        /// Path and query as they were asked for.
        let target: String
        /// What links begin with.
        let base: String
        /// What a visitor may see now.
        let filter: ViewerFilter
    }

    /// What an answer was made of.
    private struct Revision: Equatable {
        let catalog: UInt64
        let files: UInt64
        let pictures: UInt64
    }

    private struct Kept: Sendable {
        let answer: Answer
        let revision: Revision
        /// Unix seconds; nil for what the time makes no difference to.
        let until: UInt64?
    }

    private let services: GatewayServices
    private let size: @Sendable (Answer) -> Int
    private let shelf = Mutex(AnswerShelf<Key, Kept>(bytes: Limits.Gateway.answersBytes))

    /// - Parameter size: about how many bytes an answer takes.
    init(_ services: GatewayServices, size: @escaping @Sendable (Answer) -> Int) {
        self.services = services
        self.size = size
    }

    /// The answer that is kept under this key, else the one that is made now.
    /// - Parameter isTimeless: the same question has the same answer whenever it is asked, until something changes.
    func answer(
        _ key: Key, isTimeless: Bool = false, _ make: () async throws -> Answer
    ) async throws -> Answer {
        // Read first: what changes while an answer is made makes it an old one.
        let revision = Revision(
            catalog: services.catalog.revision, files: services.blobs.namesRevision,
            pictures: services.picturesRevision())
        if let kept = shelf.withLock({ $0.find(key) }), kept.revision == revision,
            kept.until.map({ services.now() < $0 }) ?? true
        {
            return kept.answer
        }
        let until = isTimeless ? nil : services.now() + Limits.Gateway.answerSeconds
        let answer = try await make()
        let kept = Kept(answer: answer, revision: revision, until: until)
        let bytes = size(answer) + key.target.utf8.count + key.base.utf8.count + 256
        if bytes <= Limits.Gateway.answersBytes / 16 { shelf.withLock { $0.put(kept, key, bytes: bytes) } }
        return answer
    }
}

/// So many bytes of answers, in a ring. Where room is needed a hand goes around it, takes out what nobody asked for since
/// it came by last, and lets the rest be once more (the *clock* of Corbató's paging experiment, 1968). So what is asked for
/// again and again stays while all of it has room.
struct AnswerShelf<Key: Hashable & Sendable, Answer: Sendable>: Sendable {
    private struct Slot {
        let key: Key
        var answer: Answer
        var bytes: Int
        var isWanted = false
    }

    private let limit: Int
    private var slots: [Slot?] = []
    private var places: [Key: Int] = [:]
    private var free: [Int] = []
    private var hand = 0
    private(set) var bytes = 0

    init(bytes limit: Int) {
        self.limit = limit
    }

    mutating func find(_ key: Key) -> Answer? {
        guard let place = places[key] else { return nil }
        slots[place]?.isWanted = true
        return slots[place]?.answer
    }

    /// - Parameter bytes: no more than there is room for in all.
    mutating func put(_ answer: Answer, _ key: Key, bytes: Int) {
        if let place = places[key] { takeOut(place) }
        while self.bytes + bytes > limit, !places.isEmpty { turn() }
        let slot = Slot(key: key, answer: answer, bytes: bytes)
        if let place = free.popLast() {
            slots[place] = slot
            places[key] = place
        } else {
            places[key] = slots.count
            slots.append(slot)
        }
        self.bytes += bytes
    }

    private mutating func turn() {
        if slots[hand]?.isWanted == true { slots[hand]?.isWanted = false } else { takeOut(hand) }
        hand = (hand + 1) % slots.count
    }

    private mutating func takeOut(_ place: Int) {
        guard let slot = slots[place] else { return }
        slots[place] = nil
        places[slot.key] = nil
        free.append(place)
        bytes -= slot.bytes
    }
}
