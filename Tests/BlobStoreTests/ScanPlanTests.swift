import Testing

@testable import BlobStore

@Suite("what a scan decides")
struct ScanPlanTests {
    private let plan = ScanPlan(quiet: 2_000)
    private let file = FileIdentity(device: 1, inode: 2, size: 3, modified: 4_000_000, changed: 5_000_000)

    private func known(_ state: LibraryFileState, since: Int64 = 0) -> ScanPlan.Known {
        ScanPlan.Known(identity: file, state: state, since: since)
    }

    @Test("an unchanged file is never read again, whatever the clock says")
    func unchanged() {
        for now in [Int64.min / 2, -1, 0, 5, 1_000_000, Int64.max / 2] as [Int64] {
            for state in [LibraryFileState.hashed, .purged] {
                #expect(
                    plan.verdict(known(state), found: file, isUnderWay: false, now: now) == .unchanged)
            }
        }
    }

    @Test("any difference takes a file out of service: also another file of the same size under a reused inode")
    func changed() {
        let others = [
            FileIdentity(device: 9, inode: 2, size: 3, modified: 4_000_000, changed: 5_000_000),
            FileIdentity(device: 1, inode: 9, size: 3, modified: 4_000_000, changed: 5_000_000),
            FileIdentity(device: 1, inode: 2, size: 9, modified: 4_000_000, changed: 5_000_000),
            FileIdentity(device: 1, inode: 2, size: 3, modified: 9_000_000, changed: 5_000_000),
            FileIdentity(device: 1, inode: 2, size: 3, modified: 4_000_000, changed: 9_000_000),
        ]
        for other in others {
            #expect(plan.verdict(known(.hashed), found: other, isUnderWay: false, now: 10_000) == .ready(since: 10_000))
        }
    }

    @Test("a file waits until it was left alone, and while its download is under way")
    func quiet() {
        #expect(plan.verdict(nil, found: file, isUnderWay: false, now: 1_000) == .waits(since: 1_000))
        #expect(plan.verdict(nil, found: file, isUnderWay: false, now: 2_004) == .waits(since: 2_004))
        #expect(plan.verdict(nil, found: file, isUnderWay: false, now: 2_005) == .ready(since: 2_005))
        #expect(plan.verdict(nil, found: file, isUnderWay: true, now: 900_000) == .waits(since: 900_000))
    }

    @Test("with a clock that jumps anywhere, a file left alone is ready after two quiet looks, and a growing one never")
    func clocks() {
        for seed in UInt64(1)...200 {
            var random = Random(seed: seed)
            var now = Int64(random.next() % 20_000)
            var state: ScanPlan.Known?
            var found = file
            // Growing: each look sees another file, changed just then.
            for step in 0..<20 {
                now += Int64(random.next() % 9_000) - 3_000
                found = FileIdentity(
                    device: 1, inode: 2, size: UInt64(step), modified: now * 1_000_000, changed: now * 1_000_000)
                let verdict = plan.verdict(state, found: found, isUnderWay: false, now: now)
                guard case .waits(let since) = verdict else {
                    Issue.record("seed \(seed): \(verdict)")
                    return
                }
                state = ScanPlan.Known(identity: found, state: .waiting, since: since)
            }
            // The clock jumps once more, and then goes on as clocks do.
            now += Int64(random.next() % 200_000) - 100_000
            var looks = 0
            while true {
                let verdict = plan.verdict(state, found: found, isUnderWay: false, now: now)
                if case .ready = verdict { break }
                guard case .waits(let since) = verdict, looks < 4 else {
                    Issue.record("seed \(seed): it waits for ever")
                    return
                }
                state = ScanPlan.Known(identity: found, state: .waiting, since: since)
                looks += 1
                now += 2_000
            }
        }
    }
}

/// SplitMix64.
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
