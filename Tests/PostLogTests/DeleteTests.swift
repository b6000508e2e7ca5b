import Digests
import Identity
import PostLog
import SwiftProtobuf
import Testing
import WaggleProtocol

@Suite("Deletes")
struct DeleteTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    @Test("a delete by id hides its target at once and for good")
    func byID() async throws {
        let test = try TestLog()
        let post = try ana.comment("regretted")
        let delete = try ana.delete([post])
        #expect(try await test.submit(ana.genesis, post, delete) == [.new, .new, .new])
        #expect(try await test.inForce([post]) == [ana.id, delete.id])
        #expect(try await test.submit(post) == [.have])
        let last = try #require(try await test.log.entries(after: 0, limit: 10).last)
        #expect(last.event == .hidden(.deleted) && last.post.id == post.id)
    }

    @Test("a target that comes after its delete is known, and is kept without its bytes")
    func tombstoneFirst() async throws {
        let test = try TestLog()
        let post = try ana.comment("regretted")
        let delete = try ana.delete([post])
        #expect(try await test.submit(ana.genesis, delete) == [.new, .new])
        #expect(try await test.submit(post) == [.have])
        #expect(try await test.log.known([post.id]) == [post.id])
        #expect(try await test.inForce([post]) == [ana.id, delete.id])
    }

    @Test("a delete of a slot covers what is not newer than itself, before and after", arguments: [true, false])
    func bySlot(_ deleteFirst: Bool) async throws {
        let test = try TestLog()
        let models = try [1000, 3000, 3001].map { try ana.model("m", "\($0)", created: $0) }
        let delete = try ana.delete(slots: [(.model, "m")], created: 3000)
        try await test.submit([ana.genesis] + (deleteFirst ? [delete] + models : models + [delete]))
        #expect(try await test.inForce(models) == [ana.id, delete.id, models[2].id])
    }

    @Test("a delete of a slot alone empties it")
    func emptySlot() async throws {
        let test = try TestLog()
        let models = try (0..<5).map { try ana.model("m", "\($0)", created: 1000 + UInt64($0)) }
        let delete = try ana.delete(slots: [(.model, "m"), (.profile, "")], created: 3000)
        let profile = try ana.profile("Ana")
        try await test.submit([ana.genesis, profile] + models + [delete])
        #expect(try await test.inForce(models) == [ana.id, delete.id])
        #expect(try await test.log.post(author: ana.id, kind: .model, slot: "m") == nil)
    }

    @Test("deleting the holder of a slot by id brings back the next best")
    func holderByID() async throws {
        let test = try TestLog()
        let (old, new) = (try ana.profile("old", created: 2000), try ana.profile("new", created: 2001))
        let delete = try ana.delete([new])
        try await test.submit(ana.genesis, old, new, delete)
        #expect(try await test.inForce() == [ana.id, delete.id, old.id])
    }

    @Test("nobody deletes what another author said", arguments: [true, false])
    func foreign(_ deleteFirst: Bool) async throws {
        let test = try TestLog()
        let ben = try TestAuthor("ben")
        let (post, model) = (try ana.comment("mine"), try ana.model("m"))
        let delete = try ben.delete([post, model], slots: [(.model, "m")])
        let posts = [post, model]
        try await test.submit([ana.genesis, ben.genesis] + (deleteFirst ? [delete] + posts : posts + [delete]))
        #expect(try await test.inForce().isSuperset(of: [post.id, model.id, delete.id]))
    }

    @Test("a delete covers only kinds whose scope its device has", arguments: [true, false])
    func scope(_ deleteFirst: Bool) async throws {
        let author = try TestAuthor("cleo", devices: [device("cleo laptop"), device("reviewer", [.review])])
        let test = try TestLog()
        let posts = [
            try author.comment("by the laptop"), try author.profile("Cleo"), try author.model("m"),
            try author.review(of: testHash("release")),
        ]
        let delete = try author.delete(
            posts, slots: [(.model, "m"), (.profile, ""), (.review, testHash("release").hex)], by: "reviewer")
        try await test.submit([author.genesis] + (deleteFirst ? [delete] + posts : posts + [delete]))
        #expect(try await test.inForce() == [author.id, delete.id, posts[1].id, posts[2].id])
    }

    @Test("key documents, checkpoints, deletes and purges are not deleted", arguments: [true, false])
    func undeletable(_ deleteFirst: Bool) async throws {
        let test = try TestLog()
        let update = try ana.document(after: ana.genesis) { $0.devices.append(device("phone")) }
        let checkpoint = try ana.checkpoint("phone", blob: testHash("blob"))
        let purge = try ana.post { post in
            var subject = WireModerationSubject()
            (subject.kind, subject.hash) = (.file, testHash("bytes").data)
            (post.purge.list, post.purge.reason, post.purge.subjects) = ("mine", "spam", [subject])
        }
        let first = try ana.delete(ids: [testHash("anything")])
        let posts = [update, checkpoint, purge, first]
        let delete = try ana.delete([ana.genesis] + posts)
        try await test.submit([ana.genesis] + (deleteFirst ? [delete] + posts : posts + [delete]))
        #expect(try await test.inForce() == Set(posts.map(\.id) + [ana.id, delete.id]))
    }

    @Test("a delete whose key turns out to be stolen is lifted, and what it covered comes back")
    func lifted() async throws {
        let author = try TestAuthor("dora", devices: [device("dora laptop"), device("stolen")])
        let test = try TestLog()
        let post = try author.comment("mine")
        let models = try [2000, 2001].map { try author.model("m", "\($0)", created: $0) }
        let delete = try author.delete([post], slots: [(.model, "m")], by: "stolen")
        try await test.submit([author.genesis, post] + models + [delete])
        #expect(try await test.inForce() == [author.id, delete.id])
        let rescue = try author.document(after: author.genesis, created: 5000) {
            $0.revocations = [revocation("stolen", .compromised)]
        }
        try await test.submit(rescue)
        #expect(try await test.inForce() == [author.id, rescue.id, post.id, models[1].id])
    }

    @Test("a lifted delete gives back a target that came after it, when somebody offers it again")
    func liftedTombstone() async throws {
        let author = try TestAuthor("dora", devices: [device("dora laptop"), device("stolen")])
        let test = try TestLog()
        let post = try author.comment("mine")
        let delete = try author.delete([post], by: "stolen")
        #expect(try await test.submit(author.genesis, delete, post) == [.new, .new, .have])
        try await test.submit(
            author.document(after: author.genesis, created: 5000) { $0.revocations = [revocation("stolen", .lost)] })
        #expect(try await test.log.known([post.id]).isEmpty)
        #expect(try await test.submit(post) == [.new])
        #expect(try await test.inForce().contains(post.id))
    }

    @Test("a delete that a checkpoint names is not lifted")
    func namedDelete() async throws {
        let author = try TestAuthor("dora", devices: [device("dora laptop"), device("stolen")])
        let test = try TestLog()
        let post = try author.comment("mine")
        let delete = try author.delete([post], by: "stolen")
        test.checkpoints.put(testHash("blob"), [delete.id])
        let checkpoint = try author.checkpoint("stolen", blob: testHash("blob"))
        let rescue = try author.document(after: author.genesis, created: 5000) {
            $0.revocations = [revocation("stolen", .compromised, checkpoint: checkpoint.id)]
        }
        try await test.submit(author.genesis, post, delete, checkpoint, rescue)
        #expect(try await test.inForce() == [author.id, rescue.id, checkpoint.id, delete.id])
    }

    @Test("what another delete covers as well stays deleted when one of the two is lifted")
    func twoDeletes() async throws {
        let author = try TestAuthor("dora", devices: [device("dora laptop"), device("stolen")])
        let test = try TestLog()
        let post = try author.comment("mine")
        let stolen = try author.delete([post], by: "stolen")
        let own = try author.delete([post], created: 3001)
        try await test.submit(author.genesis, post, stolen, own)
        try await test.submit(
            author.document(after: author.genesis, created: 5000) { $0.revocations = [revocation("stolen", .lost)] })
        #expect(try await !test.inForce().contains(post.id))
    }

    @Test("a device that gets or loses a scope deletes more or less", arguments: [true, false])
    func changedScope(_ deleteFirst: Bool) async throws {
        let author = try TestAuthor("cleo", devices: [device("cleo laptop"), device("phone", [.post])])
        let test = try TestLog()
        let review = try author.review(of: testHash("release"))
        let delete = try author.delete([review], by: "phone")
        try await test.submit([author.genesis] + (deleteFirst ? [delete, review] : [review, delete]))
        #expect(try await test.inForce().contains(review.id))
        let more = try author.document(after: author.genesis) {
            $0.devices = [device("cleo laptop"), device("phone", [.post, .review])]
        }
        try await test.submit(more)
        #expect(try await !test.inForce().contains(review.id))
        try await test.submit(
            author.document(after: more) { $0.devices = [device("cleo laptop"), device("phone", [.post])] })
        #expect(try await test.inForce().contains(review.id))
    }

    @Test("the payload of a deleted post is dropped thirty days after this node hid it, whatever the delete's date")
    func payloadDropped() async throws {
        let test = try TestLog(now: 10_000_000)
        let (post, model) = (try ana.comment("regretted"), try ana.model("m"))
        try await test.submit(ana.genesis, post, model, ana.delete([post], slots: [(.model, "m")], created: 2500))
        func bytes() async throws -> [Int] {
            try await test.log.entries(after: 0, limit: 20).filter { [post.id, model.id].contains($0.post.id) }
                .map(\.post.envelope.count)
        }
        test.clock.now += 30 * 86400
        try await test.log.intake.tidy()
        #expect(try await bytes().allSatisfy { $0 > 0 })
        test.clock.now += 1
        try await test.log.intake.tidy()
        #expect(try await bytes() == [0, 0, 0, 0])
        let entries = try await test.log.entries(after: 0, limit: 20)
        #expect(
            entries.filter { $0.post.id == post.id }.allSatisfy { $0.post.post.kind == 21 && $0.post.created == 2000 })
        #expect(try await test.submit(post, model) == [.have, .have])
        #expect(try await test.inForce([post, model]).count == 2)
    }

    @Test("a lifted delete forgets a target whose payload was dropped, and its number is not used again")
    func dropped() async throws {
        let author = try TestAuthor("dora", devices: [device("dora laptop"), device("stolen")])
        let test = try TestLog(now: 10_000_000)
        let post = try author.comment("mine")
        try await test.submit(author.genesis, author.delete(ids: [post.id], by: "stolen"))
        try await test.submit(post)
        try await test.submit(
            author.document(after: author.genesis, created: 5000) { $0.revocations = [revocation("stolen", .lost)] })
        let other = try author.comment("another")
        #expect(try await test.submit(other, post) == [.new, .new])
        #expect(try await test.inForce([other, post]).isSuperset(of: [other.id, post.id]))
    }
}
