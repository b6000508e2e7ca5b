import Digests
public import FoundationEssentials
import Identity

/// What an audit found first.
public struct AuditFailure: Error, Equatable, Sendable {
    /// Which entry of the log; nil for what is about the whole.
    public let position: UInt64?
    public let what: String
    /// A quorum signed it: more than f authorities are faulty, and the one whose log it is need not be.
    public let isOverload: Bool

    public init(position: UInt64?, what: String, isOverload: Bool = false) {
        (self.position, self.what, self.isOverload) = (position, what, isOverload)
    }

    public var message: String {
        position.map { "entry \($0) of the log: \(what)" } ?? what
    }
}

/// The fold over a log of finals by somebody who trusts nobody: every signature, every rule of admission, every hash.
///
/// An authority's clock is not in its log, but it never goes back. So the audit of a lone authority asks whether there is *any*
/// clock that explains the log: every order narrows down the epochs in which it was admissible, and the lowest that is left
/// must never be above what a later order allows. Where several decide, each logs finals in the order in which it learnt of
/// them; what holds then is what no such order changes: chains, signatures, caps, holds.
public struct LedgerAudit: Sendable {
    public let charter: Charter
    public internal(set) var ledger: LedgerState
    public private(set) var tree: LogTree
    /// The earliest epoch that the authority's clock can have shown by now.
    public private(set) var epoch: Int64

    public init(_ charter: Charter) {
        self.init(charter, LedgerState(), LogTree(), epoch: 0)
    }

    /// Goes on from a state that was audited before.
    init(_ charter: Charter, _ ledger: LedgerState, _ tree: LogTree, epoch: Int64) {
        self.charter = charter
        self.ledger = ledger
        self.tree = tree
        self.epoch = epoch
    }

    /// An entry whose signatures were looked at, which needs no state and is done on all cores.
    public struct Entry: Sendable {
        public let bytes: Data
        public let final: Final
    }

    /// Reads an entry and checks the signatures on it: the quorum's, and those of whoever gave the order.
    public static func read(_ bytes: Data, at position: UInt64, _ charter: Charter) throws(AuditFailure) -> Entry {
        func fail(_ what: String) -> AuditFailure { AuditFailure(position: position, what: what) }
        let final: Final
        do throws(MalformedMessage) {
            final = try Final(bytes: bytes)
        } catch {
            throw fail("it is no final: \(error.what)")
        }
        guard final.bytes == bytes else { throw fail("it is not in its only form") }
        guard charter.isValid(final) else { throw fail("the authorities' signatures are not right") }
        guard charter.isJustified(final) else {
            throw fail(
                charter.authorities.count == 1
                    ? "a lone authority has no round \(final.round)"
                    : "nothing shows that round \(final.round) had to decide so")
        }
        return Entry(
            bytes: bytes,
            final: Final(
                order: final.order.checkingSignatures(), round: final.round, commits: final.commits,
                justification: final.justification))
    }

