import Testing
import WaggleProtocol

@testable import Generation

@Suite("Whose turn it is")
struct JobQueueTests {
    private func started(_ effects: [JobQueue.Effect]) -> [String] {
        effects.compactMap { if case .start(let job) = $0 { job.id } else { nil } }
    }

    @Test("whoever orders one picture does not wait for somebody's twenty")
    func fairness() throws {
        var queue = JobQueue(slots: 1)
        var order = started(try queue.submit(try Samples.job("a0", owner: "a"), now: 0))
        for number in 1..<20 {
            _ = try queue.submit(try Samples.job("a\(number)", owner: "a"), now: 0)
        }
        _ = try queue.submit(try Samples.job("b0", owner: "b"), now: 0)
        #expect(queue.position(of: "b0") == 0)
        #expect(queue.position(of: "a19") == 19)
        #expect(queue.workBefore("b0") == 1000)
        while let running = queue.running.first {
            _ = queue.handle(.picture(running.id, Samples.picture(0)), now: 1)
            order += started(queue.handle(.ended(running.id, nil), now: 1))
        }
        #expect(order.firstIndex(of: "b0") == 1)
        #expect(order.count == 21)
    }

    @Test("a job of weight 2 has twice the turns")
    func weights() throws {
        var queue = JobQueue(slots: 1)
        _ = queue.handle(.mode(.paused), now: 0)
        for number in 0..<9 {
            _ = try queue.submit(try Samples.job("a\(number)", owner: "a"), now: 0)
            _ = try queue.submit(try Samples.job("b\(number)", owner: "b", weight: 2), now: 0)
        }
        var order = started(queue.handle(.mode(.open), now: 0))
        while let running = queue.running.first, order.count < 9 {
            order += started(queue.handle(.ended(running.id, .engine("no")), now: 1))
        }
        #expect(order.count { $0.hasPrefix("b") } == 6)
    }

    @Test("an engine that says nothing while it loads is stopped, and the files are blamed")
    func watchdog() throws {
        var queue = JobQueue(slots: 1)
        let first = try Samples.job("a")
        _ = try queue.submit(first, now: 100)
        #expect(queue.handle(.tick, now: 139) == [])
        #expect(queue.handle(.tick, now: 140) == [.stop("a")])
        #expect(queue.handle(.tick, now: 141) == [], "it is stopped once")
        let effects = queue.handle(.ended("a", .crashed("signal 9")), now: 142)
        #expect(effects.first == .blame(first.models, crashes: 1))
        guard case .save(let job) = effects.last else {
            Issue.record("\(effects)")
            return
        }
        #expect(job.state == .failed)
        #expect(job.failure?.code == "timeout")
    }

    @Test("signs of life put the watchdog off, and the whole job has an end")
    func signs() throws {
        var queue = JobQueue(slots: 1)
        _ = try queue.submit(try Samples.job("a"), now: 0)
        var now: UInt64 = 0
        while now + 100 < Limits.Generation.jobSeconds {
            now += 100
            _ = queue.handle(.progress("a", JobProgress(step: 1, steps: 9)), now: now)
            #expect(queue.handle(.tick, now: now) == [])
        }
        #expect(queue.handle(.tick, now: Limits.Generation.jobSeconds) == [.stop("a")])
    }

