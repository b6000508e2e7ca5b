import Digests
import Foundation
import GRDB
import Identity
import Testing

@testable import Ledger

@Suite("An authority on disk")
struct StoreTests {
    private let currency: TestCurrency
    private let folder: URL

    init() throws {
        currency = try TestCurrency()
        folder = FileManager.default.temporaryDirectory.appending(path: "ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private var path: String { folder.appending(path: "ledger.db").path }

    private func service(_ currency: TestCurrency, generation: Int64 = 1, as name: String = "a0", path: String? = nil)
        async throws -> AuthorityService
    {
        try await AuthorityService(
            store: LedgerStore(path: path ?? self.path), charter: currency.charter, key: TestCurrency.key(name),
            generation: generation, now: { 86_401 })
    }

    private func clean() { try? FileManager.default.removeItem(at: folder) }

    private func fund(_ service: AuthorityService, _ seq: UInt64 = 1) async throws {
        let grant = try currency.order(
            "G", seq,
            .grant(
                epoch: 1,
                [
                    Output(account: TestCurrency.id("u1"), amount: seq == 1 ? 90 : 20),
                    Output(account: TestCurrency.id("u2"), amount: seq == 1 ? 60 : 20),
                ]))
        let replies = try await service.submit([.order(grant)])
        guard case .final = replies[0] else { throw LedgerOracle.Violation(description: "\(replies)") }
    }

    @Test("what was answered is there after a start, and is answered again")
    func restart() async throws {
        defer { clean() }
        let first = try await service(currency)
        try await fund(first)
        let hold = try currency.order(
            "u1", 1,
            .hold(amount: 40, resolver: TestCurrency.id("N1"), payees: [TestCurrency.id("N1")], expiry: 3))
        let freeze = try currency.order("W1", 1, .freeze(TestCurrency.id("u2"), until: 3))
        let rotate = try currency.order("N1", 1, .rotate(TestCurrency.id("N1'")), newKey: "N1'")
        let resolve = try currency.order(
            hold: hold.order.id, .resolve([Output(account: TestCurrency.id("N1"), amount: 25)]), by: ["N1"])
        let requests = [hold, freeze, resolve, rotate].map { AuthorityRequest.order($0) }
        let replies = try await first.submit(requests)
        for reply in replies {
            guard case .final = reply else {
                Issue.record("\(reply)")
                continue
            }
        }
        let (ledger, size) = first.state()
        #expect(size == 5 && ledger.account(TestCurrency.id("u1")).balance == 65)

        let checkpoint = try await first.checkpoint()

        let second = try await service(currency, generation: 2)
        #expect(try await second.checkpoint() == checkpoint, "the log and the state are what they were")
        #expect(second.state().ledger == ledger && second.state().size == 5)
        #expect(try await second.submit(requests) == replies)
        #expect(second.state().size == 5)
        // The window of grants came back too: 150 of 300 are gone.
        let more = try currency.order(
            "G", 2,
            .grant(epoch: 1, [Output(account: TestCurrency.id("u1"), amount: 40)]))
        guard case .refusal(let refusal) = try await second.submit([.order(more)])[0] else {
            throw LedgerOracle.Violation(description: "over the cap of one account")
        }
        #expect(refusal.code == .recipientCap)
        var replayed = LedgerState()
        for bytes in try await LedgerStore(path: path).finals(of: currency.charter.currency, from: 0, limit: 100) {
            replayed.apply(try Final(bytes: bytes).order.order)
        }
        #expect(replayed == ledger)
    }

    @Test("a database from a backup is refused: the key has been started since")
    func generations() async throws {
        defer { clean() }
        _ = try await service(currency, generation: 1)
        let backup = folder.appending(path: "backup.db").path
        try LedgerStore(path: path).pool.backup(to: DatabaseQueue(path: backup))
        _ = try await service(currency, generation: 2)
        _ = try await service(currency, generation: 3)
        let error = await #expect(throws: LedgerError.self) {
            try await service(currency, generation: 4, path: backup)
        }
        #expect(error == .olderThanKey(path: backup, generation: 1, key: 3))
    }

    @Test("requests of many clients at once are all answered, each order once")
    func concurrent() async throws {
        defer { clean() }
        let service = try await service(currency)
        try await fund(service)
        let orders = try (1...60).map { seq in
            try currency.order("u1", UInt64(seq), .transfer([Output(account: TestCurrency.id("u3"), amount: 1)]))
        }
        let finals = try await withThrowingTaskGroup(of: Int.self) { group in
            for order in orders {
                group.addTask {
                    // A place may not be the next yet: asked until it is.
                    for _ in 0..<10_000 {
                        let replies = try await service.submit([.order(order), .order(order)])
                        guard replies[0] == replies[1] else { return 0 }
                        if case .final = replies[0] { return 1 }
                        await Task.yield()
                    }
                    return 0
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(finals == 60)
        #expect(service.account(TestCurrency.id("u3")).balance == 60 && service.state().size == 61)
    }

    @Test("four authorities on disk decide a slot, and each remembers its vote, its lock and its promise")
    func quorum() async throws {
        defer { clean() }
        let currency = try TestCurrency(f: 1)
        let names = ["a0", "a1", "a2", "a3"]
        func start(_ generation: Int64) async throws -> [AuthorityService] {
            var services: [AuthorityService] = []
            for name in names {
                let path = folder.appending(path: name + ".db").path
                services.append(try await service(currency, generation: generation, as: name, path: path))
            }
            return services
        }
        func ballots(_ replies: [AuthorityReply]) -> [AuthoritySignature] {
            replies.compactMap { if case .ballot(let ballot) = $0 { ballot.by } else { nil } }
        }
        func ask(_ services: some Sequence<AuthorityService>, _ request: AuthorityRequest) async throws
            -> [AuthorityReply]
        {
            var replies: [AuthorityReply] = []
            for service in services { replies += try await service.submit([request]) }
            return replies
        }

        var services = try await start(1)
        let grant = try currency.order("G", 1, .grant(epoch: 1, [Output(account: TestCurrency.id("u1"), amount: 9)]))
        let votes = try await ask(services.prefix(3), .order(grant))
        #expect(ballots(votes).count == 3)
        services = try await start(2)
        #expect(try await ask(services.prefix(3), .order(grant)) == votes)
        let other = try currency.order("G", 1, .grant(epoch: 1, [Output(account: TestCurrency.id("u2"), amount: 9)]))
        guard case .refusal(let conflict) = try await services[0].submit([.order(other)])[0] else {
            throw LedgerOracle.Violation(description: "two votes")
        }
        #expect(conflict.code == .conflict && conflict.conflicting == grant)

        let certificate = QuorumCertificate(order: grant, round: 0, votes: ballots(votes))
        #expect(ballots(try await ask(services.prefix(1), .certificate(certificate))).count == 1)
        // The votes are shown to one only; the owner unlocks, and the lock decides.
        services = try await start(3)
        let unlock = UnlockRequest(
            slot: grant.order.slot, round: 1, currency: currency.charter.currency, signedBy: [TestCurrency.key("G")])
        let statements = try await ask(services.prefix(3), .unlock(unlock)).compactMap { reply -> Ledger.Statement? in
            if case .statement(let statement) = reply { statement } else { nil }
        }
        #expect(statements.count == 3 && statements[0].highest == certificate && statements[1].highest == nil)
        services = try await start(4)
        let proposal = Proposal(order: grant, round: 1, justification: statements)
        let second = ballots(try await ask(services.prefix(3), .proposal(proposal)))
        #expect(second.count == 3)
        let later = QuorumCertificate(order: grant, round: 1, votes: second)
        let commits = ballots(try await ask(services.prefix(3), .certificate(later)))
        let final = Final(order: grant, round: 1, commits: commits, justification: statements)
        #expect(try Final(bytes: final.bytes) == final)
        services = try await start(5)
        for reply in try await ask(services, .final(final)) { #expect(reply == .accepted(slot: final.slotID)) }
        services = try await start(6)
        for service in services {
            #expect(service.account(TestCurrency.id("u1")).balance == 9)
            #expect(try await service.submit([.order(other)])[0] == .final(final))
        }
    }

    @Test("a log of several tiles goes on after a start, and its checkpoints follow it")
    func tiles() async throws {
        defer { clean() }
        var service = try await service(currency)
        try await fund(service)
        var tree = LogTree()
        var sent: UInt64 = 0
        for generation in 2...6 {
            let orders = try (1...130).map { step in
                try currency.order(
                    "u1", sent + step, .transfer([Output(account: TestCurrency.id("u1"), amount: 1)]))
            }
            sent += 130
            _ = try await service.submit(orders.map { .order($0) })
            let store = try LedgerStore(path: path)
            for entry in try await store.finals(of: currency.charter.currency, from: tree.size, limit: 1000) {
                _ = tree.append(LogTree.leaf(entry))
            }
            let note = try await service.checkpoint()
            let checkpoint = try #require(LedgerCheckpoint(text: note.text))
            #expect(checkpoint.size == tree.size && checkpoint.root == tree.root && checkpoint.size == sent + 1)
            #expect(note.isSigned(as: checkpoint.origin, by: TestCurrency.id("a0")))
            var states = StateTree(service.state().ledger)
            #expect(checkpoint.stateRoot == states.root() && checkpoint.issued == 150)
            service = try await self.service(currency, generation: Int64(generation))
        }
    }

    @Test("a final that comes early waits, over a start too")
    func early() async throws {
        defer { clean() }
        let maker = try await service(currency, path: folder.appending(path: "maker.db").path)
        try await fund(maker)
        try await fund(maker, 2)
        let finals = try await LedgerStore(path: folder.appending(path: "maker.db").path)
            .finals(of: currency.charter.currency, from: 0, limit: 10).map { try Final(bytes: $0) }
        var replica = try await service(currency, generation: 1)
        _ = try await replica.submit([.final(finals[1])])
        #expect(replica.state().size == 0)
        replica = try await service(currency, generation: 2)
        _ = try await replica.submit([.final(finals[0])])
        #expect(replica.state().size == 2 && replica.state().ledger == maker.state().ledger)
    }
}

@Suite("An authority whose disk fails")
struct FailingStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "failing-\(UUID().uuidString)")

    /// An authority with one final, whose transactions fail at their very end from now on.
    private func failing() async throws -> (currency: TestCurrency, store: LedgerStore, service: AuthorityService) {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let currency = try TestCurrency()
        let store = try LedgerStore(path: folder.appending(path: "ledger.db").path)
        let service = try await AuthorityService(
            store: store, charter: currency.charter, key: TestCurrency.key("a0"), generation: 1, now: { 86_401 })
        let grant = try currency.order("G", 1, .grant(epoch: 1, [Output(account: TestCurrency.id("u1"), amount: 90)]))
        _ = try await service.submit([.order(grant)])
        // The statement succeeds, and COMMIT does not: what disks do when they are full or broken.
        try await store.pool.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE elder (n INTEGER PRIMARY KEY);
                    CREATE TABLE younger (n REFERENCES elder (n) DEFERRABLE INITIALLY DEFERRED);
                    CREATE TRIGGER failing AFTER INSERT ON final BEGIN INSERT INTO younger VALUES (7); END
                    """)
        }
        return (currency, store, service)
    }

    private func transfer(_ currency: TestCurrency) throws -> AuthorityRequest {
        .order(try currency.order("u1", 1, .transfer([Output(account: TestCurrency.id("u2"), amount: 1)])))
    }

    @Test("no checkpoint is signed over what a transaction lost, however soon it is asked for")
    func rolledBack() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (currency, store, service) = try await failing()
        // The state is read back with a reader, and all are busy: long enough to ask in between.
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let end = DispatchSemaphore(value: 0)
        for _ in 0..<store.pool.configuration.maximumReaderCount {
            store.pool.asyncRead { _ in
                begin.yield()
                end.wait()
            }
        }
        var readers = begun.makeAsyncIterator()
        for _ in 0..<store.pool.configuration.maximumReaderCount { await readers.next() }
        let lost = Task { [request = try transfer(currency)] in try await service.submit([request]) }
        var size: UInt64? = 1
        while size == 1 {
            do throws(LedgerError) {
                size = LedgerCheckpoint(text: try await service.checkpoint().text)?.size
            } catch {
                #expect(error == .busy)
                size = nil
            }
        }
        #expect(size == nil, "a checkpoint of \(size ?? 0) entries was signed")
        for _ in 0..<store.pool.configuration.maximumReaderCount { end.signal() }
        await #expect(throws: LedgerError.self) { try await lost.value }
        #expect(try await LedgerCheckpoint(text: service.checkpoint().text)?.size == 1)
        try await store.pool.write { db in try db.execute(sql: "DROP TRIGGER failing") }
        guard case .final = try await service.submit([transfer(currency)])[0] else {
            Issue.record("it did not go on")
            return
        }
        #expect(try await LedgerCheckpoint(text: service.checkpoint().text)?.size == 2)
        #expect(service.failure == nil && service.account(TestCurrency.id("u2")).balance == 1)
    }

    @Test("an authority that cannot read its state back signs and says nothing more")
    func lost() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (currency, store, service) = try await failing()
        try await store.pool.write { db in
            try db.execute(
                sql: "INSERT INTO account (currency, id, next, balance, frozen) VALUES (1, x'00', 1, 0, 0)")
        }
        await #expect(throws: LedgerError.self) { try await service.submit([transfer(currency)]) }
        #expect(service.failure != nil)
        try await store.pool.write { db in
            try db.execute(sql: "DROP TRIGGER failing; DELETE FROM account WHERE id = x'00'")
        }
        await #expect(throws: LedgerError.self) { try await service.checkpoint() }
        await #expect(throws: LedgerError.self) { try await service.submit([transfer(currency)]) }
    }
}
