public import Digests
import FoundationEssentials
public import Identity
import WaggleProtocol

/// Giving orders: what a wallet does.
extension Currencies {
    /// How an account stands at its authority, or, where that does not answer, as it is known here.
    public func standing(_ account: AccountID, in currency: Hash32) async throws(LedgerError) -> AccountStanding {
        if let reason = stopped[currency] { throw .stopped(reason) }
        if let quorum = quorums[currency] {
            // What is final is known here, once enough of the others were asked.
            _ = try await follow(quorum)
            return AccountStanding(quorum.state().ledger.account(account), epoch: quorum.charter.epoch(at: now()))
        }
        if let authority = authorities[currency] {
            if let failure = authority.failure { throw failure }
            return AccountStanding(authority.account(account), epoch: authority.epoch)
        }
        guard let place = try await store.place(currency) else { throw .unknownCurrency(currency.hex) }
        return try await transport.standing(account, in: currency, at: place.url)
    }

    /// Gives an order in the chain of an account, and returns what became final.
    ///
    /// The order is on disk before it is sent. When the answer is lost, the same order is sent again before anything else of
    /// this account: the same wish, said again meanwhile, is not carried out twice.
    ///
    /// - Parameters:
    ///   - isOnce: nothing is done where an order of the account with the same outputs about the same thing is final here.
    ///   - whenKept: called when a new order is on disk. Whatever is thrown after that, but for `refused`, it may still become
    ///     final.
    /// - Throws: `refused` with the authority's reason; `unreachable`, after which the order stays under way.
    public func perform(
        _ operation: OrderOperation, of account: AccountID, by key: SigningKey, newKey: SigningKey? = nil,
        reference: Hash32? = nil, in currency: Hash32, isOnce: Bool = false, whenKept: @Sendable () -> Void = {}
    ) async throws(LedgerError) -> Final {
        try await inTurn(account) { () async throws(LedgerError) -> Final in
            for earlier in try await store.pending(in: currency) where earlier.order.slot.name == account {
                do throws(LedgerError) {
                    let final = try await send(earlier, unlock: .keys([key]))
                    if earlier.order.operation == operation, earlier.order.reference == reference { return final }
                } catch {
                    // Where several decide, an earlier order may have been given up: it is in nobody's way any more.
                    guard case .refused = error, quorums[currency] != nil else { throw error }
                }
            }
            if isOnce, let done = try await finished(operation, of: account, reference, in: currency) { return done }
            for attempt in 0..<Limits.Ledger.placesTried {
                let standing: AccountStanding
                if attempt == 0 {
                    standing = try await standingForOrder(account, in: currency)
                } else {
                    standing = try await self.standing(account, in: currency)
                }
                guard standing.key == key.publicKey else {
                    throw .refused(
                        .unauthorized,
                        "the account \(account.hex.prefix(16))… is controlled by another key than the one that is here")
                }
                let order: Order
                do throws(MalformedMessage) {
                    order = try Order(
                        currency: currency, slot: .account(account, seq: standing.nextSeq), operation,
                        reference: reference)
                } catch {
                    throw .malformed(error.what)
                }
                do throws(LedgerError) {
                    return try await give(
                        SignedOrder(order, signedBy: [key], newKey: newKey), unlock: .keys([key]), whenKept)
                } catch {
                    // The place was given up in favour of nothing, or another device took it with another wish: this one
                    // takes the next. The same wish is not carried out twice.
                    guard case .refused(.slotUsed, _) = error, quorums[currency] != nil,
                        let other = try await store.final(of: currency, slot: order.slotID)?.order.order,
                        other.operation != operation || other.reference != reference
                    else { throw error }
                }
            }
            throw .refused(.conflict, "other devices of the account give orders at the same time; try again")
        }
    }

    /// What is final of an order that is given once.
    private func finished(
        _ operation: OrderOperation, of account: AccountID, _ reference: Hash32?, in currency: Hash32
    ) async throws(LedgerError) -> Final? {
        guard let reference else { return nil }
        return try await store.mentions(of: reference, in: currency, limit: Limits.Economy.bountyFinals)
            .map(\.final).first { final in
                let order = final.order.order
                guard order.reference == reference, case .account(account, _) = order.slot else { return false }
                // The epoch in which something is granted is that of the order.
                if case .grant(_, let outputs) = order.operation, case .grant(_, let wanted) = operation {
                    return outputs == wanted
                }
                return order.operation == operation
            }
    }

    /// Resolves a hold; nobody signs for an expired one.
    public func resolve(
        _ hold: Hash32, _ operation: OrderOperation, by key: SigningKey?, in currency: Hash32
    ) async throws(LedgerError) -> Final {
        try await inTurn(hold) { () async throws(LedgerError) -> Final in
            if let quorum = quorums[currency], quorum.state().ledger.holds[hold] == nil {
                // It may have been opened elsewhere a moment ago.
                _ = try await follow(quorum)
            }
            let order: Order
            do throws(MalformedMessage) {
                order = try Order(currency: currency, slot: .hold(hold), operation)
            } catch {
                throw .malformed(error.what)
            }
            return try await give(SignedOrder(order, signedBy: key.map { [$0] } ?? []), unlock: .key(key))
        }
    }

