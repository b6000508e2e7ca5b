import Digests
import Federation
import PostLog
import Testing

/// `Protocol/vectors/negentropy.json`.
private struct Vectors: Decodable {
    struct Fingerprint: Decodable {
        let ids: [Int]
        let fingerprint: String
    }

    struct Transcript: Decodable, CustomTestStringConvertible {
        let name: String
        let initiator_frame_limit: Int
        let responder_frame_limit: Int
        let initiator: [[UInt64]]
        let responder: [[UInt64]]
        let messages: [String]
        let have: [Int]
        let need: [Int]

        var testDescription: String { name }
    }

    struct DroppedRange: Decodable {
        let message: String
        let responder: [[UInt64]]
        let responder_frame_limit: Int
        let answer: String
    }

    struct OtherVersion: Decodable {
        let message: String
        let answer: String
    }

    let fingerprints: [Fingerprint]
    let transcripts: [Transcript]
    let dropped_range: DroppedRange
    let malformed: [[String]]
    let other_version: OtherVersion

    static func load() throws -> Vectors { try vectors("negentropy.json", as: Vectors.self) }

    static func id(_ number: some BinaryInteger) -> Hash32 { SHA256.hash(Array("\(number)".utf8)) }

    static func set(_ records: [[UInt64]]) -> ReconciliationIndex {
        ReconciliationIndex(records.map { ReconciliationRecord(created: $0[0], id: id($0[1])) })
    }
}

private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

/// A sorted array as a reconciliation set: the least that the protocol asks for.
private struct SortedArray: ReconciliationSet {
    let records: [ReconciliationRecord]

    var count: Int { records.count }
    subscript(rank: Int) -> ReconciliationRecord { records[rank] }
    func lowerBound(of bound: ReconciliationRecord) -> Int { records.firstIndex { $0 >= bound } ?? count }
    func sum(of ranks: Range<Int>) -> ReconciliationSum { records[ranks].reduce(into: .zero) { $0 += $1.id } }
    func forEachID(in ranks: Range<Int>, _ body: (Hash32) -> Void) { records[ranks].forEach { body($0.id) } }
}

/// An error's case as the vectors name it.
private func caseName(_ error: NegentropyError) -> String {
    switch error {
    case .truncated: "truncated"
    case .messageTooLong: "messageTooLong"
    case .tooManyRanges: "tooManyRanges"
    case .notNegentropy: "notNegentropy"
    case .unsupportedVersion: "unsupportedVersion"
    case .malformedNumber: "malformedNumber"
    case .malformedBound: "malformedBound"
    case .boundsDescend: "boundsDescend"
    case .unknownMode: "unknownMode"
    case .frameLimitTooSmall: "frameLimitTooSmall"
    }
}

@Suite struct NegentropyTests {
    @Test("the recorded transcripts come out byte for byte", arguments: try Vectors.load().transcripts)
    private func transcript(_ vector: Vectors.Transcript) throws {
        let initiator = try Negentropy(Vectors.set(vector.initiator), frameLimit: vector.initiator_frame_limit)
        let responder = try Negentropy(Vectors.set(vector.responder), frameLimit: vector.responder_frame_limit)
        var session = ReconciliationSession(initiator)
        var have: Set<Hash32> = []
        var need: Set<Hash32> = []
        var messages: [String] = []
        var next: ReconciliationSession<ReconciliationIndex>.Next = .send(session.start())
        while case .send(let message) = next {
            let answer = try responder.respond(to: message)
            messages += [Hex.encode(message), Hex.encode(answer)]
            let progress = try session.handle(answer)
            have.formUnion(progress.have)
            need.formUnion(progress.need)
            next = progress.next
        }
        #expect(next == .stop(.settled))
        #expect(messages == vector.messages)
        #expect(have == Set(vector.have.map(Vectors.id)))
        #expect(need == Set(vector.need.map(Vectors.id)))
    }

