import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// Carries out a `SlotDriver`: sends what it wants sent, waits for answers and for time to pass, keeps what becomes final.
extension QuorumService {
    enum DriverEvent: Sendable {
        case reply(AuthorityReply, Int)
        case pushed(Int)
        case tick
        case deadline
    }

    /// A request that waits for its turn, and where its reply is wanted.
    struct Outgoing: Sendable {
        let request: AuthorityRequest
        let out: AsyncStream<DriverEvent>.Continuation
    }

    /// Brings an order that is on disk to its end.
    ///
    /// - Parameter right: whose keys can ask for the slot's next round.
    /// - Returns: nil when there was no end within `driveSeconds`. The order may still become final.
    func drive(_ order: SignedOrder, unlock right: SlotDriver.UnlockRight) async throws(LedgerError)
        -> SlotDriver.Outcome?
    {
        let clock = ContinuousClock()
        let start = clock.now
        func now() -> UInt64 {
            let (seconds, part) = ((clock.now - start) * patience.pace).components
            return UInt64(seconds) * 1000 + UInt64(part / 1_000_000_000_000_000)
        }
        var driver = SlotDriver(
            order, charter: charter, unlock: right, isKept: true, jitter: .random(in: 0...1))
        let (events, out) = AsyncStream<DriverEvent>.makeStream()
        let deadline = Task {
            try? await Task.sleep(for: patience.order)
            out.yield(.deadline)
        }
        defer {
            deadline.cancel()
            out.finish()
        }
        var effects = driver.handle(.start, at: now())
        var waiting = events.makeAsyncIterator()
        while true {
            if let outcome = try await carryOut(effects, out) { return outcome }
            let pause = (driver.wakeUp ?? .max) - min(driver.wakeUp ?? .max, now())
            let timer = Task {
                guard (try? await Task.sleep(for: .milliseconds(min(pause, 60_000)) / patience.pace)) != nil else {
                    return
                }
                out.yield(.tick)
            }
            let event = await waiting.next(isolation: #isolation)
            timer.cancel()
            switch event {
            case .reply(let reply, let authority):
                effects = driver.handle(.reply(reply, authority: authority), at: now())
            case .pushed(let authority): effects = driver.handle(.pushed(authority: authority), at: now())
            case .tick: effects = driver.handle(.time, at: now())
            case .deadline, nil: return nil
            }
        }
    }

    private func carryOut(
        _ effects: [SlotDriver.Effect], _ out: AsyncStream<DriverEvent>.Continuation
    ) async throws(LedgerError) -> SlotDriver.Outcome? {
        var outcome: SlotDriver.Outcome?
        for effect in effects {
            switch effect {
            case .keep(let order): try await store.keepPending(order, since: now())
            case .send(let request, let authority): send(request, to: authority, out, isLast: outcome != nil)
            case .push(let needs, let authority): push(needs, to: authority, out)
            case .evidence(let proof): try await note([proof])
            case .ended(let end):
                if case .final(let final) = end { try await take([final]) }
                outcome = end
            }
        }
        return outcome
    }

    /// - Parameter isLast: a final that is told to everybody: whoever does not hear it reads it in the logs.
    private func send(
        _ request: AuthorityRequest, to authority: Int, _ out: AsyncStream<DriverEvent>.Continuation, isLast: Bool
    ) {
        // It is here already.
        if isLast, authority == own { return }
        let outgoing = Outgoing(request: request, out: out)
        // Of a slot the newest request alone is worth an answer.
        if let place = outbox[authority].firstIndex(where: { $0.request.slot == request.slot }) {
            outbox[authority][place] = outgoing
        } else if outbox[authority].count < Limits.Ledger.ordersPerRequest {
            outbox[authority].append(outgoing)
        }
        // One that does not answer is not asked ever more at the same time.
        guard inFlight[authority] < Limits.Ledger.requestsInFlight else { return }
        inFlight[authority] += 1
        Task { await empty(authority) }
    }

    /// Sends what waits for an authority, all at once: many orders cost one request, and there one transaction.
    private func empty(_ authority: Int) async {
        defer { inFlight[authority] -= 1 }
        while !outbox[authority].isEmpty {
            let sent = outbox[authority]
            outbox[authority] = []
            // Where there is no answer, whoever still wants one sends its request again.
            guard let replies = try? await ask(sent.map(\.request), of: authority) else { continue }
            for (one, reply) in zip(sent, replies) { one.out.yield(.reply(reply, authority)) }
        }
    }

    private func push(_ needs: [CatchUp.Need], to authority: Int, _ out: AsyncStream<DriverEvent>.Continuation) {
        Task {
            // Where nothing can be looked up or told, its next refusal counts all the same.
            if let finals = try? await finals(for: needs), !finals.isEmpty {
                _ = try? await ask(finals.map { .final($0) }, of: authority)
            }
            out.yield(.pushed(authority))
        }
    }

    private func finals(for needs: [CatchUp.Need]) async throws(LedgerError) -> [Final] {
        let currency = charter.currency
        return try await store.read { db in
            let rows = try LedgerStore.rows(currency, db)
            let source = CatchUp.Source(
                final: { try rows.final($0.id) }, opening: { try rows.opening(of: $0)?.final },
                income: { account in
                    try rows.mentions(of: account, before: nil, limit: Limits.Ledger.ordersPerRequest).reversed()
                        .map(\.final).filter { final in
                            if case .account(account, _) = final.order.order.slot { false } else { true }
                        }
                })
            return try CatchUp.finals(for: needs, from: source)
        }
    }
}
