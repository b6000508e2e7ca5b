import Digests
import Federation
import PostLog
import WaggleProtocol

/// A node that wants harm. It has an identity of its own and says what it likes.
struct SimulatedAttacker {
    enum Manner: CaseIterable {
        /// Sends copies of real posts with broken signatures.
        case forges
        /// Sends what everybody has again and again.
        case replays
        /// Makes a fresh author for every few posts.
        case floods
        /// Takes connections and says nothing.
        case eclipses
        /// Answers every question with nothing, and says that all is settled.
        case answersEmpty
        /// Names ids that nobody has, and claims more than it sends.
        case claimsMuch
    }

    let number: Int
    let manner: Manner
    let victims: [Int]
    private var seen: [SimulatedPost] = []
    private var made = 0

    init(number: Int, manner: Manner, victims: [Int]) {
        (self.number, self.manner, self.victims) = (number, manner, victims)
    }

    mutating func tick(now: Duration, _ random: inout SplitMix) -> [SimulatedNode.Action] {
        guard let victim = victims.randomElement(using: &random) else { return [] }
        switch manner {
        case .forges:
            let posts = (0..<3).compactMap { _ in seen.randomElement(using: &random)?.forged }
            let fresh = post(author: 900 + number, now).forged
            return [.send(to: victim, .give(posts + [fresh], naming: []))]
        case .replays:
            let posts = (0..<20).compactMap { _ in seen.randomElement(using: &random) }
            return posts.isEmpty ? [] : [.send(to: victim, .give(posts, naming: []))]
        case .floods:
            let posts = (0..<40).map { _ in post(author: 10_000 * number + made / 3, now) }
            return victims.map { .send(to: $0, .give(posts, naming: [])) }
        case .claimsMuch:
            let ids = (0..<200).map { _ in Hash32(words: (random.next(), random.next(), random.next(), random.next())) }
            return [.send(to: victim, .give([], naming: ids)), .send(to: victim, .syncAnswer(Self.hugeList(&random)))]
        case .eclipses, .answersEmpty: return []
        }
    }

    private mutating func post(author: Int, _ now: Duration) -> SimulatedPost {
        made += 1
        let second = UInt64(1_700_000_000 + now.components.seconds)
        return SimulatedPost(author: author, number: made, created: second, bytes: 300 + made % 900)
    }

    mutating func receive(
        _ message: SimulatedNode.Message, from peer: Int, _ random: inout SplitMix
    ) -> [SimulatedNode.Action] {
        switch message {
        case .give(let posts, let names):
            seen = Array((seen + posts).suffix(64))
            guard manner != .eclipses else { return [] }
            // It takes whatever it can get.
            return [.send(to: peer, .results([:], wanted: manner == .answersEmpty ? [] : names))]
        case .get(let ids):
            switch manner {
            case .eclipses: return []
            case .forges: return [.send(to: peer, .posts(seen.prefix(2).map(\.forged), asked: ids))]
            default: return [.send(to: peer, .posts([], asked: ids))]
            }
        case .sync:
            switch manner {
            case .eclipses: return []
            case .claimsMuch: return [.send(to: peer, .syncAnswer(Self.hugeList(&random)))]
            case .forges:
                return [.send(to: peer, .syncAnswer((0..<40).map { _ in UInt8(truncatingIfNeeded: random.next()) }))]
            default: return [.send(to: peer, .syncAnswer([0x61]))]
            }
        case .results, .posts, .syncAnswer: return []
        }
    }

    /// An id list to infinity: with a count that the bytes do not bear out, or with ids that nobody has.
    private static func hugeList(_ random: inout SplitMix) -> [UInt8] {
        if random.chance(50) { return [0x61, 0, 0, 2, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3] }
        let ids = (0..<100).flatMap { _ in (0..<32).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
        return [0x61, 0, 0, 2, 100] + ids
    }
}