    @Test("a crash is tried once more; the second puts the files aside for everybody")
    func quarantine() throws {
        var queue = JobQueue(slots: 1)
        _ = try queue.submit(try Samples.job("a", owner: "a"), now: 0)
        _ = try queue.submit(try Samples.job("b", owner: "b"), now: 0)
        _ = try queue.submit(try Samples.job("c", owner: "c", models: Samples.models(2)), now: 0)
        #expect(started(queue.handle(.ended("a", .crashed("signal 6")), now: 1)) == ["a"])
        let effects = queue.handle(.ended("a", .crashed("signal 6")), now: 2)
        #expect(started(effects) == ["c"], "the other job with these files is not begun")
        #expect(queue.jobs.keys.sorted() == ["c"])
        #expect(queue.isQuarantined(Samples.models()))
        #expect(throws: GenerationError.quarantined(name: "checkpoint-1-0")) {
            try queue.submit(try Samples.job("d"), now: 3)
        }
        queue.forgive(Samples.models().key)
        _ = try queue.submit(try Samples.job("d"), now: 3)
    }

    @Test(
        "a job that took too much memory or time was not stopped by its files: they are drawn with by others",
        arguments: [GenerationError.outOfMemory, .tooLarge(needs: 9 << 30, free: 1 << 30), .tookTooLong(seconds: 9)])
    func tooMuch(_ error: GenerationError) throws {
        var queue = JobQueue(slots: 1)
        for number in 0...Limits.Generation.crashes {
            _ = try queue.submit(try Samples.job("a\(number)"), now: 0)
            let effects = queue.handle(.ended("a\(number)", error), now: 1)
            #expect(!effects.contains { if case .blame = $0 { true } else { false } })
            #expect(queue.jobs.isEmpty, "it is not tried again")
        }
        #expect(!queue.isQuarantined(Samples.models()))
    }

    @Test("a program elsewhere that says nothing puts nobody's files aside")
    func elsewhere() throws {
        var queue = JobQueue(slots: 1, blamesFiles: false)
        for number in 0...Limits.Generation.crashes {
            _ = try queue.submit(try Samples.job("a\(number)"), now: 0)
            #expect(queue.handle(.tick, now: 100) == [.stop("a\(number)")])
            let effects = queue.handle(.ended("a\(number)", .cancelled), now: 101)
            guard case .save(let job)? = effects.last else {
                Issue.record("\(effects)")
                return
            }
            #expect(job.state == .failed && job.failure?.code == "timeout" && effects.count == 1)
        }
        #expect(!queue.isQuarantined(Samples.models()))
    }

    @Test("a file that is taken back ends the jobs with it and no other")
    func withdrawal() throws {
        var queue = JobQueue(slots: 1)
        _ = try queue.submit(try Samples.job("a"), now: 0)
        _ = try queue.submit(try Samples.job("b"), now: 0)
        _ = try queue.submit(try Samples.job("c", models: Samples.models(2)), now: 0)
        let effects = queue.handle(.withdrawn(sha256: Samples.models().checkpoint.sha256), now: 1)
        #expect(effects.contains(.stop("a")))
        #expect(queue.jobs.keys.sorted() == ["a", "c"])
        #expect(started(queue.handle(.ended("a", .crashed("signal 15")), now: 2)) == ["c"])
    }

    @Test("how long a job has to wait is told by the pace of those before it, after a restart too")
    func waiting() throws {
        var queue = JobQueue(slots: 1)
        for name in ["a", "b", "c"] { _ = try queue.submit(try Samples.job(name, milliunits: 2000), now: 100) }
        #expect(queue.secondsBefore("b") == nil, "nothing was drawn yet")
        _ = queue.handle(.picture("a", Samples.picture(0)), now: 104)
        guard case .save(let drawn)? = queue.handle(.ended("a", nil), now: 110).first else {
            Issue.record("nothing is kept")
            return
        }
        // Ten seconds for each: b runs, c waits for it.
        #expect(queue.secondsBefore("b") == nil && queue.secondsBefore("c") == 10)
        var again = JobQueue(slots: 1)
        again.learn(from: drawn)
        _ = again.restore(Array(queue.jobs.values), now: 111)
        #expect(again.secondsBefore("c") == 10)
        // Those that failed say nothing of the pace.
        _ = again.handle(.ended("b", .flatPicture), now: 1000)
        _ = try again.submit(try Samples.job("d", milliunits: 4000), now: 1000)
        #expect(again.secondsBefore("d") == 10)
        #expect(again.secondsBefore("unknown") == nil)
    }

    @Test("a drained node takes no orders and finishes those it has; a paused one begins none")
    func modes() throws {
        var queue = JobQueue(slots: 1)
        _ = queue.handle(.mode(.paused), now: 0)
        let effects = try queue.submit(try Samples.job("a"), now: 0)
        #expect(started(effects) == [])
        #expect(started(queue.handle(.mode(.draining), now: 0)) == ["a"])
        #expect(throws: GenerationError.paused) { try queue.submit(try Samples.job("b"), now: 0) }
    }

    @Test("a person has a bounded number of jobs")
    func limits() throws {
        var queue = JobQueue(slots: 1)
        for number in 0..<Limits.Generation.jobsPerPerson {
            _ = try queue.submit(try Samples.job("a\(number)"), now: 0)
        }
        #expect(throws: GenerationError.tooManyJobs(limit: 20)) { try queue.submit(try Samples.job("more"), now: 0) }
        _ = try queue.submit(try Samples.job("b", owner: "b"), now: 0)
    }

    @Test("who cancels pays for the pictures that are done")
    func cancelling() throws {
        var queue = JobQueue(slots: 1)
        _ = try queue.submit(try Samples.job("a", price: 40, batch: 4), now: 0)
        _ = queue.handle(.held("a", hold: "h"), now: 0)
        _ = queue.handle(.picture("a", Samples.picture(0)), now: 1)
        _ = queue.handle(.picture("a", Samples.picture(0)), now: 1)
        #expect(queue.handle(.cancel("a"), now: 2).contains(.stop("a")))
        let effects = queue.handle(.ended("a", .crashed("signal 15")), now: 3)
        guard case .settle(let job)? = effects.last else {
            Issue.record("\(effects)")
            return
        }
        #expect(job.captured == 10 && job.outcome == .cancelled)
        #expect(!effects.contains { if case .blame = $0 { true } else { false } }, "nobody is to blame")
    }

    @Test(
        "a picture of a batch is shown at once and written down with the end of its job: begun anew, it is drawn anew")
    func pictures() throws {
        var queue = JobQueue(slots: 1)
        guard
            case .save(let begun)? = try queue.submit(try Samples.job("a", batch: 2), now: 0).last(where: {
                if case .save = $0 { true } else { false }
            })
        else {
            Issue.record("nothing is kept")
            return
        }
        guard case .show(let first)? = queue.handle(.picture("a", Samples.picture(0)), now: 1).first else {
            Issue.record("nothing is shown")
            return
        }
        #expect(first.pictures.count == 1 && queue.jobs["a"]?.pictures.count == 1)
        var again = JobQueue(slots: 1)
        #expect(again.restore([begun], now: 2).contains { if case .start = $0 { true } else { false } })
        _ = queue.handle(.picture("a", Samples.picture(1)), now: 2)
        guard case .save(let over)? = queue.handle(.ended("a", nil), now: 3).first else {
            Issue.record("the end is not kept")
            return
        }
        #expect(over.state == .done && over.pictures.count == 2)
    }

    @Test("a hold that was given back meanwhile was not captured, and the job says so")
    func givenBack() throws {
        for taken in [Int64(40), 0] {
            var queue = JobQueue(slots: 1)
            _ = try queue.submit(try Samples.job("a", price: 40), now: 0)
            _ = queue.handle(.held("a", hold: "h"), now: 0)
            _ = queue.handle(.picture("a", Samples.picture(0)), now: 1)
            guard case .settle(let job)? = queue.handle(.ended("a", nil), now: 2).last else {
                Issue.record("nothing is settled")
                return
            }
            #expect(job.captured == 40)
            guard case .save(let over)? = queue.handle(.settled("a", captured: taken), now: 3).last else {
                Issue.record("nothing is kept")
                return
            }
            #expect(over.state == .done && over.captured == taken)
        }
    }
}
