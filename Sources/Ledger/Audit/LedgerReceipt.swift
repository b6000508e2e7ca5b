public import Digests
public import FoundationEssentials

/// A final with all that is needed to check it without anybody's help: the charter, the proof that it is in the log, and the
/// checkpoint that the authority and witnesses signed.
public struct LedgerReceipt: Codable, Sendable {
    private var version = 1
    /// Base 64.
    public let charter: Data
    public let final: Data
    public let position: UInt64
    public let size: UInt64
    /// Hashes in base 64.
    public let proof: [Data]
    /// The encoded note.
    public let checkpoint: String

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
        public let checkpoint: LedgerCheckpoint
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
        entry = try LedgerAudit.read(final, at: position, charter)
        let note: SignedNote
        let checkpoint: LedgerCheckpoint
        do throws(LedgerError) {
            (note, checkpoint) = try ReplicaService.open(self.checkpoint, charter)
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
