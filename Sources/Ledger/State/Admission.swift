import Digests
import WaggleProtocol

/// The one check before a vote in round 0.
struct Admission {
    let charter: Charter
    let state: LedgerState
    /// The authority's own epoch, which never goes back. A clock that is off can refuse, never break safety.
    var epoch: Int64
    var broken: LedgerRule?

    /// Why the order is refused; nil when it is admissible. The first reason in this order is given: the slot is unused,
    /// what comes before it is applied, it is authorised, not frozen, paid for, and keeps its operation's own rules.
    func refusal(_ signed: SignedOrder) -> RefusalCode? {
        let order = signed.order
        guard order.currency == charter.currency, order.operation.named <= charter.maxOutputs else {
            return .malformed
        }
        if state.isDone(order.slot) { return .slotUsed }
        if !state.isReady(order.slot) {
            guard broken == .chainHasNoGaps, case .account = order.slot else { return .missingEarlier }
        }
        guard isAuthorised(signed) else { return .unauthorized }
        switch order.slot {
        case .account(let id, _): return refusal(order.operation, of: id)
        case .hold(let name): return state.holds[name].flatMap { refusal(order.operation, on: $0) }
        }
    }

    /// Whether those who signed may fill the slot in this way.
    func isAuthorised(_ signed: SignedOrder) -> Bool {
        switch (signed.order.slot, signed.order.operation) {
        case (.account, .default), (.account, .resolve), (.account, .expire):
            return false
        case (.account, .clawback):
            return charter.hasClawback && signed.count(of: charter.wardens) >= charter.wardenThreshold
        case (.account(let id, _), let operation):
            if broken == .payerSigns { return true }
            if case .rotate(let key) = operation, !signed.isAccepted(by: key) { return false }
            return signed.isSigned(by: state.account(id).key)
        case (.hold(let name), .resolve):
            if broken == .resolverSigns { return true }
            return state.holds[name].map { signed.isSigned(by: $0.resolver) } ?? false
        case (.hold, let operation):
            return operation == .expire
        }
    }

    private func refusal(_ operation: OrderOperation, of id: AccountID) -> RefusalCode? {
        let account = state.account(id)
        let isFrozen = account.frozenUntil >= epoch
        if isFrozen, !operation.isClawback, broken != .frozenMayNotSpend { return .frozen }
        if operation.cost > account.balance, broken != .balance { return .insufficient }
        switch operation {
        case .grant(let epoch, let outputs): return grantRefusal(id, epoch, outputs)
        case .hold(_, _, _, let expiry):
            return expiry > epoch && expiry.minus(epoch) <= charter.maxHoldEpochs ? nil : .badExpiry
        case .freeze(_, let until):
            return charter.wardens.contains(id) && until <= epoch.plus(charter.maxFreezeEpochs) ? nil : .notWarden
        case .clawback: return isFrozen ? nil : .notFrozen
        default: return nil
        }
    }

    private func grantRefusal(_ id: AccountID, _ grantEpoch: Int64, _ outputs: [Output]) -> RefusalCode? {
        guard let granter = charter.granters[id] else { return .notGranter }
        let window = state.grants[id]
        if broken != .grantEpoch {
            guard (epoch.minus(1)...epoch).contains(grantEpoch), grantEpoch >= window?.epoch ?? -1 else {
                return .badEpoch
            }
        }
        guard broken != .grantCap else { return nil }
        let current = window?.epoch == grantEpoch ? window : nil
        let total = outputs.total ?? .max
        guard total <= granter.capPerEpoch.minus(current?.total ?? 0),
            total <= Limits.Ledger.issued.minus(state.issued)
        else { return .cap }
        guard let most = granter.perRecipientPerEpoch else { return nil }
        var received = current?.recipients ?? [:]
        for output in outputs {
            let sum = received[output.account, default: 0].plus(output.amount)
            if sum > most { return .recipientCap }
            received[output.account] = sum
        }
        return nil
    }

    /// Why a final, wherever its log has it, breaks a rule that neither clocks nor other chains have a part in: such as no
    /// quorum with an honest majority ever let pass.
    func sharedRefusal(_ order: Order) -> RefusalCode? {
        guard order.operation.named <= charter.maxOutputs else { return .malformed }
        switch (order.slot, order.operation) {
        case (.account(let id, _), .grant(let grantEpoch, let outputs)):
            var admission = self
            // The caps alone: which epoch it was when the vote was given is not known.
            admission.epoch = grantEpoch
            return admission.grantRefusal(id, grantEpoch, outputs)
        case (.account(let id, _), .freeze): return charter.wardens.contains(id) ? nil : .notWarden
        case (.hold(let name), .resolve(let outputs)):
            guard let hold = state.holds[name] else { return nil }
            if outputs.total ?? .max > hold.amount { return .exceedsHold }
            return hold.payees.isEmpty || outputs.allSatisfy { hold.payees.contains($0.account) } ? nil : .badPayee
        default: return nil
        }
    }

    private func refusal(_ operation: OrderOperation, on hold: LedgerState.Hold) -> RefusalCode? {
        switch operation {
        case .resolve(let outputs):
            if epoch > hold.expiry { return .expired }
            if outputs.total ?? .max > hold.amount, broken != .captureWithinHold { return .exceedsHold }
            let isForPayees = hold.payees.isEmpty || outputs.allSatisfy { hold.payees.contains($0.account) }
            return isForPayees ? nil : .badPayee
        case .expire: return hold.isExpired(at: epoch, charter) ? nil : .notExpired
        default: return nil
        }
    }
}

extension OrderOperation {
    var isClawback: Bool {
        if case .clawback = self { true } else { false }
    }

    var outputs: [Output] {
        switch self {
        case .transfer(let outputs), .grant(_, let outputs), .resolve(let outputs): outputs
        default: []
        }
    }

    /// Accounts that it names as payees.
    var named: Int {
        if case .hold(_, _, let payees, _) = self { payees.count } else { outputs.count }
    }

    /// What the account must have.
    var cost: Int64 {
        switch self {
        case .transfer(let outputs): outputs.total ?? .max
        case .burn(let amount), .hold(let amount, _, _, _), .clawback(_, let amount): amount
        default: 0
        }
    }
}

extension LedgerState.Hold {
    /// Whether anybody may give it back to its payer.
    func isExpired(at epoch: Int64, _ charter: Charter) -> Bool {
        // Not `expiry + grace`: a quorum of liars may have made an expiry that has no room for it.
        epoch.minus(charter.holdGraceEpochs) >= expiry
    }
}

/// Sums that stop at the ends of 64 bits. What a quorum of liars made final may be any number, and nobody dies of it.
extension Int64 {
    func plus(_ other: Int64) -> Int64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? (other < 0 ? .min : .max) : sum
    }

    func minus(_ other: Int64) -> Int64 {
        let (difference, isOver) = subtractingReportingOverflow(other)
        return isOver ? (other < 0 ? .max : .min) : difference
    }
}
