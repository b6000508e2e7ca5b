import Digests
import Identity

@testable import Ledger

/// Authorities, honest clients, an attacker with every liar's key, and a network that loses, repeats and reorders: all from
/// one seed.
final class SimulatedQuorum {
    /// What a run is made of.
    struct Setting {
        var f = 1
        /// Liars; nil: by chance, up to f.
        var liars: Int?
        var broken: LedgerRule?
        var steps = 900
        /// No losses, crashes or partitions.
        var isCalm = false
    }

    struct Counts {
        var finals = 0
        var crashes = 0
        var accidents = 0
        var unlocks = 0
        var defaults = 0
        var givenUp = 0
        var clawbacks = 0
        var proofs = 0

        static func + (left: Counts, right: Counts) -> Counts {
            var sum = left
            sum.finals += right.finals
            sum.crashes += right.crashes
            sum.accidents += right.accidents
            sum.unlocks += right.unlocks
            sum.defaults += right.defaults
            sum.givenUp += right.givenUp
            sum.clawbacks += right.clawbacks
            sum.proofs += right.proofs
            return sum
        }
    }

    /// Whom an answer is for.
    enum Recipient {
        case job(Int)
        case attacker
        case nobody
    }

    enum Body {
        case request(AuthorityRequest)
        case reply(AuthorityReply)
    }

    /// Between the clients, which are one place, and an authority.
    struct Packet {
        let authority: Int
        let body: Body
        let client: Recipient
    }

    enum LiarMode: CaseIterable { case silent, helpful, mixed, twoFaced }

    let currency: TestCurrency
    let charter: Charter
    let setting: Setting
    var random: SplitMix
    let liars: Set<Int>
    var honest: [Int: SimulatedAuthority] = [:]
    var oracle: QuorumOracle
    var watch: FraudWatch
    var counts = Counts()
    /// Steps so far, and milliseconds of the clients' clock.
    private(set) var now = 0
    private(set) var clock: UInt64 = 0
    let epochSteps: Int
    /// Finals that a client has put together or was told, by slot and value.
    private(set) var published: [Hash32: [Hash32: Final]] = [:]
    private var publishedNames: [(slot: Hash32, value: Hash32)] = []
    private var openings: [Hash32: Final] = [:]
    /// By round and value of a slot: statements that some proposal was justified by.
    var justifications: [ConflictInquiry.Question: [Statement]] = [:]
    var jobs: [Int: SlotJob] = [:]
    private var nextJob = 0
    private var network: [Packet] = []
    private var cut: Set<Int>?
    private(set) var isQuiet = false
    private var loss: (drop: Double, twice: Double, crash: Double, cut: Double)
    private let mode: LiarMode
    private var actors: [SimulatedClient] = []
    private(set) var attacker: Attacker!
    private(set) var violation: LedgerOracle.Violation?

    init(seed: UInt64, _ setting: Setting) throws {
        self.setting = setting
        currency = try TestCurrency(f: setting.f)
        var charter = currency.charter
        if setting.broken == .quorumIsTwoThirds, setting.f > 0 { charter.brokenQuorum = 2 * setting.f }
        self.charter = charter
        random = SplitMix(seed: seed)
        let all = Array(0..<charter.authorities.count)
        let chosen = Int.random(in: 0...setting.f, using: &random)
        let number = setting.liars ?? chosen
        liars = Set(all.shuffled(using: &random).prefix(number))
        epochSteps = [60, 120, 250].randomElement(using: &random)!
        mode = LiarMode.allCases.randomElement(using: &random)!
        loss = (
            [0, 0.02, 0.1, 0.3].randomElement(using: &random)!, [0, 0.05, 0.2].randomElement(using: &random)!,
            [0, 0.002, 0.01].randomElement(using: &random)!, [0, 0.003].randomElement(using: &random)!
        )
        if setting.isCalm { loss = (0, 0, 0, 0) }
        oracle = QuorumOracle(charter, liars: number)
        watch = FraudWatch(charter)
        for index in all where !liars.contains(index) {
            honest[index] = SimulatedAuthority(
                charter, index: index, broken: setting.broken,
                skew: setting.isCalm ? 0 : [0, 0, 0, -1, 1].randomElement(using: &random)!)
        }
        let attacker = Attacker(self)
        self.attacker = attacker
        let service = Service(self)
        actors = ["u1", "u2", "u3"].map { Wallet(self, $0, service) } + [Granter(self), service, Warden(self)]
        let weight = isOverloaded ? 10 : [1, 3, 6].randomElement(using: &random)!
        actors += Array(repeating: attacker, count: weight)
    }

