import Digests
import Identity

@testable import Ledger

/// Several accounts, a granter's key, and the signature of every liar on anything at any time.
final class Attacker: SimulatedClient {
    struct Place: Hashable {
        let slot: Hash32
        let round: UInt32
        var value: Hash32?
    }

    private static let names = ["m1", "m2", "m3", "m4", "MG"]
    /// Signatures of honest authorities.
    private var votes: [Place: [Int: AuthoritySignature]] = [:]
    private var commits: [Place: [Int: AuthoritySignature]] = [:]
    private var statements: [Place: [Int: Statement]] = [:]
    private var certificates: [Place: QuorumCertificate] = [:]
    private var orders: [Hash32: SignedOrder] = [:]
    private var lastOrder: SignedOrder?
    private var slots: [Hash32: Slot] = [:]
    /// In the order in which they came, so that the newest are tried.
    private var votePlaces: [Place] = []
    private var commitPlaces: [Place] = []
    private var statementPlaces: [Place] = []
    /// Finals that nobody else has seen: with more than f liars they are kept until two contradict each other.
    private var hidden: [Hash32: [Hash32: Final]] = [:]
    private var next: [String: UInt64] = [:]

    init(_ world: SimulatedQuorum) { super.init(world, "attacker") }

    override var isIdle: Bool { true }
    private var charter: Charter { world.charter }
    private var liars: [Int] { world.liars.sorted() }
    private var isOver: Bool { world.isOverloaded }

    private func seq(_ name: String) -> UInt64 {
        isOver ? next[name, default: 1] : world.oracle.ledger.nextSeq[TestCurrency.id(name), default: 1]
    }

    // MARK: What it learns

    func take(_ reply: AuthorityReply) {
        guard !world.isQuiet else { return }
        switch reply {
        case .ballot(let ballot) where ballot.phase == .vote:
            let place = Place(slot: ballot.slot, round: ballot.round, value: ballot.value)
            if votes[place] == nil { votePlaces.append(place) }
            votes[place, default: [:]][ballot.by.authority] = ballot.by
            if isQuorum(votes[place]), world.chance(0.6) { useVotes(place) }
        case .ballot(let ballot):
            let place = Place(slot: ballot.slot, round: ballot.round, value: ballot.value)
            if commits[place] == nil { commitPlaces.append(place) }
            commits[place, default: [:]][ballot.by.authority] = ballot.by
            if isQuorum(commits[place]), world.chance(0.6) {
                useCommits(place)
            } else if let slot = slots[ballot.slot], world.chance(0.3) {
                // Another round, while the value is half committed.
                unlock(slot, ballot.round + 1)
            }
        case .statement(let statement):
            let place = Place(slot: statement.slot, round: statement.round)
            if statements[place] == nil { statementPlaces.append(place) }
            statements[place, default: [:]][statement.by.authority] = statement
            let count = Set(statements[place, default: [:]].keys).union(liars).count
            if count >= charter.quorum, world.chance(0.6) { useStatements(place) }
        case .final(let final) where charter.isValid(final) && charter.isJustified(final): world.publish(final)
        default: break
        }
    }

    private func isQuorum(_ signatures: [Int: AuthoritySignature]?) -> Bool {
        guard let signatures else { return false }
        return Set(signatures.keys).union(liars).count >= charter.quorum
    }

    // MARK: What it does

    override func kick() {
        guard !world.isQuiet else { return }
        switch Double.random(in: 0..<1, using: &world.random) {
        case ..<0.3: equivocate()
        case ..<0.5:
            let places = votePlaces.suffix(8).filter { isQuorum(votes[$0]) }
            if !places.isEmpty { useVotes(world.pick(places)) }
        case ..<0.65:
            let places = commitPlaces.suffix(8).filter { isQuorum(commits[$0]) }
            if !places.isEmpty { useCommits(world.pick(places)) }
            if !isOver, world.chance(0.2) { mutilate() }
        case ..<0.8:
            let mine =
                Self.names.map { Slot.account(TestCurrency.id($0), seq: seq($0)) }
                + world.oracle.ledger.holds.filter { isOwn($0.value.payer) }.keys
                .sorted { $0.hex < $1.hex }.map { Slot.hold($0) }
            unlock(world.pick(mine), UInt32(world.int(1...3)))
        case ..<0.93: if !statementPlaces.isEmpty { useStatements(world.pick(statementPlaces.suffix(8).map(\.self))) }
        default: steal()
        }
    }

    private func isOwn(_ id: AccountID) -> Bool { Self.names.contains { TestCurrency.id($0) == id } }

