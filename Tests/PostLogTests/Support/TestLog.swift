import Digests
import Foundation
import Identity
import PostLog
import Synchronization
import Testing
import WaggleProtocol

/// A log in a directory of its own, with a clock that stands still until it is moved.
final class TestLog: Sendable {
    final class Clock: Sendable {
        private let seconds: Mutex<UInt64>

        init(_ start: UInt64) { seconds = Mutex(start) }

        var now: UInt64 {
            get { seconds.withLock { $0 } }
            set { seconds.withLock { $0 = newValue } }
        }
    }

    /// Blobs of checkpoints, by hash.
    final class Checkpoints: CheckpointSource, Sendable {
        private let blobs = Mutex<[Hash32: Set<Hash32>]>([:])

        func ids(inBlob sha256: Hash32) -> Set<Hash32>? { blobs.withLock { $0[sha256] } }
        func put(_ blob: Hash32, _ ids: Set<Hash32>) { blobs.withLock { $0[blob] = ids } }
    }

    let directory: String
    let log: PostLog
    let clock: Clock
    let checkpoints = Checkpoints()
    private let ownsDirectory: Bool

    init(directory: String? = nil, now: UInt64 = 100_000, admission: any Admission = AdmitAll()) throws {
        let path = directory ?? NSTemporaryDirectory() + "waggle-post-log-\(UUID().uuidString)"
        ownsDirectory = directory == nil
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        self.directory = path
        let clock = Clock(now)
        self.clock = clock
        log = try PostLog(
            path: path + "/posts.db", admission: admission, checkpoints: checkpoints, now: { clock.now })
    }

    deinit {
        log.close()
        if ownsDirectory { try? FileManager.default.removeItem(atPath: directory) }
    }

    @discardableResult
    func submit(_ posts: [SignedPost], from source: IntakeSource = .local) async throws -> [IntakeResult] {
        try await log.intake.submit(posts.map(\.envelope), from: source)
    }

    @discardableResult
    func submit(_ posts: SignedPost...) async throws -> [IntakeResult] {
        try await submit(posts)
    }

    /// Hands in posts one by one in this order, and again until nothing new comes of it: what a network does.
    func settle(_ posts: [SignedPost]) async throws {
        var isNew = true
        while isNew {
            isNew = false
            for post in posts where try await log.intake.submit([post.envelope], from: .local) == [.new] {
                isNew = true
            }
        }
    }

    /// Ids in force as a consumer of the log computes them, checking each line on the way.
    func replayed() async throws -> Set<Hash32> {
        var shown: Set<Hash32> = []
        var superseded: Set<Hash32> = []
        var slots: [String: Hash32] = [:]
        var seq: UInt64 = 0
        while true {
            let entries = try await log.entries(after: seq, limit: 100)
            guard let last = entries.last else { return shown }
            for entry in entries {
                #expect(entry.seq > seq, "sequence numbers rise")
                seq = entry.seq
                let post = entry.post
                let slot = "\(post.author) \(post.kind.rawValue) \(post.slot)"
                switch entry.event {
                case .shown:
                    #expect(shown.insert(post.id).inserted, "a post is shown twice in a row")
                    guard post.kind.isReplaceable else { continue }
                    #expect(slots[slot] == nil, "two posts of one slot are in force")
                    slots[slot] = post.id
                case .hidden(let reason):
                    // An older version that comes late is told as that, and so is what becomes of it.
                    if post.kind.hasVersions, reason == .superseded { superseded.insert(post.id) }
                    let wasShown = shown.remove(post.id) != nil
                    #expect(wasShown || superseded.contains(post.id), "a post is hidden that was not shown")
                    if slots[slot] == post.id { slots[slot] = nil }
                }
            }
            #expect(seq == last.seq)
        }
    }

    /// Ids that are offered to peers, by the index of everything; the groups must be its parts.
    func offered() -> Set<Hash32> {
        var ids: Set<Hash32> = []
        var parts: Set<Hash32> = []
        let all = log.offered.all
        all.forEachID(in: 0..<all.count) { ids.insert($0) }
        for group in KindGroup.allCases {
            let index = log.offered.group(group)
            index.forEachID(in: 0..<index.count) { parts.insert($0) }
        }
        #expect(parts == ids, "the groups are not the whole")
        #expect(ids.count == all.count)
        return ids
    }

    /// Ids in force, after checking that the log, the index, the look-up and a log opened anew agree.
    func inForce(_ candidates: [SignedPost] = []) async throws -> Set<Hash32> {
        let ids = try await replayed()
        #expect(offered() == ids, "the index differs from the log")
        let found = try await log.posts(ids: candidates.map(\.id))
        #expect(Set(found.keys) == ids.intersection(candidates.map(\.id)), "the look-up differs from the log")
        let again = try PostLog(path: log.path, now: { 0 })
        defer { again.close() }
        #expect(again.offered.count == ids.count, "a log opened anew offers something else")
        #expect(again.newestSeq == log.newestSeq)
        return ids
    }
}

extension IntakeResult {
    var isInvalid: Bool {
        switch self {
        case .invalid, .unauthorised: true
        default: false
        }
    }
}