    var isOverloaded: Bool { liars.count > charter.f }
    var epoch: Int64 { Int64(now / epochSteps) }
    /// The latest epoch that an honest clock can show.
    var newest: Int64 { epoch + 1 }

    func fail(_ what: String) {
        if violation == nil { violation = .init(description: what) }
    }

    /// Carries out what may break an invariant. With more than f liars they break: only what honest authorities do counts.
    func watching(_ body: () throws -> Void) {
        do { try body() } catch {
            if !isOverloaded { fail("\(error)") }
        }
    }

    // MARK: Chance

    func chance(_ share: Double) -> Bool { random.chance(share) }
    func int(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }
    func amount(_ range: ClosedRange<Int64>) -> Int64 { .random(in: range, using: &random) }
    func pick<T>(_ some: [T]) -> T { some.randomElement(using: &random)! }
    func sample<T>(_ some: [T], _ count: Int) -> [T] { Array(some.shuffled(using: &random).prefix(count)) }
    /// Some of the authorities, one at least.
    func someAuthorities() -> [Int] {
        sample(Array(charter.authorities.indices), int(1...charter.authorities.count))
    }

    // MARK: Network

    func send(_ request: AuthorityRequest, to authority: Int, for client: Recipient) {
        if case .proposal(let proposal) = request {
            let key = ConflictInquiry.Question.justification(
                slot: request.slot.id, round: proposal.round, value: proposal.order.order.id)
            justifications[key] = proposal.justification
            oracle.note(proposal.order.order, signers: [])
        }
        if case .unlock(let unlock) = request, case .hold(let name) = unlock.slot,
            let hold = oracle.ledger.holds[name], unlock.isSigned(by: hold.resolver, charter)
        {
            oracle.askedByResolver.insert(name)
        }
        post(Packet(authority: authority, body: .request(request), client: client))
    }

    private func post(_ packet: Packet) {
        guard !chance(loss.drop) else { return }
        network.append(packet)
        if chance(loss.twice) { network.append(packet) }
    }

    private func deliver() {
        let place = int(0...network.count - 1)
        network.swapAt(place, network.count - 1)
        let packet = network.removeLast()
        // -1 is where the clients are.
        if let cut, cut.contains(packet.authority) != cut.contains(-1) { return }
        switch packet.body {
        case .request(let request):
            guard let reply = handle(request, at: packet.authority) else { return }
            if case .nobody = packet.client { return }
            post(Packet(authority: packet.authority, body: .reply(reply), client: packet.client))
        case .reply(let reply):
            switch packet.client {
            case .job(let number): jobs[number]?.handle(.reply(reply, authority: packet.authority))
            case .attacker: attacker.take(reply)
            case .nobody: break
            }
        }
    }

    @discardableResult
    func handle(_ request: AuthorityRequest, at authority: Int) -> AuthorityReply? {
        check(watch.see(request))
        guard let isAlive = honest[authority]?.isAlive else { return lie(to: request, as: authority) }
        guard isAlive, let reply = honest[authority]?.handle(request, epoch: epoch) else { return nil }
        watching { try show(reply, of: authority, for: request) }
        check(watch.see(reply))
        return reply
    }

    private func show(_ reply: AuthorityReply, of authority: Int, for request: AuthorityRequest) throws {
        switch reply {
        case .ballot(let ballot): try oracle.saw(ballot, newest: newest)
        case .statement(let statement): try oracle.saw(statement)
        case .final(let final) where charter.authorities.count == 1:
            let commit = final.commits[0]
            try oracle.saw(
                Ballot(phase: .commit, slot: final.slotID, round: 0, value: final.value, by: commit), newest: newest)
        default: break
        }
    }

    private func lie(to request: AuthorityRequest, as authority: Int) -> AuthorityReply? {
        switch mode {
        case .silent: nil
        case .helpful: obey(request, as: authority)
        case .mixed: chance(0.5) ? obey(request, as: authority) : nil
        case .twoFaced: chance(0.5) ? obey(request, as: authority) : attacker.answer(request, as: authority)
        }
    }

    /// Signs whatever is asked.
    private func obey(_ request: AuthorityRequest, as authority: Int) -> AuthorityReply? {
        switch request {
        case .order(let order): return ballot(.vote, order.order, 0, by: authority)
        case .proposal(let proposal): return ballot(.vote, proposal.order.order, proposal.round, by: authority)
        case .certificate(let certificate):
            return ballot(.commit, certificate.order.order, certificate.round, by: authority)
        case .unlock(let unlock):
            return .statement(statement(unlock.slot.id, unlock.round, nil, by: authority))
        case .final: return nil
        }
    }

