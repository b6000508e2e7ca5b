import Digests
import Formats
import Moderation
import Testing

@testable import Catalog
@testable import Federation

@Suite("Putting files together from what is here")
struct WeightsMapTests {
    @Test(
        "every range after the header is made of the right bytes, whatever the order of the tensors",
        arguments: 0..<100 as Range<UInt64>)
    func tensors(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let parts = (0..<Int.random(in: 1...12, using: &random)).map { number in
            (
                "t\(number)",
                (0..<Int.random(in: 0...40, using: &random) * 2).map { _ in UInt8.random(in: 0...255, using: &random) }
            )
        }
        func file(_ parts: [(String, [UInt8])], title: String) throws -> (bytes: [UInt8], header: SafetensorsHeader) {
            let output = try SafetensorsWriter.header(
                tensors: parts.map { .init($0.0, .f16, [UInt64($0.1.count / 2)]) }, metadata: ["title": title])
            return (output.bytes + parts.flatMap(\.1), output.header)
        }
        let source = try file(parts, title: "one")
        let wanted = try file(parts.shuffled(using: &random), title: "another title")
        let map = WeightsMap(wanted.header, in: source.header)
        for _ in 0..<20 {
            let low = UInt64.random(in: wanted.header.dataStart...wanted.header.fileSize, using: &random)
            let range = low..<UInt64.random(in: low...wanted.header.fileSize, using: &random)
            let pieces = try #require(map.pieces(of: range), "seed \(seed), \(range)")
            let made = pieces.flatMap { source.bytes[Int($0.source)..<Int($0.source) + $0.wanted.count] }
            #expect(
                made == Array(wanted.bytes[Int(range.lowerBound)..<Int(range.upperBound)]), "seed \(seed), \(range)")
        }
        #expect(map.pieces(of: wanted.header.dataStart - 1..<wanted.header.fileSize) == nil, "the header is nowhere")
    }

    @Test("what has another type, shape or name is nowhere; the same tail is all of what follows the header")
    func others() throws {
        let one = try SafetensorsWriter.header(
            tensors: [.init("a", .f16, [8]), .init("b", .f16, [8])], metadata: [:]
        ).header
        let other = try SafetensorsWriter.header(
            tensors: [.init("a", .bf16, [8]), .init("b", .f16, [2, 4]), .init("c", .f16, [8])], metadata: [:]
        ).header
        #expect(WeightsMap(one, in: other).pieces.isEmpty)
        let tail = WeightsMap(tail: 70, of: 100, in: 90)
        #expect(tail.pieces(of: 30..<100) == [.init(wanted: 30..<100, source: 20)])
        #expect(tail.pieces(of: 40..<50) == [.init(wanted: 40..<50, source: 30)])
        #expect(tail.pieces(of: 29..<100) == nil)
    }
}

@Suite("Small files are fetched many at a time")
struct FetchLoadTests {
    private static let (hive, swarm) = (Hash32(words: (1, 0, 0, 0)), Hash32(words: (2, 0, 0, 0)))

    private func fetch(_ number: UInt64, size: UInt64, by holders: [Hash32]) -> MirrorPlan.Fetch {
        let candidate = MirrorCandidate(
            sha256: Hash32(words: (9, 9, 9, number)), piecesRoot: .zero, size: size, name: "\(number)", isImage: true,
            author: .zero, level: .pg, releaseID: nil, release: nil, modelType: "", baseModel: "", tags: [],
            hasMirrors: false)
        let rule = MirrorRule(n: 1, terms: .init(maxLevel: .xxx), isPaused: false, lastRun: 0, lastError: "")
        return MirrorPlan.Fetch(candidate: candidate, rule: rule, bytes: size, holders: holders)
    }

    @Test("each file is in one load; batches keep their limits and go to the holders in turn")
    func loads() {
        var fetches = (0..<1000).map { fetch($0, size: 10 << 10, by: [Self.hive, Self.swarm]) }
        fetches.insert(fetch(5000, size: 9 << 20, by: [Self.hive]), at: 400)
        fetches.append(fetch(5001, size: 100, by: []))
        fetches.append(fetch(5002, size: 0, by: [Self.hive]))
        let loads = FetchLoad.loads(of: fetches)
        #expect(loads.flatMap(\.fetches).map(\.candidate.sha256).sorted() == fetches.map(\.candidate.sha256).sorted())
        let batches = loads.filter(\.isBatch)
        for batch in batches {
            #expect(batch.fetches.reduce(0) { $0 + $1.candidate.size } <= 768 << 10)
            #expect(batch.weight < FetchLoad.room)
        }
        let firsts = batches.map { $0.holders[0] }
        #expect(abs(firsts.count { $0 == Self.hive } - firsts.count { $0 == Self.swarm }) <= 1)
        #expect(batches.allSatisfy { Set($0.holders) == [Self.hive, Self.swarm] })
        let single = loads.filter { !$0.isBatch }
        #expect(single.map { $0.fetches.count } == [1, 1, 1])
        #expect(single.map(\.weight) == [FetchLoad.room, 1, 1])
    }
}
