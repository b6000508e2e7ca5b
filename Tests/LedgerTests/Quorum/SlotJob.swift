import Digests

@testable import Ledger

/// A driver with the disk and the network of the simulation.
final class SlotJob {
    private unowned let world: SimulatedQuorum
    private let number: Int
    let order: SignedOrder
    private let right: SlotDriver.UnlockRight
    private let done: (SlotDriver.Outcome) -> Void
    private(set) var driver: SlotDriver
    private var isKept = false
    private var pushed: [Int] = []

    init(
        _ world: SimulatedQuorum, _ number: Int, _ order: SignedOrder, _ right: SlotDriver.UnlockRight,
        _ done: @escaping (SlotDriver.Outcome) -> Void
    ) {
        self.world = world
        (self.number, self.order, self.right, self.done) = (number, order, right, done)
        driver = Self.driver(world, order, right, isKept: false)
    }

    private static func driver(
        _ world: SimulatedQuorum, _ order: SignedOrder, _ right: SlotDriver.UnlockRight, isKept: Bool
    ) -> SlotDriver {
        var driver = SlotDriver(
            order, charter: world.charter, unlock: right, isKept: isKept,
            jitter: .random(in: 0...1, using: &world.random))
        driver.broken = world.setting.broken
        return driver
    }

    var recipient: SimulatedQuorum.Recipient { .job(number) }
    var isOver: Bool { driver.outcome != nil }

    /// Time passes; now and then the client itself ends and begins again with what it kept.
    func kick() {
        for authority in pushed { handle(.pushed(authority: authority)) }
        pushed = []
        if !world.isQuiet, isKept, !isOver, world.chance(0.01) {
            driver = Self.driver(world, order, right, isKept: true)
            handle(.start)
        }
        handle(.time)
    }

    func handle(_ input: SlotDriver.Input) {
        let round = driver.round
        let effects = driver.handle(input, at: world.clock)
        if driver.round > round { world.counts.unlocks += 1 }
        var outcome: SlotDriver.Outcome?
        for effect in effects {
            switch effect {
            case .keep(let order):
                if order != self.order { world.fail("another order is kept than was given") }
                isKept = true
            case .send(let request, let authority):
                if !isKept { world.fail("an order was sent before it was kept") }
                world.send(request, to: authority, for: recipient)
            case .push(let needs, let authority):
                let finals = (try? CatchUp.finals(for: needs, from: world.source)) ?? []
                for final in finals { world.send(.final(final), to: authority, for: .nobody) }
                pushed.append(authority)
            case .evidence(let proof): world.check([proof])
            case .ended(let ended):
                outcome = ended
                if case .final(let final) = ended {
                    if !world.charter.isValid(final) || !world.charter.isJustified(final, breaking: driver.broken) {
                        world.fail("a client believes in a final that nobody else would take")
                    }
                    world.publish(final)
                    if final.order.order.operation == .default { world.counts.defaults += 1 }
                }
            }
        }
        if let outcome {
            world.jobs[number] = nil
            done(outcome)
        }
    }
}