    private func ballot(_ phase: Ballot.Phase, _ order: Order, _ round: UInt32, by authority: Int) -> AuthorityReply {
        let reply = AuthorityReply.ballot(
            Ballot(
                phase: phase, slot: order.slotID, round: round, value: order.id,
                by: sign(phase, order, round, by: authority)))
        check(watch.see(reply))
        return reply
    }

    // MARK: What liars sign

    func key(_ authority: Int) -> SigningKey { TestCurrency.key(TestCurrency.authorities[authority]) }

    func sign(_ phase: Ballot.Phase, _ order: Order, _ round: UInt32, by authority: Int) -> AuthoritySignature {
        let bytes = SignedBytes.ballot(
            phase, charter: charter.currency, slot: order.slotID, round: round, value: order.id)
        return AuthoritySignature(authority: authority, signature: key(authority).sign(bytes))
    }

    func statement(_ slot: Hash32, _ round: UInt32, _ highest: QuorumCertificate?, by authority: Int) -> Statement {
        let bytes = SignedBytes.statement(
            charter: charter.currency, slot: slot, round: round, highest: highest.map { ($0.round, $0.value) })
        return Statement(
            slot: slot, round: round, highest: highest,
            by: AuthoritySignature(authority: authority, signature: key(authority).sign(bytes)))
    }

    // MARK: Proofs

    /// Every proof stands by itself, survives the wire, and names liars alone.
    func check(_ proofs: [FraudProof]) {
        for proof in proofs {
            counts.proofs += 1
            guard let read = try? FraudProof.read(proof.bytes(in: charter.currency)), read.proof == proof,
                read.currency == charter.currency, let verdict = read.proof.verdict(in: charter)
            else { return fail("a proof proves nothing: \(proof)") }
            if !verdict.culprits.isSubset(of: liars) { fail("an honest authority is blamed: \(verdict)") }
            if !isOverloaded, verdict.isOverload { fail("more than f are said to be faulty: \(verdict)") }
        }
    }

    // MARK: Finals

    func publish(_ final: Final) {
        let known = published[final.slotID]?[final.value]
        if known == nil { publishedNames.append((final.slotID, final.value)) }
        // Somebody may have cut the client's signature off.
        if known?.order.signatures.isEmpty ?? true { published[final.slotID, default: [:]][final.value] = final }
        if case .hold = final.order.order.operation { openings[final.value] = final }
    }

    /// All of them, in the order in which they came.
    var everyFinal: [Final] { publishedNames.compactMap { published[$0.slot]?[$0.value] } }

    var source: CatchUp.Source {
        CatchUp.Source(
            final: { [self] slot in published[slot.id]?.min { $0.key.hex < $1.key.hex }?.value },
            opening: { [self] in openings[$0] },
            income: { [self] id in
                everyFinal.filter { final in final.order.order.operation.outputs.contains { $0.account == id } }
            })
    }

    // MARK: Orders

    /// Makes an order that whoever is named signs.
    func order(
        _ account: String, _ seq: UInt64, _ operation: OrderOperation, by signers: [String]? = nil,
        newKey: String? = nil,
        nonce: UInt64? = nil
    ) -> SignedOrder {
        note(
            try! currency.order(
                account, seq, operation, by: signers, newKey: newKey,
                reference: nonce.map { Hash32(words: ($0, 0, 0, 0)) }), signers ?? [account])
    }

    func order(hold: Hash32, _ operation: OrderOperation, by signers: [String]) -> SignedOrder {
        note(try! currency.order(hold: hold, operation, by: signers), signers)
    }

    private func note(_ signed: SignedOrder, _ signers: [String]) -> SignedOrder {
        oracle.note(signed.order, signers: Set(signers.map(TestCurrency.id)))
        return signed
    }

    func begin(_ order: SignedOrder, _ right: SlotDriver.UnlockRight, then done: @escaping (SlotDriver.Outcome) -> Void)
        -> SlotJob
    {
        nextJob += 1
        let job = SlotJob(self, nextJob, order, right, done)
        jobs[nextJob] = job
        job.handle(.start)
        return job
    }

    // MARK: Time

    private func step() {
        now += 1
        clock += 20
        if chance(loss.crash) {
            let victim = pick(honest.keys.sorted())
            if honest[victim]!.isAlive {
                honest[victim]!.isAlive = false
                counts.crashes += 1
            }
        }
        for index in honest.keys.sorted() where !honest[index]!.isAlive && chance(0.03) { restart(index) }
        if cut == nil, chance(loss.cut) {
            let places = Array(charter.authorities.indices) + [-1]
            cut = Set(sample(places, int(1...places.count - 1)))
        } else if cut != nil, chance(0.01) {
            cut = nil
        }
        if !network.isEmpty, chance(0.75) { deliver() } else { pick(actors).kick() }
        if chance(0.05) { gossip() }
    }