    /// Different orders for one place to different authorities.
    private func equivocate() {
        let name = world.pick(Self.names)
        for _ in 0..<world.int(1...3) {
            let order = make(name)
            world.oracle.born[order.order.id] = world.now
            remember(order)
            cast(.order(order))
        }
    }

    private func remember(_ order: SignedOrder) {
        lastOrder = order
        orders[order.order.id] = order
        slots[order.order.slotID] = order.order.slot
    }

    private func make(_ name: String) -> SignedOrder {
        let place = seq(name) + (world.chance(0.1) ? 1 : 0)
        let balance = world.oracle.ledger.balances[TestCurrency.id(name), default: 0]
        let signers = world.setting.broken == .payerSigns && world.chance(0.2) ? [] : [name]
        let nonce = world.random.next()
        if name == "MG" {
            let most: Int64 = world.chance(0.4) ? 300 : 50
            let outputs = world.sample(["m1", "m2", "m3", "m4"], 2).map {
                Output(account: TestCurrency.id($0), amount: world.amount(1...most))
            }
            let day = max(-(1 << 40), world.epoch + world.pick([0, 0, -1, -3, 3]))
            return world.order(name, place, .grant(epoch: day, outputs), by: signers, nonce: nonce)
        }
        let amount = max(1, world.pick([balance, balance, max(1, balance / 2), balance + world.amount(1...30), 10]))
        if world.chance(0.75) {
            return world.order(
                name, place,
                .transfer([Output(account: TestCurrency.id(world.pick(["m1", "m2", "m3", "m4"])), amount: amount)]),
                by: signers, nonce: nonce)
        }
        return world.order(
            name, place,
            .hold(
                amount: amount, resolver: TestCurrency.id(world.pick(Self.names)), payees: [],
                expiry: world.epoch + 2), by: signers, nonce: nonce)
    }

    private func unlock(_ slot: Slot, _ round: UInt32) {
        var keys: [SigningKey] = []
        switch slot {
        case .account(let id, _): keys = Self.names.filter { TestCurrency.id($0) == id }.map(TestCurrency.key)
        case .hold(let name):
            guard let hold = world.oracle.ledger.holds[name] else { return }
            keys = Self.names.filter { [hold.payer, hold.resolver].contains(TestCurrency.id($0)) }
                .map(TestCurrency.key)
        }
        slots[slot.id] = slot
        cast(.unlock(UnlockRequest(slot: slot, round: round, currency: charter.currency, signedBy: keys)))
    }

    private func useVotes(_ place: Place) {
        guard let value = place.value, let order = orders[value] ?? world.oracle.order(value).map({ SignedOrder($0) })
        else { return }
        var signatures = votes[place] ?? [:]
        for liar in liars { signatures[liar] = world.sign(.vote, order.order, place.round, by: liar) }
        let certificate = QuorumCertificate(
            order: order, round: place.round, votes: signatures.sorted { $0.key < $1.key }.map(\.value))
        certificates[place] = certificate
        cast(.certificate(certificate))
    }

    private func useCommits(_ place: Place) {
        guard let value = place.value, let order = orders[value] ?? world.oracle.order(value).map({ SignedOrder($0) })
        else { return }
        var signatures = commits[place] ?? [:]
        for liar in liars { signatures[liar] = world.sign(.commit, order.order, place.round, by: liar) }
        let final = Final(
            order: order, round: place.round, commits: signatures.sorted { $0.key < $1.key }.map(\.value),
            justification: world.justifications[
                .justification(slot: place.slot, round: place.round, value: value)] ?? [])
        guard isOver else {
            world.publish(final)
            return cast(.final(final))
        }
        hidden[place.slot, default: [:]][value] = final
        if let slot = slots[place.slot] { unlock(slot, place.round + 1) }
        guard hidden[place.slot, default: [:]].count > 1 || world.chance(0.05) else { return }
        for final in hidden[place.slot, default: [:]].values { world.publish(final) }
        if case .account(let id, let seq) = order.order.slot,
            let name = Self.names.first(where: { TestCurrency.id($0) == id })
        {
            next[name] = max(next[name, default: 1], seq + 1)
        }
    }