    @Test("a fingerprint is the hash of the sum and the number of the ids")
    func fingerprints() throws {
        for vector in try Vectors.load().fingerprints {
            // A responder that sees its own fingerprint has nothing to say.
            let records = vector.ids.map { ReconciliationRecord(created: 1, id: Vectors.id($0)) }
            let set = ReconciliationIndex(records)
            let matching = try bytes("61000001" + vector.fingerprint)
            #expect(try Negentropy(set).respond(to: matching) == [0x61])
            #expect(try Negentropy(set).respond(to: bytes("61000001" + String(repeating: "55", count: 16))) != [0x61])
        }
    }

    @Test("a frame that drops a range closes with a fingerprint from the last written bound, so no id is lost")
    func droppedRange() throws {
        let vector = try Vectors.load().dropped_range
        let set = Vectors.set(vector.responder)
        let responder = try Negentropy(set, frameLimit: vector.responder_frame_limit)
        let answer = try responder.respond(to: bytes(vector.message))
        #expect(Hex.encode(answer) == vector.answer)

        // A peer that holds nothing learns all ids from that answer on.
        var session = ReconciliationSession(try Negentropy(ReconciliationIndex(), frameLimit: 4096))
        _ = session.start()
        var need: [Hash32] = []
        var progress = try session.handle(answer)
        need += progress.need
        while case .send(let message) = progress.next {
            progress = try session.handle(try responder.respond(to: message))
            need += progress.need
        }
        var held: Set<Hash32> = []
        set.forEachID(in: 0..<set.count) { held.insert($0) }
        #expect(Set(need) == held)
    }

    @Test("malformed messages are refused, each with its reason", arguments: try Vectors.load().malformed)
    func malformed(vector: [String]) throws {
        let message = try bytes(vector[0])
        let negentropy = try Negentropy(ReconciliationIndex())
        let fromResponder = #expect(throws: NegentropyError.self) { try negentropy.respond(to: message) }
        let fromInitiator = #expect(throws: NegentropyError.self) { try negentropy.advance(message) }
        #expect(fromResponder.map(caseName) == vector[1])
        #expect(fromInitiator.map(caseName) == vector[1])
    }

    @Test("a responder names its version to a newer initiator; an initiator gives up on another version")
    func versions() throws {
        let vector = try Vectors.load().other_version
        let negentropy = try Negentropy(ReconciliationIndex())
        #expect(try negentropy.respond(to: bytes(vector.message)) == bytes(vector.answer))
        #expect(throws: NegentropyError.unsupportedVersion(2)) { try negentropy.advance(bytes(vector.message)) }
    }