    private func restart(_ index: Int) {
        honest[index]!.restart(using: &random)
        // What it told somebody it would not act below is still so, but for slots that are decided.
        guard setting.broken == nil, !isOverloaded else { return }
        for (slot, record) in honest[index]!.authority.slots
        where record.promised < oracle.promise(of: index, in: slot) {
            fail("a promise was forgotten in a crash")
        }
    }

    /// An authority reads one final from another's log.
    private func gossip() {
        let names = honest.keys.sorted()
        let (reader, other) = (pick(names), pick(names))
        guard reader != other, honest[reader]!.isAlive, honest[other]!.isAlive,
            cut.map({ $0.contains(reader) == $0.contains(other) }) ?? true
        else { return }
        if let final = honest[other]!.log.first(where: { honest[reader]!.finals[$0.slotID] == nil }) {
            handle(.final(final), at: reader)
        }
    }

    private func exchange() {
        for reader in honest.keys.sorted() {
            for other in honest.keys.sorted() where other != reader {
                for final in honest[other]!.log where honest[reader]!.finals[final.slotID] == nil {
                    handle(.final(final), at: reader)
                }
            }
        }
    }

    func run() throws {
        for _ in 0..<setting.steps where violation == nil { step() }
        // With more than f liars nothing is promised but that they are named.
        if violation == nil, !isOverloaded { settle() }
        counts.finals = oracle.decided.count
        if let violation { throw violation }
    }

    // MARK: The end

    /// The network heals, the attacker stops, honest clients finish.
    private func settle() {
        loss = (0, 0, 0, 0)
        (cut, network, isQuiet) = (nil, [], true)
        for index in honest.keys.sorted() where !honest[index]!.isAlive { restart(index) }
        exchange()
        let people = actors.filter { !($0 is Attacker) }
        for _ in 0..<8000 where violation == nil {
            if network.isEmpty, people.allSatisfy(\.isIdle) { break }
            now += 1
            clock += 100
            for _ in 0..<6 where !network.isEmpty { deliver() }
            if network.count < 40 { pick(people).kick() }
            // Authorities go on reading each other's logs.
            if chance(0.2) { gossip() }
        }
        guard violation == nil else { return }
        if setting.broken == nil {
            for actor in people where !actor.isIdle { fail("\(actor.name) is stuck: \(actor.state)") }
        }
        exchange()
        compare()
    }

    private func compare() {
        let names = honest.keys.sorted()
        let first = honest[names[0]]!
        for name in names {
            if honest[name]!.ledger != first.ledger { fail("honest authorities come to different ledgers") }
            honest[name]!.sync()
            honest[name]!.restart(using: &random)
            if honest[name]!.ledger != first.ledger { fail("recovery gives another ledger") }
            if let evidence = honest[name]!.evidence.first { fail("evidence with at most f liars: \(evidence)") }
        }
        if first.isWaiting { fail("a final never became applicable") }
        for (slot, value) in oracle.decided {
            if let known = first.finals[slot], known.value != value { fail("a replica disagrees with what was signed") }
        }
        for (id, account) in first.ledger.accounts where account.balance < 0 {
            fail("\(id) has \(account.balance) when all finals are there")
        }
        if oracle.decided.count == first.finals.count {
            for (id, account) in first.ledger.accounts where account.balance != oracle.ledger.balances[id, default: 0] {
                fail("\(id) has \(account.balance), not what was signed")
            }
        }
        again(first)
        audit(honest[pick(names)]!)
    }

    /// The same finals in any order, each of them twice, come to the same.
    private func again(_ authority: SimulatedAuthority) {
        var auditor = SimulatedAuthority(charter, index: authority.index, broken: setting.broken, skew: 0)
        for final in (authority.log + authority.log).shuffled(using: &random) {
            _ = auditor.handle(.final(final), epoch: epoch)
        }
        if auditor.ledger != authority.ledger { fail("the finals in another order come to another ledger") }
    }

    /// Whoever reads an honest authority's log finds nothing to blame it for.
    private func audit(_ authority: SimulatedAuthority) {
        guard setting.broken == nil else { return }
        var audit = LedgerAudit(charter)
        do {
            for (position, final) in authority.log.enumerated() {
                _ = try audit.append(try LedgerAudit.read(final.bytes, at: UInt64(position), charter))
            }
            try audit.checkSums()
        } catch {
            fail("the log of an honest authority does not stand an audit: \(error)")
        }
    }
}
