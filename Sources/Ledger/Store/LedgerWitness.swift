import Digests
import FoundationEssentials
import GRDB
public import Identity

/// This node as a witness of logs whose charters it knows: signs that it has never seen another log than this one.
///
/// The rule is that of C2SP tlog-witness: what was signed last is on disk before the answer leaves, and looking and storing
/// is one step, so that two requests at once cannot both go on from the same size.
public struct LedgerWitness: Sendable {
    let store: LedgerStore
    let key: SigningKey
    /// Unix seconds.
    let now: @Sendable () -> UInt64

    public init(store: LedgerStore, key: SigningKey, now: @escaping @Sendable () -> UInt64) {
        (self.store, self.key, self.now) = (store, key, now)
    }

    public func sign(_ request: WitnessRequest) async throws(LedgerError) -> WitnessReply {
        guard let checkpoint = LedgerCheckpoint(text: request.note.text),
            let (charter, authority) = try await log(checkpoint.origin)
        else { return .refused("no such log is known here") }
        guard request.note.isSigned(as: checkpoint.origin, by: charter.authorities[authority].key) else {
            return .refused("the log's own signature is missing or wrong")
        }
        let origin = checkpoint.origin
        let text = request.note.text
        let decided: WitnessReply? = try await store.write { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT size, root FROM witnessed WHERE origin = ?", arguments: [origin])
            let known = UInt64(max(0, row?[0] as Int64? ?? 0))
            let root = (row?[1] as Data?).flatMap { Hash32($0) } ?? SHA256.hash([])
            guard request.old == known else { return .knows(known) }
            guard
                LogProof.isConsistent(
                    old: known, root, size: checkpoint.size, checkpoint.root, request.proof)
            else {
                return .refused(
                    checkpoint.size <= known
                        ? "another log of \(known) entries was signed before"
                        : "it does not begin with what was signed before")
            }
            try db.execute(
                sql: "INSERT OR REPLACE INTO witnessed (origin, size, root, text) VALUES (?, ?, ?, ?)",
                arguments: [origin, Int64(clamping: checkpoint.size), checkpoint.root.data, text])
            return nil
        }
        if let decided { return decided }
        var note = SignedNote(text: text)
        note.cosign(as: WitnessName.of(key.publicKey), key, time: now())
        return .signed(note.signatures)
    }

    private func log(_ origin: String) async throws(LedgerError) -> (Charter, Int)? {
        for charter in try await store.charters() {
            for (index, authority) in charter.authorities.enumerated()
            where LedgerCheckpoint.origin(currency: charter.currency, authority: authority.key) == origin {
                return (charter, index)
            }
        }
        return nil
    }
}