    /// Issues within this node's cap; more outputs than one order takes are issued in several.
    ///
    /// What has a reference is issued once, however many ask for it at the same time.
    public func grant(_ outputs: [Output], reference: Hash32?, in currency: Hash32) async throws(LedgerError) -> [Final]
    {
        guard let key = ownKey else { throw .stopped("this node has no ledger key and grants nothing") }
        let charter = try await charter(currency)
        guard charter.granters[key.publicKey] != nil else {
            throw .refused(.notGranter, "this node is no granter of \(charter.symbol)")
        }
        var finals: [Final] = []
        for start in stride(from: 0, to: outputs.count, by: charter.maxOutputs) {
            let part = Array(outputs[start..<min(start + charter.maxOutputs, outputs.count)])
            finals.append(
                try await perform(
                    .grant(epoch: charter.epoch(at: now()), part), of: key.publicKey, by: key, reference: reference,
                    in: currency, isOnce: reference != nil))
        }
        return finals
    }

    /// Sends again whatever has no answer yet.
    public func settlePending() async throws(LedgerError) {
        for (charter, _) in try await store.places() where stopped[charter.currency] == nil {
            for order in try await store.pending(in: charter.currency) {
                do throws(LedgerError) {
                    _ = try await inTurn(order.order.slot.name) { () async throws(LedgerError) -> Final in
                        try await send(order, unlock: .key(await keys(order.order)))
                    }
                } catch {
                    // A refusal settles it too; who does not answer is asked again later.
                    continue
                }
            }
        }
    }

    /// Orders whose answer is not known.
    public func pending(in currency: Hash32) async throws(LedgerError) -> [SignedOrder] {
        try await store.pending(in: currency)
    }

    func give(
        _ signed: SignedOrder, unlock right: SlotDriver.UnlockRight, _ whenKept: @Sendable () -> Void = {}
    ) async throws(LedgerError) -> Final {
        try await store.keepPending(signed, since: now())
        whenKept()
        return try await send(signed, unlock: right)
    }

    private func send(_ signed: SignedOrder, unlock right: SlotDriver.UnlockRight) async throws(LedgerError) -> Final {
        let order = signed.order
        if let reason = stopped[order.currency] { throw .stopped(reason) }
        if let quorum = quorums[order.currency] { return try await drive(signed, quorum, unlock: right) }
        let charter = try await charter(order.currency)
        let reply: AuthorityReply?
        if let authority = authorities[order.currency] {
            reply = try await authority.submit([.order(signed)]).first
        } else {
            guard let place = try await store.place(order.currency) else {
                throw .unknownCurrency(order.currency.hex)
            }
            reply = try await transport.submit([signed], at: place.url).first
        }
        switch reply {
        case .final(let final)?
        where charter.isValid(final) && charter.isJustified(final) && final.slotID == order.slotID:
            try await store.settle(order, final)
            guard final.value == order.id else {
                throw .refused(.slotUsed, "another order of the same account came first; look at its history")
            }
            return final
        case .refusal(let refusal)? where refusal.slot == order.slotID:
            try await store.settle(order, nil)
            throw .refused(refusal.code, refusal.words(charter, order))
        default:
            throw .untrusted("the authority of \(charter.symbol) answers with something that it did not sign")
        }
    }
}

extension SlotDriver.UnlockRight {
    /// - Parameter key: with which the order's slot can be unlocked; nil where it is not here.
    static func key(_ key: SigningKey?) -> Self { key.map { .keys([$0]) } ?? .nobody }
}

extension Refusal {
    /// The reason in words for a person.
    func words(_ charter: Charter, _ order: Order) -> String {
        let symbol = charter.symbol
        return switch code {
        case .malformed: "the authority does not understand the order"
        case .unauthorized: "the order is not signed by whoever may give it"
        case .slotUsed: "this was decided before"
        case .conflict: "another order of the same account is under way"
        case .missingEarlier:
            if case .hold = order.slot {
                "the hold is not open"
            } else {
                "an earlier order of this account is missing; its next place is \(nextSeq)"
            }
        case .insufficient: "there is not enough: \(order.operation.cost) \(symbol) are needed and \(balance) are there"
        case .frozen: "the account is frozen by the currency's wardens"
        case .cap: "that is more than may be issued in one epoch"
        case .recipientCap: "that is more than one account may be granted in one epoch"
        case .badEpoch: "the clocks of this node and the authority are more than an epoch apart"
        case .badExpiry:
            "a hold of \(symbol) ends after this epoch and at most \(charter.maxHoldEpochs) epochs from now"
        case .expired: "the hold has expired"
        case .notExpired: "the hold has not expired yet"
        case .exceedsHold: "that is more than the hold has"
        case .badPayee: "the hold may not be paid to them"
        case .notGranter: "only a granter of \(symbol) issues"
        case .notWarden: "only a warden of \(symbol) freezes, and not for so long"
        case .notFrozen: "the account is not frozen"
        case .promised, .notReady: "the authority is deciding this already; try again"
        case .rate:
            nextSeq == 1 && balance == 0
                ? "this account never had any \(symbol), and nothing is kept for such accounts"
                : "this account gave too many orders in this epoch"
        }
    }
}
