import FoundationEssentials
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Federation

@Suite("Fetch plan")
struct FetchPlanTests {
    @Test("a run covers neighbouring missing units, eight at most when few are left")
    func runs() {
        var plan = FetchPlan<Int>(missing: [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
        plan.add(1, holding: nil)
        plan.add(2, holding: nil)
        #expect(plan.next(for: 1) == .fetch(0..<3))
        #expect(plan.next(for: 2) == .fetch(4..<12))
    }

    @Test("runs are a quarter of what is free, 64 at most")
    func longRuns() {
        var plan = FetchPlan<Int>(missing: 0..<300)
        plan.add(1, holding: nil)
        plan.add(2, holding: nil)
        #expect(plan.next(for: 1) == .fetch(0..<64))
        #expect(plan.next(for: 2) == .fetch(64..<123))
    }

    @Test("a partial holder is asked only for units that it has")
    func partialHolder() {
        var plan = FetchPlan<Int>(missing: 0..<4)
        plan.add(1, holding: [2])
        #expect(plan.next(for: 1) == .fetch(2..<3))
        plan.stored(2)
        plan.finished(1)
        #expect(plan.next(for: 1) == .stop)
    }

    @Test("a dropped source gets nothing more, and its units go to others")
    func dropped() {
        var plan = FetchPlan<Int>(missing: 0..<3)
        plan.add(1, holding: nil)
        plan.add(2, holding: nil)
        #expect(plan.next(for: 1) == .fetch(0..<3))
        plan.drop(1)
        #expect(plan.next(for: 1) == .stop)
        #expect(plan.next(for: 2) == .fetch(0..<3))
    }

    @Test("an idle source takes over the last unit that another has under way")
    func takesOver() {
        var plan = FetchPlan<Int>(missing: 0..<3)
        plan.add(1, holding: nil)
        plan.add(2, holding: nil)
        #expect(plan.next(for: 1) == .fetch(0..<3))
        #expect(plan.next(for: 2) == .fetch(2..<3))
    }

    @Test(
        "the blob completes whenever the honest sources together have every unit", arguments: 0..<200 as Range<UInt64>)
    func alwaysCompletes(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let units = Int.random(in: 1...60, using: &random)
        var plan = FetchPlan<Int>(missing: 0..<units)
        // Source 0 is honest and whole, but slow; the others lie, vanish or hold a part.
        let manners = (0..<Int.random(in: 1...5, using: &random)).map { index in
            index == 0 ? 0 : Int.random(in: 0...3, using: &random)
        }
        for (source, manner) in manners.enumerated() {
            let held = manner == 3 ? Set((0..<units).filter { _ in Bool.random(using: &random) }) : nil
            plan.add(source, holding: held)
        }
        var work: [Int: [Int]] = [:]
        var steps = 0
        while !plan.isComplete {
            steps += 1
            #expect(steps < 100_000, "seed \(seed): no end in sight")
            if steps >= 100_000 { return }
            // Everybody who is free asks for work.
            for source in manners.indices where work[source] == nil {
                if case .fetch(let run) = plan.next(for: source) { work[source] = Array(run) }
            }
            guard let source = work.keys.sorted().randomElement(using: &random) else {
                Issue.record("seed \(seed): units are missing and nobody is asked")
                return
            }
            switch manners[source] {
            case 1:
                // Wrong bytes.
                plan.drop(source)
                work[source] = nil
            case 2 where Bool.random(using: &random):
                // Gone.
                plan.drop(source)
                work[source] = nil
            default:
                if let unit = work[source]?.first {
                    plan.stored(unit)
                    work[source]?.removeFirst()
                }
                if work[source]?.isEmpty == true {
                    plan.finished(source)
                    work[source] = nil
                }
            }
        }
    }
}

@Suite("Stream frames")
struct FrameReaderTests {
    @Test("frames come out whole however the bytes are cut", arguments: 0..<50 as Range<UInt64>)
    func cuts(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var bytes: [UInt8] = []
        let cursors = (0..<20).map { "log.\(seed).\($0)" }
        for cursor in cursors {
            var frame = WireStreamFrame()
            frame.cursor = cursor
            frame.envelope = Data(repeating: 7, count: Int.random(in: 0...300, using: &random))
            let body = try frame.serializedBytes() as [UInt8]
            var length = body.count
            while length >= 0x80 {
                bytes.append(UInt8(length & 0x7f | 0x80))
                length >>= 7
            }
            bytes.append(UInt8(length))
            bytes += body
        }
        var reader = FrameReader()
        var found: [String] = []
        while !bytes.isEmpty {
            let count = min(bytes.count, Int.random(in: 1...97, using: &random))
            reader.append(bytes.prefix(count))
            bytes.removeFirst(count)
            while let frame = try reader.next() { found.append(frame.cursor) }
        }
        #expect(found == cursors, "seed \(seed)")
    }

    @Test("a frame that claims more than a body may have is refused before it is waited for")
    func tooLarge() {
        var reader = FrameReader()
        reader.append([0xff, 0xff, 0xff, 0x7f])
        #expect(throws: FrameReader.TooLarge.self) { try reader.next() }
    }
}
