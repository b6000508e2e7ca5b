import Digests
public import FoundationEssentials
import Glibc
import Identity
public import Ledger
import SystemPackage

/// `waggle buzz audit`: reads all of a currency's log that is here, believing nothing.
public struct AuditCurrency: Operation {
    public static let name = "buzz audit"
    public var currency: String?
    /// Hashes and sums alone.
    public var isQuick: Bool

    public init(currency: String?, isQuick: Bool = false) {
        self.currency = currency
        self.isQuick = isQuick
    }

    public func run(in context: OperationContext) async throws(OperationError) -> AuditReply {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let charter = view.charter
        let clock = ContinuousClock()
        let start = clock.now
        let note = try await desk.asking { () throws(LedgerError) in
            try await context.currencies.checkpoint(charter.currency)
        }
        do {
            let report = try await StoredAudit(context.currencies.store).run(
                charter, against: note, isQuick: isQuick
            ) { done, total in
                context.progress(Progress(activity: "auditing entries", done: done, total: total))
            }
            let (seconds, part) = (clock.now - start).components
            return AuditReply(
                currency: charter.currency.hex, symbol: charter.symbol, entries: report.entries,
                signatures: report.signatures, accounts: report.accounts, issued: report.issued,
                burned: report.burned, held: report.held, root: report.root.hex, stateRoot: report.stateRoot.hex,
                checkpoint: report.checkpoint?.size, seconds: Double(seconds) + Double(part) / 1e18,
                trust: await desk.trust(view))
        } catch let error as AuditFailure {
            throw OperationError(error)
        } catch let error as LedgerError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// `waggle buzz explain`: one final, what it did, and the proof that it is in the log.
public struct ExplainFinal: Operation {
    public static let name = "buzz explain"
    /// An order, a slot, or a place in the log.
    public var final: String
    public var currency: String?
    /// False for what is here already. What anybody may ask for must not make this node ask others.
    public var asksAuthority: Bool?

    public init(final: String, currency: String? = nil, asksAuthority: Bool = true) {
        self.asksAuthority = asksAuthority
        self.final = final
        self.currency = currency
    }

    public struct Reply: Codable, Sendable {
        public let final: FinalReport
        /// Epoch through which it is set aside, of a hold; whether it is still open.
        public let expiry: Int64?
        public let isOpen: Bool?
        /// Entries of the checkpoint that the proof leads to; nil when none that covers it is here, and where a quorum's
        /// signatures are the proof.
        public let checkpoint: UInt64?
        public let receipt: LedgerReceipt?
        public let trust: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let charter = view.charter
        if asksAuthority != false {
            do throws(LedgerError) {
                try await context.currencies.follow(charter.currency)
            } catch {
                if case .untrusted = error { throw OperationError(error) }
            }
        }
        let name = final
        let found = try await desk.asking { () throws(LedgerError) -> LoggedFinal? in
            if let hash = Hash32(hex: name) {
                return try await context.currencies.store.find(hash, in: charter.currency)
            }
            guard let position = UInt64(name) else { return nil }
            return try await context.currencies.store.find(at: position, in: charter.currency)
        }
        guard let found else {
            throw OperationError(.notFound, "nothing final in \(charter.symbol) is named \"\(final)\" here")
        }
        let receipt = try await receipt(found, charter, desk)
        var expiry: Int64?
        var isOpen: Bool?
        if case .hold(_, _, _, let epoch) = found.final.order.order.operation {
            expiry = epoch
            isOpen = await context.currencies.state(charter.currency)?.ledger.holds[found.final.value] != nil
        }
        return Reply(
            final: FinalReport(found.final, charter, logged: found), expiry: expiry, isOpen: isOpen,
            checkpoint: receipt?.size, receipt: receipt, trust: await desk.trust(view))
    }

    /// The proof against the newest checkpoint that witnesses signed, else against the authority's own. A node that is none of
    /// several authorities has no log that somebody signed, and needs none: a quorum signed the final.
    private func receipt(_ found: LoggedFinal, _ charter: Charter, _ desk: BuzzDesk) async throws(OperationError)
        -> LedgerReceipt?
    {
        try await desk.asking { () throws(LedgerError) -> LedgerReceipt? in
            let currency = charter.currency
            for text in [
                try await desk.currencies.witnessedCheckpoint(currency), try await desk.currencies.checkpoint(currency),
            ] {
                guard let note = text.flatMap({ SignedNote(encoded: $0) }),
                    let checkpoint = LedgerCheckpoint(text: note.text), checkpoint.size > found.position
                else { continue }
                let (proof, _) = try await desk.currencies.store.inclusion(
                    of: found.position, size: checkpoint.size, in: currency)
                return LedgerReceipt(
                    charter: charter, final: found.final, position: found.position, proof: proof, checkpoint: note,
                    size: checkpoint.size)
            }
            return charter.authorities.count > 1 ? LedgerReceipt(charter: charter, final: found.final) : nil
        }
    }
}

/// `waggle buzz verify`: checks a receipt. It needs no node and no network.
public struct VerifyReceipt: Sendable {
    public let bytes: Data

    public init(bytes: Data) {
        self.bytes = bytes
    }

    public struct Reply: Codable, Sendable {
        public let final: FinalReport
        public let currencyName: String
        /// Entries of the checkpoint that it leads to; nil where a quorum's signatures are the proof.
        public let checkpoint: UInt64?
        /// How many operators signed the final itself, and of how many.
        public let signed: Int
        public let operators: Int
        /// Keys of witnesses → unix seconds.
        public let witnesses: [String: UInt64]
    }

    public func run() throws(OperationError) -> Reply {
        guard let receipt = try? JSONDecoder().decode(LedgerReceipt.self, from: bytes) else {
            throw OperationError(.usage, "this is no receipt; `waggle buzz explain ORDER --receipt FILE` writes one")
        }
        do throws(AuditFailure) {
            let shown = try receipt.check()
            return Reply(
                final: FinalReport(shown.final, shown.charter), currencyName: shown.charter.name,
                checkpoint: shown.checkpoint?.size, signed: shown.final.commits.count,
                operators: shown.charter.authorities.count,
                witnesses: Dictionary(uniqueKeysWithValues: shown.witnesses.map { ($0.key.hex, $0.value) }))
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle buzz export`: the log as a journal of plain-text accounting.
public struct ExportJournal: Operation {
    public static let name = "buzz export"
    public var currency: String?
    /// Absolute path of a file to make.
    public var path: String

    public init(currency: String?, path: String) {
        self.currency = currency
        self.path = path
    }

    public struct Reply: Codable, Sendable {
        public let path: String
        public let entries: UInt64
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = BuzzDesk(context)
        let view = try await desk.view(currency)
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch {
            throw OperationError(.conflict, "\(path) cannot be made: \(error)")
        }
        do {
            let entries = try await write(to: file, view, desk)
            try file.close()
            return Reply(path: path, entries: entries)
        } catch {
            try? file.close()
            unlink(path)
            throw error as? OperationError ?? OperationError(.failed, "\(path) cannot be written: \(error)")
        }
    }

    private func write(to file: FileDescriptor, _ view: CurrencyView, _ desk: BuzzDesk) async throws -> UInt64 {
        var journal = HledgerJournal(view.charter)
        try file.writeAll(journal.head.utf8)
        var at: UInt64 = 0
        while at < view.size {
            let start = at
            let part = try await desk.asking { () throws(LedgerError) in
                try await desk.currencies.store.finals(of: view.charter.currency, from: start, limit: 1024)
            }.prefix(Int(clamping: view.size - at))
            guard !part.isEmpty else { break }
            var text = ""
            for bytes in part { text += journal.add(try Final(bytes: bytes)) }
            try file.writeAll(text.utf8)
            at += UInt64(part.count)
        }
        try file.writeAll(journal.tail.utf8)
        return at
    }
}
