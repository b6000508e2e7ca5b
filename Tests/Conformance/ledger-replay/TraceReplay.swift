import Digests
import Identity
import Ledger

/// Feeds a trace of the reference model to an authority, line by line, and compares every reply and the final state.
public struct TraceReplay {
    private let names: TraceNames
    private var authority: Authority
    private let key: SigningKey
    private let index: Int
    /// What is final and applied, by slot: what a store would look up.
    private var decided: [Hash32: Final] = [:]
    /// What a store would have on disk.
    private var journal: [AuthorityRecord] = []
    public private(set) var inputs = 0
    public private(set) var isFinished = false

    public var finals: Int { decided.count }

    public init(charterLine line: String) throws {
        let line = try TraceValue(line: line)
        names = try TraceNames(charter: line["charter"])
        key = try names.key(line["authority"])
        index = try names.authority(line["authority"])
        authority = try Self.start(names.charter, index, key)
    }

    private static func start(_ charter: Charter, _ index: Int, _ key: SigningKey) throws -> Authority {
        guard let authority = Authority(charter, index: index, key: key) else {
            throw TraceError.unreadable("the authority is not one of the charter's")
        }
        return authority
    }

    public mutating func feed(_ line: String) throws {
        guard !isFinished else { throw TraceError.unreadable("lines follow the final state") }
        let line = try TraceValue(line: line)
        if line.has("final") {
            try compare(final: line["final"])
            isFinished = true
        } else if line.has("restart") {
            authority = try Self.start(names.charter, index, key)
            journal.forEach { authority.restore($0) }
        } else {
            try compare(input: line["in"], output: line["out"], epoch: line["epoch"].integer)
        }
    }

    // MARK: Replies

    private mutating func compare(input: TraceValue, output: TraceValue, epoch: Int64) throws {
        inputs += 1
        let request = try request(input)
        let outcome = authority.handle(request, decided: decided[request.slot.id], now: epoch)
        journal += outcome.records
        for final in outcome.applied { decided[final.slotID] = final }
        let expected = try describe(output, request)
        let got = describe(outcome.reply, request)
        guard got == expected || (expected == "refusal bad" && Self.isBad(outcome.reply)) else {
            throw TraceError.differs(expected: expected, got: got)
        }
    }

    private func request(_ input: TraceValue) throws -> AuthorityRequest {
        switch try input[0].text {
        case "order": return .order(try names.signedOrder(input[1]))
        case "propose":
            return .proposal(
                Proposal(
                    order: try names.signedOrder(input[1]), round: try input[2].round,
                    justification: try input[3].array.map(names.statement)))
        case "qc": return .certificate(try names.certificate(input[1]))
        case "final": return .final(try names.final(input[1]))
        case "unlock":
            return .unlock(
                UnlockRequest(
                    slot: try names.slot(input[1]), round: try input[2].round, currency: names.charter.currency,
                    signedBy: try input[3].array.map(names.key)))
        case let other: throw TraceError.unreadable("the input \(other) is not known")
        }
    }

    /// The model's reply in the words of `describe(_: AuthorityReply)`.
    private func describe(_ reply: TraceValue, _ request: AuthorityRequest) throws -> String {
        switch try reply[0].text {
        case "vote", "commit":
            let order = try names.signedOrder(reply[3]).order
            return try "\(reply[0].text) \(order.slotID) round \(reply[2].integer) \(names.value(of: order.id))"
        case "final":
            let final = try names.final(reply[1])
            return "final \(final.slotID) round \(final.round) \(names.value(of: final.value))"
        case "ok": return "accepted \(try names.slot(reply[1]).id)"
        case "stmt": return describe(try names.statement(reply[1]))
        case "conflict": return "refusal CONFLICT \(try names.signedOrder(reply[2]).order.id)"
        case "promised": return "refusal PROMISED \(try reply[2].integer)"
        case "refuse":
            if case .unlock = request { return "refusal \(try reply[2].text)" }
            return "refusal \(try reply[2].text) next \(try reply[3].integer)"
        case "bad": return "refusal bad"
        case let other: throw TraceError.unreadable("the reply \(other) is not known")
        }
    }

    private func describe(_ reply: AuthorityReply, _ request: AuthorityRequest) -> String {
        switch reply {
        case .ballot(let ballot):
            return "\(ballot.phase.rawValue) \(ballot.slot) round \(ballot.round) \(names.value(of: ballot.value))"
        case .final(let final): return "final \(final.slotID) round \(final.round) \(names.value(of: final.value))"
        case .accepted(let slot): return "accepted \(slot)"
        case .statement(let statement): return describe(statement)
        case .refusal(let refusal):
            switch refusal.code {
            case .conflict: return "refusal CONFLICT \(refusal.conflicting.map { "\($0.order.id)" } ?? "")"
            case .promised: return "refusal PROMISED \(refusal.promised)"
            default:
                if case .unlock = request { return "refusal \(refusal.code.rawValue)" }
                return "refusal \(refusal.code.rawValue) next \(refusal.nextSeq)"
            }
        }
    }

    private func describe(_ statement: Statement) -> String {
        let highest = statement.highest.map { "round \($0.round) \(names.value(of: $0.order.order.id))" } ?? "none"
        return "statement \(statement.slot) round \(statement.round) by \(statement.by.authority): \(highest)"
    }

    private static func isBad(_ reply: AuthorityReply) -> Bool {
        guard case .refusal(let refusal) = reply else { return false }
        return refusal.code == .malformed || refusal.code == .unauthorized
    }

    // MARK: State

    private func compare(final: TraceValue) throws {
        func check(_ what: String, _ expected: some Equatable, _ got: some Equatable) throws {
            guard "\(expected)" == "\(got)" else {
                throw TraceError.differs(expected: "\(what) \(expected)", got: "\(got)")
            }
        }
        let ledger = authority.ledger
        var balances = ledger.accounts.filter { $0.value.balance != 0 }.mapValues(\.balance)
        for (name, balance) in try final["balances"].object {
            let account = try names.key(name).publicKey
            try check("the balance of \(name)", balance.integer, ledger.account(account).balance)
            balances[account] = nil
        }
        try check("accounts with a balance besides those:", 0, balances.count)
        var chains = ledger.accounts.filter { $0.value.nextSeq > 1 }.mapValues(\.nextSeq)
        for (name, next) in try final["next"].object {
            let account = try names.key(name).publicKey
            try check("the next place of \(name)", next.integer, ledger.account(account).nextSeq)
            chains[account] = nil
        }
        try check("chains besides those:", 0, chains.count)
        try check("issued", try final["issued"].integer, ledger.issued)
        try check("burned", try final["burned"].integer, ledger.burned)
        var holds: [Hash32: LedgerState.Hold] = [:]
        for hold in try final["holds"].array {
            holds[try names.order(named: hold["id"].text)] = LedgerState.Hold(
                payer: try names.account(hold["payer"]), amount: try hold["amount"].integer,
                resolver: try names.account(hold["resolver"]),
                payees: try hold["payees"].array.map { try names.account($0) }, expiry: try hold["expiry"].integer)
        }
        guard holds == ledger.holds else {
            throw TraceError.differs(expected: "the holds \(holds)", got: "\(ledger.holds)")
        }
    }
}
