import Digests

/// What is final in a currency of several authorities, as this node keeps it: with its own authority, or as a copy.
enum FinalBook: Sendable {
    case authority(AuthorityService)
    case copy(FinalCopy)

    /// What everything final comes to, for whoever compares.
    struct Sum: Equatable, Sendable {
        let size: UInt64
        let stateRoot: Hash32
        let issued: Int64
        let burned: Int64
        let held: Int64
    }

    func state() -> (ledger: LedgerState, size: UInt64) {
        switch self {
        case .authority(let authority): authority.state()
        case .copy(let copy): copy.state()
        }
    }

    /// Looks at the state where it is, without a copy of it.
    func look<Value: Sendable>(_ body: (LedgerState) -> Value) -> Value {
        switch self {
        case .authority(let authority): authority.look(body)
        case .copy(let copy): copy.look(body)
        }
    }

    var failure: LedgerError? {
        switch self {
        case .authority(let authority): authority.failure
        case .copy(let copy): copy.failure
        }
    }

    /// Finals that wait for what comes before them.
    var waits: Bool {
        switch self {
        case .authority(let authority): authority.hasWaiting
        case .copy(let copy): copy.hasWaiting
        }
    }

    /// Takes finals whose quorums were checked.
    func take(_ finals: [Final]) async throws(LedgerError) -> [LedgerEvidence] {
        switch self {
        case .authority(let authority):
            _ = try await authority.submit(finals.map { .final($0) })
            return authority.takeEvidence()
        case .copy(let copy): return try await copy.take(finals)
        }
    }

    func sum() async throws(LedgerError) -> Sum? {
        switch self {
        case .authority(let authority):
            let note = try await authority.checkpoint()
            return LedgerCheckpoint(text: note.text).map(Sum.init)
        case .copy(let copy): return copy.sum()
        }
    }
}

extension FinalBook.Sum {
    init(_ checkpoint: LedgerCheckpoint) {
        self.init(
            size: checkpoint.size, stateRoot: checkpoint.stateRoot, issued: checkpoint.issued,
            burned: checkpoint.burned, held: checkpoint.held)
    }
}
