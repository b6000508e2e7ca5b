import BlobStore
import Catalog
import Moderation
import Synchronization
import WaggleProtocol

/// Answers to visitors who ask the same again, kept as they are sent.
///
/// An answer is kept until the catalog or what is known of files changes, whatever changes there, and not for long in any
/// case; so nobody is told what is not so any longer, and what is hidden is hidden at once. Of members nothing is kept.
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
    }

    private struct Kept {
        let answer: Answer
        let revision: Revision
        /// Unix seconds.
        let until: UInt64
    }

    /// Two halves: when the newer one is full it becomes the older one, and what nobody asked for meanwhile is forgotten.
    private struct Shelf {
        var newer: [Key: Kept] = [:]
        var older: [Key: Kept] = [:]
        var newerBytes = 0

        mutating func put(_ kept: Kept, _ key: Key, _ bytes: Int) {
            if newerBytes + bytes > Limits.Gateway.answersBytes / 2 {
                (older, newer, newerBytes) = (newer, [:], 0)
            }
            if newer.updateValue(kept, forKey: key) == nil { newerBytes += bytes }
        }
    }

    private let services: GatewayServices
    private let size: @Sendable (Answer) -> Int
    private let shelf = Mutex(Shelf())

    /// - Parameter size: about how many bytes an answer takes.
    init(_ services: GatewayServices, size: @escaping @Sendable (Answer) -> Int) {
        self.services = services
        self.size = size
    }

    /// The answer that is kept under this key, else the one that is made now.
    func answer(_ key: Key, _ make: () async throws -> Answer) async throws -> Answer {
        // Read first: what changes while an answer is made makes it an old one.
        let revision = Revision(catalog: services.catalog.revision, files: services.blobs.namesRevision)
        let now = services.now()
        if let kept = find(key), kept.revision == revision, now < kept.until { return kept.answer }
        let answer = try await make()
        keep(Kept(answer: answer, revision: revision, until: now + Limits.Gateway.answerSeconds), key)
        return answer
    }

    private func find(_ key: Key) -> Kept? {
        shelf.withLock { shelf in
            if let kept = shelf.newer[key] { return kept }
            guard let kept = shelf.older.removeValue(forKey: key) else { return nil }
            shelf.put(kept, key, bytes(kept, key))
            return kept
        }
    }

    private func keep(_ kept: Kept, _ key: Key) {
        let bytes = bytes(kept, key)
        guard bytes <= Limits.Gateway.answersBytes / 16 else { return }
        shelf.withLock { $0.put(kept, key, bytes) }
    }

    private func bytes(_ kept: Kept, _ key: Key) -> Int {
        size(kept.answer) + key.target.utf8.count + key.base.utf8.count + 256
    }
}