    @Test("messages of too many bytes or ranges are refused before they are read")
    func limits() throws {
        let negentropy = try Negentropy(ReconciliationIndex(), messageLimit: 1000, rangeLimit: 10)
        #expect(throws: NegentropyError.messageTooLong(bytes: 1001, limit: 1000)) {
            try negentropy.respond(to: Array(repeating: 0x61, count: 1001))
        }
        let skips = Array(repeating: [1, 0, 0] as [UInt8], count: 11).joined()
        #expect(throws: NegentropyError.tooManyRanges(limit: 10)) { try negentropy.respond(to: [0x61] + skips) }
        #expect(try negentropy.respond(to: [0x61] + skips.dropLast(3)) == [0x61])
        #expect(throws: NegentropyError.frameLimitTooSmall(4095)) {
            try Negentropy(ReconciliationIndex(), frameLimit: 4095)
        }
    }

    @Test("two random sets come to know exactly what each lacks, within the frame limits", arguments: 0..<80)
    func converges(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let times: UInt64 = [1, 10, 5000, 1 << 33, .max].randomElement(using: &random)!
        let size = [0, 1, 31, 200, 2000, 6000].randomElement(using: &random)!
        let difference = [0, 0.001, 0.02, 0.3, 1].randomElement(using: &random)!
        let clustered = Bool.random(using: &random)
        var left: [ReconciliationRecord] = []
        var right: [ReconciliationRecord] = []
        for position in 0..<size {
            let record = random.record(times: times)
            let isOdd =
                clustered
                ? Double(position) >= Double(size) * (1 - difference)
                : Double.random(in: 0..<1, using: &random) < difference
            if !isOdd || Bool.random(using: &random) { left.append(record) } else { right.append(record) }
            if !isOdd { right.append(record) }
        }
        let limits = [0, 4096, 4097, 5000, 20_000]
        let mine = limits.randomElement(using: &random)!
        let theirs = limits.randomElement(using: &random)!
        let messageLimit = 1 << 26

        let initiator = try Negentropy(
            ReconciliationIndex(left), frameLimit: mine, messageLimit: messageLimit, rangeLimit: 1 << 20)
        let responder = try Negentropy(
            ReconciliationIndex(right), frameLimit: theirs, messageLimit: messageLimit, rangeLimit: 1 << 20)
        var session = ReconciliationSession(initiator)
        var have: [Hash32] = []
        var need: [Hash32] = []
        var next: ReconciliationSession<ReconciliationIndex>.Next = .send(session.start())
        while case .send(let message) = next {
            #expect(mine == 0 || message.count <= mine, "seed \(seed)")
            let answer = try responder.respond(to: message)
            #expect(theirs == 0 || answer.count <= theirs, "seed \(seed)")
            let progress = try session.handle(answer)
            have += progress.have
            need += progress.need
            next = progress.next
        }
        #expect(next == .stop(.settled), "seed \(seed)")
        let leftIDs = Set(left.map(\.id))
        let rightIDs = Set(right.map(\.id))
        #expect(Set(have) == leftIDs.subtracting(rightIDs), "seed \(seed)")
        #expect(Set(need) == rightIDs.subtracting(leftIDs), "seed \(seed)")
        #expect(have.count == Set(have).count && need.count == Set(need).count, "seed \(seed): reported twice")
        let frames = 64 * size / 3896
        #expect(session.rounds <= 6 + (mine + theirs == 0 ? 0 : 3 * frames), "seed \(seed): \(session.rounds) rounds")
    }

    @Test("our own messages never have more ranges than we accept")
    func ownRanges() throws {
        var random = SplitMix(seed: 3)
        let left = (0..<6000).map { _ in random.record(times: 1 << 20) }
        let right = left.filter { _ in Double.random(in: 0..<1, using: &random) < 0.5 }
        let rangeLimit = 40
        let initiator = try Negentropy(ReconciliationIndex(left), rangeLimit: rangeLimit)
        let responder = try Negentropy(ReconciliationIndex(right), rangeLimit: rangeLimit)
        var session = ReconciliationSession(initiator)
        var have = 0
        var next: ReconciliationSession<ReconciliationIndex>.Next = .send(session.start())
        while case .send(let message) = next {
            let progress = try session.handle(try responder.respond(to: message))
            have += progress.have.count
            next = progress.next
        }
        #expect(next == .stop(.settled))
        #expect(have == left.count - right.count)
    }

    @Test("windows and plain arrays reconcile like an index")
    func otherSets() throws {
        var random = SplitMix(seed: 5)
        let all = (0..<3000).map { _ in random.record(times: 1000) }.sorted()
        let recent = all.filter { $0.created >= 700 }
        let window = ReconciliationWindow(ReconciliationIndex(all), since: 700)
        let expected = try Negentropy(SortedArray(records: recent)).initiate()
        #expect(try Negentropy(window).initiate() == expected)
        #expect(try Negentropy(ReconciliationIndex(recent)).respond(to: expected) == [0x61])

        let other = try Negentropy(SortedArray(records: recent.filter { $0.id.words.0 % 9 != 0 }))
        let answer = try other.respond(to: expected)
        let next = try #require(try Negentropy(window).advance(answer).message)
        #expect(try Negentropy(SortedArray(records: recent)).advance(answer).message == next)
        let step = try Negentropy(window).advance(try other.respond(to: next))
        let odd = recent.filter { $0.id.words.0 % 9 == 0 }.map(\.id)
        #expect(Set(step.have).isSubset(of: odd))
    }

    @Test("arbitrary and mutilated messages are answered or refused, never worse", arguments: 0..<40)
    func hostile(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed) + 1_000_000)
        let set = ReconciliationIndex((0..<500).map { _ in random.record(times: 300) })
        let negentropy = try Negentropy(set, frameLimit: 4096)
        let peer = try Negentropy(ReconciliationIndex((0..<400).map { _ in random.record(times: 300) }))
        let seeds = [negentropy.initiate(), try peer.respond(to: negentropy.initiate())]
        for _ in 0..<300 {
            var message = seeds.randomElement(using: &random)!
            switch UInt8.random(in: 0..<4, using: &random) {
            case 0: message = [0x61] + random.bytes(.random(in: 0...200, using: &random))
            case 1: message = Array(message.prefix(.random(in: 0...message.count, using: &random)))
            case 2:
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    message[.random(in: 1..<message.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            default:
                let ranges = (0..<Int.random(in: 0...60, using: &random)).flatMap { _ in
                    [UInt8.random(in: 0...3, using: &random), 0, UInt8.random(in: 0...2, using: &random)]
                        + random.bytes([0, 1, 16].randomElement(using: &random)!)
                }
                message = [0x61] + ranges
            }
            if let answer = try? negentropy.respond(to: message) {
                #expect(answer.count <= 4096, "seed \(seed), message \(Hex.encode(message))")
            }
            if let step = try? negentropy.advance(message) {
                #expect((step.message?.count ?? 0) <= 4096, "seed \(seed), message \(Hex.encode(message))")
            }
        }
    }
}

