import Digests
import Identity

@testable import Ledger

/// Somebody with an account: one order at a time.
class SimulatedClient {
    unowned let world: SimulatedQuorum
    let name: String
    /// The name of the key that signs now.
    var key: String
    private(set) var seq: UInt64 = 1
    private(set) var job: SlotJob?

    init(_ world: SimulatedQuorum, _ name: String) {
        self.world = world
        (self.name, key) = (name, name)
    }

    var isIdle: Bool { job == nil }
    var balance: Int64 { world.oracle.ledger.balances[TestCurrency.id(name), default: 0] }
    var state: String {
        job.map { "\($0.order.order.operation) in round \($0.driver.round), \($0.driver.phase)" } ?? ""
    }

    func kick() {
        if let job { job.kick() } else if !world.isQuiet { think() }
    }

    func think() {}

    func issue(
        _ operation: OrderOperation, newKey: String? = nil, nonce: UInt64? = nil,
        then done: @escaping (Final) -> Void = { _ in }
    ) {
        let order = world.order(name, seq, operation, by: [key], newKey: newKey, nonce: nonce)
        let begun = world.begin(order, .keys([TestCurrency.key(key)])) { [unowned self] outcome in
            job = nil
            switch outcome {
            case .final(let final):
                seq += 1
                if case .rotate(let new) = final.order.order.operation, new == TestCurrency.id(key + "'") { key += "'" }
                done(final)
            case .refused: world.counts.givenUp += 1
            }
        }
        // A lone authority may have answered already.
        if !begun.isOver { job = begun }
    }
}

/// An honest person; sometimes two devices sign different orders for one place.
final class Wallet: SimulatedClient {
    private let service: Service

    init(_ world: SimulatedQuorum, _ name: String, _ service: Service) {
        self.service = service
        super.init(world, name)
    }

    override func think() {
        guard balance > 0, !world.chance(0.3) else { return }
        let amount = world.amount(1...balance)
        switch Double.random(in: 0..<1, using: &world.random) {
        case ..<0.5:
            issue(
                .transfer([
                    Output(account: TestCurrency.id(world.pick(["u1", "u2", "u3", "m1", "N1"])), amount: amount)
                ]))
        case ..<0.85: hold(amount)
        case ..<0.9: issue(.burn(amount))
        case ..<0.95: issue(.rotate(TestCurrency.id(key + "'")), newKey: key + "'")
        default: break
        }
        guard let job, world.chance(0.15) else { return }
        world.counts.accidents += 1
        let other = world.order(
            name, seq, .transfer([Output(account: TestCurrency.id("u3"), amount: max(1, amount / 2))]), by: [key])
        for authority in world.someAuthorities() { world.send(.order(other), to: authority, for: job.recipient) }
    }

    private func hold(_ amount: Int64) {
        let isBounty = world.chance(0.4)
        let (resolver, payer) = (isBounty ? key : "N1", name)
        issue(
            .hold(
                amount: amount, resolver: TestCurrency.id(resolver),
                payees: isBounty ? [] : [TestCurrency.id("N1"), TestCurrency.id("u1")],
                expiry: world.epoch + .random(in: 2...4, using: &world.random)), nonce: world.random.next()
        ) { [unowned service] final in
            service.offer(final, resolver: resolver, payer: payer, isBounty: isBounty)
        }
    }
}

final class Granter: SimulatedClient {
    init(_ world: SimulatedQuorum) { super.init(world, "G") }

    override func think() {
        let outputs = world.sample(["u1", "u2", "u3", "m1", "m2"], world.int(1...3)).map {
            Output(account: TestCurrency.id($0), amount: world.amount(1...60))
        }
        issue(.grant(epoch: world.epoch, outputs))
    }
}

/// Pays holds out, gives them back, or lets them expire.
final class Service: SimulatedClient {
    private struct Open {
        let name: Hash32
        let amount: Int64
        let resolver: String
        let payer: String
        let isBounty: Bool
    }

    private var open: [Open] = []
    private var resolving: [Hash32: SlotJob] = [:]

    init(_ world: SimulatedQuorum) { super.init(world, "N1") }

    override var isIdle: Bool { super.isIdle && open.isEmpty && resolving.isEmpty }
    override var state: String {
        super.state + " \(open.count) open "
            + resolving.values.map {
                "\($0.order.order.operation) \($0.driver.round) \($0.driver.phase) \($0.driver.peers)"
            }
            .joined(separator: ", ")
    }

    func offer(_ final: Final, resolver: String, payer: String, isBounty: Bool) {
        guard case .hold(let amount, _, _, _) = final.order.order.operation else { return }
        open.append(Open(name: final.value, amount: amount, resolver: resolver, payer: payer, isBounty: isBounty))
    }