    /// Statements by choice, with liars' that show what suits best.
    private func useStatements(_ place: Place) {
        guard let slot = slots[place.slot] else { return }
        let shown: [QuorumCertificate?] =
            certificates.filter { $0.key.slot == place.slot && $0.key.round < place.round }
            .sorted { $0.key.round < $1.key.round }.map(\.value) + [nil]
        let lies = liars.map { world.statement(place.slot, place.round, world.pick(shown), by: $0) }
        let honest = statements[place, default: [:]].filter { !world.liars.contains($0.key) }
            .sorted { $0.key < $1.key }.map(\.value)
        let need = max(0, charter.quorum - lies.count)
        guard honest.count >= need else { return }
        let justification = world.sample(honest, need) + lies.prefix(charter.quorum)
        guard
            let forced = charter.forced(
                slot, round: place.round, by: justification, breaking: world.setting.broken)
        else { return }
        var order = orders[forced.order.id] ?? forced
        world.oracle.note(order.order, signers: [])
        orders[order.order.id] = order
        if world.setting.broken == .voteIsForced, world.chance(0.5) {
            let others = orders.values.filter { $0.order.slotID == place.slot }
                .sorted { $0.order.id.hex < $1.order.id.hex }
            order = world.pick(others)
        }
        cast(.proposal(Proposal(order: order, round: place.round, justification: justification)))
    }

    /// Takes more than a hold has, or somebody else's.
    private func steal() {
        let holds = world.oracle.ledger.holds.sorted { $0.key.hex < $1.key.hex }
        guard !holds.isEmpty else { return }
        let (name, hold) = world.pick(holds)
        let signer = Self.names.first { TestCurrency.id($0) == hold.resolver } ?? "m1"
        let order: SignedOrder
        if world.chance(0.5) {
            order = world.order(hold: name, .expire, by: [])
        } else {
            let payee = hold.payees.first ?? TestCurrency.id("m1")
            order = world.order(
                hold: name, .resolve([Output(account: payee, amount: hold.amount + world.pick([0, 0, 1, 50]))]),
                by: [signer])
        }
        remember(order)
        cast(.order(order))
    }

    /// Passes a final on without what is not under the authorities' signatures.
    private func mutilate() {
        let finals = world.everyFinal
        guard !finals.isEmpty else { return }
        let final = world.pick(finals)
        let cut =
            final.round > 0 || world.chance(0.3)
            ? Final(order: final.order, round: final.round, commits: final.commits)
            : Final(order: SignedOrder(final.order.order), round: final.round, commits: final.commits)
        cast(.final(cut))
    }

    /// What a two-faced authority says instead of the truth.
    func answer(_ request: AuthorityRequest, as authority: Int) -> AuthorityReply? {
        let slot = request.slot.id
        switch world.int(0...5) {
        case 0:
            var refusal = Refusal(slot: slot, code: .promised)
            refusal.promised = world.pick([1, 7, .max - 1, .max])
            return .refusal(refusal)
        case 1:
            var refusal = Refusal(slot: slot, code: .conflict)
            refusal.conflicting = lastOrder
            return .refusal(refusal)
        case 2:
            var refusal = Refusal(
                slot: slot, code: world.pick([.insufficient, .missingEarlier, .unauthorized, .malformed]))
            refusal.nextSeq = world.pick([0, 1, .max])
            return .refusal(refusal)
        case 3:
            let highest = certificates.filter { $0.key.slot == slot }.min { $0.key.round < $1.key.round }?.value
            return .statement(world.statement(slot, UInt32(world.int(0...4)), highest, by: authority))
        case 4:
            guard let final = world.everyFinal.first(where: { $0.slotID == slot }) else { return nil }
            return .final(Final(order: SignedOrder(final.order.order), round: final.round, commits: final.commits))
        default:
            // Somebody else's signature under another's name.
            let bytes = [UInt8](repeating: 1, count: 64)
            return .ballot(
                Ballot(
                    phase: .commit, slot: slot, round: 0, value: lastOrder?.order.id ?? .zero,
                    by: AuthoritySignature(authority: world.int(0...charter.authorities.count - 1), signature: bytes)))
        }
    }

    // MARK: To whom

    /// To some; with more than f liars, to one half of the honest authorities for each side of a slot.
    private func cast(_ request: AuthorityRequest) {
        var to = world.someAuthorities()
        if isOver {
            switch request {
            case .order(let signed): to = half(signed.order, side(signed.order))
            case .proposal(let proposal): to = half(proposal.order.order, side(proposal.order.order))
            case .certificate(let certificate): to = half(certificate.order.order, side(certificate.order.order))
            case .unlock: to = half(request.slot.id, true)
            case .final: return
            }
        }
        for authority in to { world.send(request, to: authority, for: .attacker) }
    }

    private func side(_ order: Order) -> Bool { order.operation == .default || order.id.words.3 % 2 == 0 }

    private func half(_ order: Order, _ side: Bool) -> [Int] { half(order.slotID, side) }

    private func half(_ slot: Hash32, _ side: Bool) -> [Int] {
        var random = SplitMix(seed: slot.words.0)
        let names = world.honest.keys.sorted().shuffled(using: &random)
        let count = names.count / 2
        return Array(side ? names.prefix(count) : names.dropFirst(count))
    }
}
