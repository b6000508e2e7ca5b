public import Digests
public import FoundationEssentials

/// A final with all that is needed to check it without anybody's help: the charter, the proof that it is in the log, and the
/// checkpoint that the authority and witnesses signed (version 1).
///
/// Where several authorities decide, a quorum signed the final itself, and a node that is none of them has no log that anybody
/// signed: the charter and the final are the receipt (version 2).
public struct LedgerReceipt: Codable, Sendable {
    private var version = 1
    /// Base 64.
    public let charter: Data
    public let final: Data
    /// Nil in version 2, like all below.
    public let position: UInt64?
    public let size: UInt64?
    /// Hashes in base 64.
    public let proof: [Data]?
    /// The encoded note.
    public let checkpoint: String?

    /// - Parameter charter: of several authorities.
    public init(charter: Charter, final: Final) {
        version = 2
        self.charter = charter.bytes
        self.final = final.bytes
        (position, size, proof, checkpoint) = (nil, nil, nil, nil)
    }

    public init(charter: Charter, final: Final, position: UInt64, proof: [Hash32], checkpoint: SignedNote, size: UInt64)
    {
        self.charter = charter.bytes
        self.final = final.bytes
        (self.position, self.size) = (position, size)
        self.proof = proof.map(\.data)
        self.checkpoint = checkpoint.encoded
    }

    /// What a receipt shows.
    public struct Shown: Sendable {
        public let charter: Charter
        public let final: Final
        /// Nil where a quorum's signatures say it all.
        public let checkpoint: LedgerCheckpoint?
        /// By key: when each says to have signed the checkpoint.
        public let witnesses: [Hash32: UInt64]
    }

    /// Checks everything.
    public func check() throws(AuditFailure) -> Shown {
        func fail(_ what: String) -> AuditFailure { AuditFailure(position: nil, what: what) }
        let charter: Charter
        let entry: LedgerAudit.Entry
        do throws(MalformedMessage) {
            charter = try Charter(bytes: self.charter)
        } catch {
            throw fail("the receipt has no charter: \(error.what)")
        }
        // A quorum's signatures are checked with the entry.
        entry = try LedgerAudit.read(final, at: position ?? 0, charter)
        if version == 2 {
            guard charter.authorities.count > 1, checkpoint == nil else {
                throw fail("one operator decides: only a signed log shows what it decided, and the receipt has none")
            }
            return Shown(charter: charter, final: entry.final, checkpoint: nil, witnesses: [:])
        }
        guard version == 1, let position, let size, let proof, let encoded = self.checkpoint else {
            throw fail("it is no receipt of a kind that is known here")
        }
        let note: SignedNote
        let checkpoint: LedgerCheckpoint
        do throws(LedgerError) {
            (note, checkpoint) = try ReplicaService.open(encoded, charter)
        } catch {
            throw fail(error.message)
        }
        let hashes = proof.compactMap { Hash32($0) }
        guard hashes.count == proof.count, checkpoint.size == size,
            LogProof.root(of: LogTree.leaf(final), at: position, size: size, hashes) == checkpoint.root
        else { throw fail("the proof does not lead to the checkpoint's root") }
        return Shown(charter: charter, final: entry.final, checkpoint: checkpoint, witnesses: note.witnesses)
    }
}