    override func kick() {
        for name in resolving.keys.sorted(by: { $0.hex < $1.hex }) where world.chance(0.5) { resolving[name]?.kick() }
        if !open.isEmpty, world.chance(world.isQuiet ? 1 : 0.3) {
            resolve(open.remove(at: world.int(0...open.count - 1)))
        } else if !super.isIdle {
            super.kick()
        } else if !world.isQuiet, balance > 5, world.chance(0.1) {
            issue(.transfer([Output(account: TestCurrency.id("u1"), amount: 3)]))
        }
    }

    private func resolve(_ hold: Open) {
        let key = TestCurrency.key(hold.resolver)
        let act = Double.random(in: 0..<1, using: &world.random)
        let isPaid = act < 0.6
        let outputs: [Output] =
            if hold.isBounty, hold.amount > 3 {
                [
                    Output(account: TestCurrency.id("u2"), amount: max(1, hold.amount / 3)),
                    Output(account: TestCurrency.id("u3"), amount: max(1, hold.amount / 4)),
                ]
            } else {
                [Output(account: TestCurrency.id("N1"), amount: world.amount(1...hold.amount))]
            }
        let order =
            act < 0.75
            ? world.order(hold: hold.name, .resolve(isPaid ? outputs : []), by: [hold.resolver])
            : world.order(hold: hold.name, .expire, by: [])
        begin(order, act < 0.75 ? .keys([key]) : .anybody, hold)
        if isPaid, world.chance(0.3), let job = resolving[hold.name] {
            // A race: the payer wants it back.
            let expire = world.order(hold: hold.name, .expire, by: [])
            for authority in world.someAuthorities() { world.send(.order(expire), to: authority, for: job.recipient) }
        }
        if world.setting.broken == .holdUnlocksLate || world.chance(0.2) {
            let unlock = UnlockRequest(
                slot: .hold(hold.name), round: 1, currency: world.charter.currency,
                signedBy: [TestCurrency.key(hold.payer)])
            for authority in world.charter.authorities.indices {
                world.send(.unlock(unlock), to: authority, for: .attacker)
            }
        }
    }

    private func begin(_ order: SignedOrder, _ right: SlotDriver.UnlockRight, _ hold: Open) {
        let job = world.begin(order, right) { [unowned self] outcome in
            resolving[hold.name] = nil
            guard case .refused(let refusal) = outcome else { return }
            // Too late for a payment, or too early to take it back: the other one is tried, some time later.
            if refusal.code == .expired {
                let expire = world.order(hold: hold.name, .expire, by: [])
                begin(expire, .anybody, hold)
            } else {
                open.append(hold)
            }
        }
        if !job.isOver { resolving[hold.name] = job }
    }
}

/// Freezes, and takes back from thieves.
final class Warden: SimulatedClient {
    private var clawback: SlotJob?

    init(_ world: SimulatedQuorum) { super.init(world, "W1") }

    override func kick() {
        if let clawback, !clawback.isOver, world.chance(0.5) { clawback.kick() }
        super.kick()
    }

    override func think() {
        guard world.chance(0.15) else { return }
        issue(.freeze(TestCurrency.id(world.pick(["m1", "m2", "u2"])), until: world.epoch + 1)) {
            [unowned self] final in
            frozen(final)
        }
    }

    private func frozen(_ final: Final) {
        guard case .freeze(let target, let until) = final.order.order.operation else { return }
        let names = world.honest.keys.sorted()
        for name in names where world.honest[name]!.isAlive {
            world.handle(.final(final), at: name)
            world.honest[name]!.sync()
        }
        if names.allSatisfy({
            world.honest[$0]!.isAlive && world.honest[$0]!.ledger.account(target).frozenUntil >= until
        }) {
            world.oracle.frozen[target] = (world.now, until)
        }
        let name = ["m1", "m2", "u2"].first { TestCurrency.id($0) == target }!
        let balance = world.oracle.ledger.balances[target, default: 0]
        guard name.hasPrefix("m"), balance > 2, world.chance(0.5), clawback?.isOver ?? true else { return }
        let order = world.order(
            name, world.oracle.ledger.nextSeq[target, default: 1],
            .clawback(to: TestCurrency.id("u1"), amount: world.amount(1...balance)), by: ["W1", "W2"])
        clawback = world.begin(order, .keys(["W1", "W2"].map(TestCurrency.key))) { [unowned self] outcome in
            if case .final(let final) = outcome, final.order.order.operation.isClawback { world.counts.clawbacks += 1 }
        }
    }
}
