import Digests
import Foundation
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("Parking")
struct ParkingTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    @Test("a post waits for its author's genesis and goes on by itself when it comes")
    func genesis() async throws {
        let test = try TestLog()
        let posts = [try ana.comment("one"), try ana.profile("Ana")]
        #expect(try await test.submit(posts) == [.parked(author: ana.id), .parked(author: ana.id)])
        #expect(await test.log.intake.parkedCount == 2)
        #expect(try await test.inForce().isEmpty)
        #expect(try await test.submit(ana.genesis) == [.new])
        #expect(await test.log.intake.parkedCount == 0)
        #expect(try await test.inForce() == [ana.id, posts[0].id, posts[1].id])
    }

    @Test("a whole chain that comes backwards goes on when the genesis comes")
    func backwards() async throws {
        let test = try TestLog()
        var documents = [ana.genesis]
        for index in 1...30 {
            documents.append(
                try ana.document(after: documents[index - 1]) { $0.devices.append(device("device \(index)")) })
        }
        let posts = try (1...30).map { try ana.comment("by \($0)", by: "device \($0)") }
        for post in (documents + posts).reversed() { try await test.submit(post) }
        #expect(try await test.inForce() == Set((documents + posts).map(\.id)))
        #expect(await test.log.intake.parkedCount == 0)
    }

    @Test("documents wait for their own parent, one after the other")
    func parents() async throws {
        let test = try TestLog()
        let two = try ana.document(after: ana.genesis) { $0.devices.append(device("two")) }
        let three = try ana.document(after: two) { $0.devices.append(device("three")) }
        let post = try ana.comment("by three", by: "three")
        try await test.submit(ana.genesis)
        for waiting in [post, three] { #expect(try await test.submit(waiting) == [.parked(author: ana.id)]) }
        #expect(try await test.submit(two) == [.new])
        #expect(try await test.inForce() == [ana.id, two.id, three.id, post.id])
    }

    @Test("a post by a device that no document lists yet waits for one that does, and is not judged before")
    func unlistedDevice() async throws {
        let test = try TestLog()
        let post = try ana.comment("by the phone", by: "phone")
        let unrelated = try ana.document(after: ana.genesis) { $0.devices.append(device("tablet")) }
        let listing = try ana.document(after: unrelated) { $0.devices.append(device("phone")) }
        try await test.submit(ana.genesis, post, unrelated)
        #expect(await test.log.intake.parkedCount == 1)
        try await test.submit(listing)
        #expect(await test.log.intake.parkedCount == 0)
        #expect(try await test.inForce().contains(post.id))
    }

    @Test("a post waits ten minutes and no longer, and coming again does not prolong it")
    func time() async throws {
        let test = try TestLog()
        let post = try ana.comment("one")
        try await test.submit(post)
        test.clock.now += 599
        #expect(try await test.submit(post) == [.parked(author: ana.id)])
        test.clock.now += 1
        try await test.submit(ana.genesis)
        #expect(try await test.inForce() == [ana.id, post.id])

        let late = try TestLog()
        try await late.submit(post)
        late.clock.now += 601
        try await late.log.intake.tidy()
        #expect(await late.log.intake.parkedCount == 0)
        try await late.submit(ana.genesis)
        #expect(try await late.inForce() == [ana.id])
    }

    @Test("a post that is let go and has to wait again waits from its first arrival")
    func waitsOn() async throws {
        let test = try TestLog()
        let post = try ana.comment("by the phone", by: "phone")
        try await test.submit(post)
        test.clock.now += 500
        try await test.submit(ana.genesis)
        #expect(await test.log.intake.parkedCount == 1)
        test.clock.now += 100
        try await test.log.intake.tidy()
        #expect(await test.log.intake.parkedCount == 0)
    }

    @Test("a source may park 4 MiB, and other sources are not held up by it")
    func share() async throws {
        let test = try TestLog()
        let (flooder, other) = (IntakeSource.peer(testHash("flooder")), IntakeSource.peer(testHash("other")))
        var parked = 0
        let text = String(repeating: "x", count: 16_000)
        for number in 0..<300 {
            let result = try await test.submit([ana.comment("\(number) \(text)")], from: flooder)
            if result == [.rate(retryAfter: 600)] { break }
            #expect(result == [.parked(author: ana.id)])
            parked += 1
        }
        #expect((200...262).contains(parked))
        #expect(try await test.submit([ana.comment("small")], from: other) == [.parked(author: ana.id)])
        try await test.submit(ana.genesis)
        #expect(await test.log.intake.parkedCount == 0)
        #expect(try await test.submit([TestAuthor("new").comment(text)], from: flooder) != [.rate(retryAfter: 600)])
    }

    @Test("a document with too few signatures does not stand for the whole one")
    func strippedSignatures() async throws {
        var document = WireKeyDocument()
        document.version = 1
        document.roots = ["a", "b"].map { testKey($0).publicKey.data }
        document.threshold = 2
        document.role = .person
        let keys = [testKey("a"), testKey("b")]
        let genesis = try PostSigning.genesis(document, created: 1, roots: keys)
        document.version = 2
        document.previous = genesis.id.data
        let whole = try PostSigning.byRoots(.keyDocument(document), author: genesis.id, created: 2, roots: keys)
        let half = try PostSigning.byRoots(.keyDocument(document), author: genesis.id, created: 2, roots: [keys[0]])
        #expect(whole.id == half.id)
        let test = try TestLog()
        try await test.submit([half], from: .peer(testHash("hostile")))
        try await test.submit([whole], from: .peer(testHash("honest")))
        try await test.submit(genesis)
        #expect(try await test.inForce() == [genesis.id, whole.id])
    }

    @Test("what waits is invalid in the end when its keys turn out to be others")
    func turnsOutInvalid() async throws {
        let author = try TestAuthor("ana", devices: [device("reader", [.review])])
        let test = try TestLog()
        let post = try author.comment("a comment needs its scope", by: "reader")
        let image = try author.post(by: "reader") { $0.kind = 99 }
        try await test.submit(post, image)
        try await test.submit(author.genesis)
        #expect(await test.log.intake.parkedCount == 0)
        #expect(try await test.inForce() == [author.id, post.id])
        #expect(try await test.log.known([image.id]).isEmpty)
    }
}
