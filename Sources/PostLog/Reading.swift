import Digests
import FoundationEssentials
import Identity
import WaggleProtocol

/// From bytes to a verified post: the part of the intake that needs neither the database nor the author's keys.
enum Reading {
    case valid(SignedPost)
    case invalid(String)
    case future(retryAfter: UInt32)

    /// The result for the sender; nil when the post is good so far.
    var refusal: IntakeResult? {
        switch self {
        case .valid: nil
        case .invalid(let reason): .invalid(reason: reason)
        case .future(let seconds): .future(retryAfter: seconds)
        }
    }

    /// Posts that one task reads before it lets others run.
    private static let chunk = 64

    /// Takes envelopes apart, beside others that do. Cheap: what is here already goes no further.
    static func open(_ envelopes: [Data]) async -> Batch {
        Batch(envelopes.map { envelope in Result { () throws(PostError) in try OpenedEnvelope(envelope) } })
    }

    /// Parses and verifies on all cores, in the order given.
    static func verify(_ opened: [OpenedEnvelope], at now: UInt64) async -> [Reading] {
        guard opened.count > chunk else { return opened.map { Reading($0, at: now) } }
        return await withTaskGroup(of: (Int, [Reading]).self) { group in
            for start in stride(from: 0, to: opened.count, by: chunk) {
                let part = opened[start..<min(start + chunk, opened.count)]
                group.addTask { (start, part.map { Reading($0, at: now) }) }
            }
            var parts: [(Int, [Reading])] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    private init(_ opened: OpenedEnvelope, at now: UInt64) {
        do {
            let post = try UnverifiedPost(opened)
            let latest = now + Limits.Post.clockSkew
            if post.post.created > latest {
                self = .future(retryAfter: UInt32(clamping: post.post.created - latest))
            } else {
                self = .valid(try SignedPost(unverified: post))
            }
        } catch {
            self = .invalid(error.message)
        }
    }
}

extension OpenedEnvelope {
    /// Where the post stands among those in force, if it does.
    var statedRecord: ReconciliationRecord? { statedCreated.map { ReconciliationRecord(created: $0, id: id) } }
}

/// The posts of one `submit` on their way to results.
struct Batch: Sendable {
    var results: [IntakeResult?]
    /// Envelopes that could be taken apart and are not here yet, each once.
    private(set) var fresh: [(index: Int, opened: OpenedEnvelope)] = []
    var valid: [(index: Int, post: SignedPost)] = []
    /// Indices of envelopes that are the same, byte for byte, as an earlier one.
    private var repeats: [(index: Int, of: Int)] = []

    init(_ envelopes: [Result<OpenedEnvelope, PostError>]) {
        results = Array(repeating: nil, count: envelopes.count)
        // Not by id alone: a copy with a bad signature must not stand for the good one.
        var first: [Hash32: [(index: Int, envelope: Data)]] = [:]
        for (index, envelope) in envelopes.enumerated() {
            switch envelope {
            case .failure(let error):
                results[index] = .invalid(reason: error.message)
            case .success(let envelope):
                if let same = first[envelope.id]?.first(where: { $0.envelope == envelope.envelope }) {
                    repeats.append((index, same.index))
                } else {
                    first[envelope.id, default: []].append((index, envelope.envelope))
                    fresh.append((index, envelope))
                }
            }
        }
    }

    mutating func drop(known: Set<Hash32>) {
        guard !known.isEmpty else { return }
        for (index, opened) in fresh where known.contains(opened.id) { results[index] = .have }
        fresh.removeAll { known.contains($0.opened.id) }
    }

    /// Puts off what the source may not send now.
    mutating func drop(_ postpone: (_ bytes: Int) -> UInt32?) {
        fresh.removeAll { index, opened in
            guard let seconds = postpone(opened.envelope.count) else { return false }
            results[index] = .rate(retryAfter: seconds)
            return true
        }
    }

    /// Keys first: the rest of the batch may be signed by them. Documents before the checkpoints that they let roots
    /// sign, parents before children.
    static func keysFirst(_ posts: [(index: Int, post: SignedPost)]) -> [(index: Int, post: SignedPost)] {
        func rank(_ post: SignedPost) -> (UInt32, UInt64) {
            (post.kind == .keyDocument ? post.post.keyDocument.version : .max, post.post.created)
        }
        let keys = posts.filter { $0.post.kind.isSignedByRoots }.sorted { left, right in
            let (a, b) = (rank(left.post), rank(right.post))
            return a == b ? left.post.id < right.post.id : a < b
        }
        return keys + posts.filter { !$0.post.kind.isSignedByRoots }
    }

    /// One result for each envelope.
    var finished: [IntakeResult] {
        var results = results
        for (index, first) in repeats { results[index] = results[first].map { $0 == .new ? .have : $0 } }
        return results.map { $0 ?? .invalid(reason: "not judged") }
    }
}