    /// Reads many entries, on all cores.
    public static func read(_ entries: [Data], from position: UInt64, _ charter: Charter) async throws(AuditFailure)
        -> [Entry]
    {
        let parts = await withTaskGroup(of: (Int, Result<[Entry], AuditFailure>).self) { group in
            for start in stride(from: 0, to: entries.count, by: 128) {
                group.addTask {
                    do throws(AuditFailure) {
                        var read: [Entry] = []
                        for place in start..<min(start + 128, entries.count) {
                            read.append(try Self.read(entries[place], at: position + UInt64(place), charter))
                        }
                        return (start, .success(read))
                    } catch {
                        return (start, .failure(error))
                    }
                }
            }
            var parts: [(Int, Result<[Entry], AuditFailure>)] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }
        }
        var all: [Entry] = []
        all.reserveCapacity(entries.count)
        for (_, part) in parts { all += try part.get() }
        return all
    }

    /// Takes the next entry of the log.
    public mutating func append(_ entry: Entry) throws(AuditFailure) -> [LogTree.Tile] {
        try check(entry.final)
        ledger.apply(entry.final.order.order)
        return tree.append(LogTree.leaf(entry.bytes))
    }

    /// Takes the next entry without a look at signatures and rules: what the log comes to if it is right.
    mutating func fold(_ bytes: Data) throws(AuditFailure) -> [LogTree.Tile] {
        do throws(MalformedMessage) {
            ledger.apply(try Final(bytes: bytes).order.order)
        } catch {
            throw AuditFailure(position: tree.size, what: "it is no final: \(error.what)")
        }
        return tree.append(LogTree.leaf(bytes))
    }

    private mutating func check(_ final: Final) throws(AuditFailure) {
        let order = final.order.order
        func fail(_ what: String) -> AuditFailure { AuditFailure(position: tree.size, what: what) }
        guard final.round == 0 || charter.authorities.count > 1 else {
            throw fail("a lone authority has no round \(final.round)")
        }
        if ledger.isDone(order.slot) { throw fail("its place in the account's chain is used already") }
        guard ledger.isReady(order.slot) else { throw fail("what comes before it is missing") }
        // What an unlock decided has no signature of its own; its statements were the reason.
        if case .default = order.operation {
            guard charter.authorities.count > 1, final.round > 0 else {
                throw fail("a lone authority decides nothing so")
            }
            return
        }
        guard charter.authorities.count == 1 else { return try checkShared(final) }
        let (lowest, highest) = possibleEpochs(order)
        let now = max(epoch, lowest)
        guard now <= highest else {
            throw fail("no clock that never goes back explains it: epoch \(highest) at most, \(now) at least")
        }
        if final.round == 0, let code = Admission(charter: charter, state: ledger, epoch: now).refusal(final.order) {
            throw fail("it should have been refused: \(code.rawValue)")
        }
        epoch = now
    }

    /// The rules that hold in whichever order finals of different chains come.
    private func checkShared(_ final: Final) throws(AuditFailure) {
        guard final.round == 0 else { return }
        let admission = Admission(charter: charter, state: ledger, epoch: epoch)
        guard admission.isAuthorised(final.order) else {
            throw AuditFailure(position: tree.size, what: "whoever may give the order did not sign it")
        }
        if let code = admission.sharedRefusal(final.order.order) {
            throw AuditFailure(
                position: tree.size, what: "a quorum should have refused it: \(code.rawValue)", isOverload: true)
        }
    }

    /// The epochs in which the order was admissible, as far as epochs decide.
    private func possibleEpochs(_ order: Order) -> (lowest: Int64, highest: Int64) {
        var (low, high) = (Int64(0), Int64.max)
        switch order.slot {
        case .account(let id, _):
            let frozen = ledger.account(id).frozenUntil
            if order.operation.isClawback { high = frozen } else { low = max(0, frozen.plus(1)) }
            switch order.operation {
            case .grant(let epoch, _): (low, high) = (max(low, epoch), epoch.plus(1))
            case .hold(_, _, _, let expiry):
                (low, high) = (max(low, expiry.minus(charter.maxHoldEpochs)), expiry.minus(1))
            case .freeze(_, let until): low = max(low, until.minus(charter.maxFreezeEpochs))
            default: break
            }
        case .hold(let name):
            guard let hold = ledger.holds[name] else { break }
            if case .expire = order.operation {
                low = hold.expiry.plus(charter.holdGraceEpochs)
            } else {
                high = hold.expiry
            }
        }
        return (low, high)
    }

    /// Whether a signed checkpoint is what the log comes to.
    public func check(_ checkpoint: LedgerCheckpoint, states: inout StateTree) throws(AuditFailure) {
        func require(_ holds: Bool, _ what: @autoclosure () -> String) throws(AuditFailure) {
            guard holds else { throw AuditFailure(position: nil, what: what()) }
        }
        try require(
            checkpoint.size == tree.size, "the checkpoint is of \(checkpoint.size) entries, there are \(tree.size)")
        try require(checkpoint.root == tree.root, "the checkpoint has another root than the log")
        try require(
            checkpoint.epoch >= epoch,
            "the checkpoint says epoch \(checkpoint.epoch), the log shows \(epoch) at least")
        try require(
            checkpoint.stateRoot == states.root(), "the checkpoint has other accounts or holds than the log comes to")
        try require(
            checkpoint.issued == ledger.issued && checkpoint.burned == ledger.burned && checkpoint.held == ledger.held,
            "the checkpoint has another supply than the log comes to")
        try checkSums()
    }

    /// Whether everything that was issued is somewhere, and nothing else.
    public func checkSums() throws(AuditFailure) {
        var sum: Int64 = 0
        for (id, account) in ledger.accounts {
            // Where several decide, what was paid to an account may come into the log after what it paid.
            guard account.balance >= 0 || charter.authorities.count > 1 else {
                throw AuditFailure(position: nil, what: "the account \(id.hex) has \(account.balance)")
            }
            sum &+= account.balance
        }
        sum &+= ledger.held
        guard sum == ledger.issued &- ledger.burned else {
            throw AuditFailure(
                position: nil, what: "\(sum) are there, \(ledger.issued) were issued and \(ledger.burned) burned")
        }
    }
}