@Suite struct ReconciliationSessionTests {
    @Test("a peer that never settles is left after the round limit")
    func roundLimit() throws {
        let record = ReconciliationRecord(created: 1, id: .zero)
        var session = ReconciliationSession(try Negentropy(ReconciliationIndex([record])), roundLimit: 5)
        _ = session.start()
        // "All that I hold has another fingerprint", again and again.
        let answer = [0x61, 0, 0, 1] + Array(repeating: 0x55, count: 16) as [UInt8]
        var next = try session.handle(answer).next
        while case .send = next { next = try session.handle(answer).next }
        #expect(next == .stop(.roundLimit))
        #expect(session.rounds == 5)
    }

    @Test("a peer that names ids without end is left at the id limit, with what it named")
    func idLimit() throws {
        var random = SplitMix(seed: 1)
        var session = ReconciliationSession(try Negentropy(ReconciliationIndex()), needLimit: 100)
        _ = session.start()
        var named = 0
        var next = ReconciliationSession<ReconciliationIndex>.Next.send([])
        while case .send = next {
            // An id list up to second 4, then a fingerprint that matches nothing.
            let list = [5, 0, 2, 40] + random.bytes(40 * 32)
            let progress = try session.handle([0x61] + list + [0, 0, 1] + Array(repeating: 0x55, count: 16))
            named += progress.need.count
            next = progress.next
        }
        #expect(next == .stop(.idLimit))
        #expect(named == 120)
    }

    @Test("an id that the peer lists twice is reported once")
    func reportedOnce() throws {
        var session = ReconciliationSession(try Negentropy(ReconciliationIndex()))
        _ = session.start()
        let id = Array(repeating: 7, count: 32) as [UInt8]
        let first = try session.handle([0x61, 0, 0, 2, 2] + id + id)
        #expect(first.need == [Hash32(id)!])
        #expect(try session.handle([0x61, 0, 0, 2, 1] + id).need.isEmpty)
    }
}
