import Digests
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("Posts when keys change")
struct KeyChangeTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana", devices: [device("ana laptop"), device("phone")])
    }

    @Test("posts after the end of a device are hidden, posts before stay")
    func leftOut() async throws {
        let test = try TestLog()
        let (before, after) = (
            try ana.comment("before", created: 3000, by: "phone"), try ana.comment("after", created: 3001, by: "phone")
        )
        let update = try ana.document(after: ana.genesis, created: 3000) { $0.devices.removeLast() }
        try await test.submit(ana.genesis, before, after)
        try await test.submit(update)
        #expect(try await test.inForce() == [ana.id, update.id, before.id])
        let last = try #require(try await test.log.entries(after: 0, limit: 20).last)
        #expect(last.event == .hidden(.unauthorised) && last.post.id == after.id)
        let late = try ana.comment("too late", created: 3002, by: "phone")
        #expect(try await test.submit(late).first?.isInvalid == true)
    }

    @Test("posts by devices that only a beaten branch lists are hidden")
    func beaten() async throws {
        let test = try TestLog()
        let update = try ana.document(after: ana.genesis, created: 1500) { $0.devices.append(device("thief")) }
        let post = try ana.comment("buy this", by: "thief")
        try await test.submit(ana.genesis, update, post)
        #expect(try await test.inForce().contains(post.id))
        let rotation = try ana.document(after: ana.genesis, created: 1600, generation: 1) { _ in }
        try await test.submit(rotation)
        #expect(try await test.inForce() == [ana.id, update.id, rotation.id])
        #expect(try await test.submit(ana.comment("and this", by: "thief")) == [.parked(author: ana.id)])
        let chain = try #require(try await test.log.keyChain(of: ana.id))
        #expect(chain.idsInForce == [ana.id, rotation.id] && !chain.isDisputed)
    }

    @Test("a slot that a hidden post held goes to the next best that is valid")
    func slots() async throws {
        let test = try TestLog()
        let old = try ana.profile("old", created: 2000)
        let posts = try (1...5).map { try ana.profile("thief \($0)", created: 2000 + UInt64($0), by: "phone") }
        try await test.submit([ana.genesis, old] + posts)
        #expect(try await test.inForce().contains(posts[4].id))
        let seq = test.log.newestSeq
        let update = try ana.document(after: ana.genesis) { $0.revocations = [revocation("phone", .compromised)] }
        try await test.submit(update)
        #expect(try await test.inForce() == [ana.id, update.id, old.id])
        // None of the other posts of the thief shows in between.
        let lines = try await test.log.entries(after: seq, limit: 20)
        #expect(lines.map(\.post.id) == [update.id, posts[4].id, old.id])
    }

    @Test("a compromised key keeps what the checkpoint names, once checkpoint and blob are here", arguments: [0, 1, 2])
    func checkpoint(_ last: Int) async throws {
        let test = try TestLog()
        let (kept, lost) = (try ana.comment("kept", by: "phone"), try ana.comment("lost", by: "phone"))
        let checkpoint = try ana.checkpoint("phone", blob: testHash("blob"))
        let update = try ana.document(after: ana.genesis, created: 5000) {
            $0.revocations = [revocation("phone", .compromised, checkpoint: checkpoint.id)]
        }
        func arrive(_ step: Int) async throws {
            switch step {
            case 0: try await test.submit(update)
            case 1: try await test.submit(checkpoint)
            default:
                test.checkpoints.put(testHash("blob"), [kept.id])
                try await test.log.intake.reevaluate(author: ana.id)
            }
        }
        try await test.submit(ana.genesis, kept, lost)
        for step in 0..<3 where step != last { try await arrive(step) }
        try await arrive(last)
        #expect(try await test.inForce() == [ana.id, update.id, checkpoint.id, kept.id])
    }

    @Test("a post by a lost key waits for the list that decides about it, and is judged when that is here")
    func waitsForCheckpoint() async throws {
        let (kept, late) = (try ana.comment("kept", by: "phone"), try ana.comment("late", by: "phone"))
        let checkpoint = try ana.checkpoint("phone", blob: testHash("blob"))
        let update = try ana.document(after: ana.genesis, created: 5000) {
            $0.revocations = [revocation("phone", .compromised, checkpoint: checkpoint.id)]
        }
        for isPostFirst in [true, false] {
            let test = try TestLog()
            try await test.submit(ana.genesis, update)
            #expect(try await test.submit(kept, late) == [.parked(author: ana.id), .parked(author: ana.id)])
            func blob() async throws {
                test.checkpoints.put(testHash("blob"), [kept.id])
                try await test.log.intake.reevaluate(author: ana.id)
            }
            if !isPostFirst { try await blob() }
            try await test.submit(checkpoint)
            if isPostFirst { try await blob() }
            #expect(try await test.inForce() == [ana.id, update.id, checkpoint.id, kept.id])
            #expect(await test.log.intake.parkedCount == 0)
            // From now on it is known what stays.
            #expect(try await test.submit(ana.comment("new", by: "phone")).first?.isInvalid == true)
        }
    }

    @Test("the ids of a device are those that its author's keys let stand, in order")
    func idsOfDevice() async throws {
        let test = try TestLog()
        let posts = try (0..<5).map { try ana.comment("\($0)", created: 2000 + UInt64($0), by: "phone") }
        try await test.submit([ana.genesis, try ana.comment("laptop")] + posts)
        let key = testKey("phone").publicKey
        #expect(try await test.log.ids(ofDevice: key, author: ana.id, until: .max) == posts.map(\.id).sorted())
        #expect(
            try await test.log.ids(ofDevice: key, author: ana.id, until: 2001) == posts.prefix(2).map(\.id).sorted())
        let update = try ana.document(after: ana.genesis) {
            $0.revocations = [revocation("phone", .retired, since: 2002)]
        }
        try await test.submit(update)
        #expect(
            try await test.log.ids(ofDevice: key, author: ana.id, until: .max) == posts.prefix(3).map(\.id).sorted())
    }

    @Test("a checkpoint of another device or author saves nothing")
    func foreignCheckpoint() async throws {
        let ben = try TestAuthor("ben", devices: [device("phone")])
        let post = try ana.comment("kept?", by: "phone")
        let other = try ana.checkpoint("ana laptop", blob: testHash("blob"))
        let foreign = try ben.checkpoint("phone", blob: testHash("blob"))
        for checkpoint in [other, foreign] {
            let test = try TestLog()
            test.checkpoints.put(testHash("blob"), [post.id])
            let update = try ana.document(after: ana.genesis, created: 5000) {
                $0.revocations = [revocation("phone", .lost, checkpoint: checkpoint.id)]
            }
            try await test.submit(ana.genesis, ben.genesis, post, checkpoint, update)
            #expect(try await !test.inForce().contains(post.id))
        }
    }

    @Test("a checkpoint is signed by the threshold of the roots and by nobody else")
    func checkpointSigners() async throws {
        let test = try TestLog()
        let good = try ana.checkpoint("phone", blob: testHash("blob"))
        let bad = try ana.checkpoint("phone", blob: testHash("blob"), created: 1501, generation: 1)
        let results = try await test.submit(ana.genesis, good, bad)
        #expect(results[1] == .new && results[2].isInvalid)
    }

    @Test("revoking one device disturbs the posts of no other")
    func others() async throws {
        let test = try TestLog()
        let ben = try TestAuthor("ben", devices: [device("phone")])
        let posts = [
            try ana.comment("laptop"), try ana.comment("phone", by: "phone"), try ben.comment("same key", by: "phone"),
        ]
        try await test.submit([ana.genesis, ben.genesis] + posts)
        let seq = test.log.newestSeq
        let update = try ana.document(after: ana.genesis) { $0.revocations = [revocation("phone", .lost)] }
        try await test.submit(update)
        let lines = try await test.log.entries(after: seq, limit: 20)
        #expect(lines.map(\.post.id) == [update.id, posts[1].id])
    }

    @Test("a key document that changes nothing for the devices that signed here judges no post again")
    func unchanged() async throws {
        let test = try TestLog()
        try await test.submit([ana.genesis] + (0..<50).map { try ana.comment("\($0)") })
        let seq = test.log.newestSeq
        let update = try ana.document(after: ana.genesis) { $0.devices.append(device("tablet")) }
        try await test.submit(update)
        #expect(try await test.log.entries(after: seq, limit: 20).map(\.post.id) == [update.id])
    }

    @Test("chains and what they say survive a restart")
    func restart() async throws {
        let test = try TestLog()
        let update = try ana.document(after: ana.genesis, created: 3000) { $0.devices.removeLast() }
        try await test.submit(ana.genesis, update)
        let again = try TestLog(directory: test.directory)
        #expect(try await again.submit(ana.comment("old", created: 3000, by: "phone")) == [.new])
        #expect(try await again.submit(ana.comment("new", created: 3001, by: "phone")).first?.isInvalid == true)
        #expect(
            try await again.log.keyChainEnvelopes(of: ana.id).keyDocuments == [ana.genesis.envelope, update.envelope])
    }
}
