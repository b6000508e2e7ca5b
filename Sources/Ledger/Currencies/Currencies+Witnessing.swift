public import Digests
import FoundationEssentials
import WaggleProtocol

/// A node that may be asked to witness, and whose signatures it can give.
public struct WitnessAddress: Sendable, Hashable {
    /// Base URL.
    public let url: String
    /// Its device keys.
    public let keys: Set<Hash32>

    public init(url: String, keys: Set<Hash32>) {
        (self.url, self.keys) = (url, keys)
    }
}

/// An authority's checkpoints before witnesses.
extension Currencies {
    /// Has witnesses sign the newest checkpoint of each currency that is decided here.
    ///
    /// - Parameter witnesses: nodes that may know the currency; those that do not are passed over.
    /// - Returns: how many signed.
    public func gatherSignatures(from witnesses: [WitnessAddress]) async throws(LedgerError) -> Int {
        var count = 0
        for authority in authorities.values {
            let note = try await authority.checkpoint()
            guard let checkpoint = LedgerCheckpoint(text: note.text), checkpoint.size > 0 else { continue }
            for witness in witnesses {
                if try await ask(witness, note, checkpoint, authority) { count += 1 }
            }
        }
        return count
    }

    private func ask(
        _ witness: WitnessAddress, _ note: SignedNote, _ checkpoint: LedgerCheckpoint, _ authority: AuthorityService
    ) async throws(LedgerError) -> Bool {
        let currency = authority.charter.currency
        var old: UInt64 = 0
        // The first answer may say from where to go on.
        for _ in 0..<2 {
            let proof = try await store.consistency(old: old, size: checkpoint.size, in: currency)
            let reply: WitnessReply
            do throws(LedgerError) {
                reply = try await transport.witness(WitnessRequest(old: old, proof: proof, note: note), at: witness.url)
            } catch {
                return false
            }
            switch reply {
            case .signed(let signatures):
                // Whatever else it answers with: anybody can make keys, and a note has room for few signatures.
                let latest = latestSignature
                for key in witness.keys {
                    guard
                        let (signed, time) = note.adding(signatures).witnessed(
                            by: key, of: (checkpoint.origin, authority.publicKey)), time <= latest
                    else { continue }
                    try await store.keep(
                        signed, of: key, at: time, latest: latest, size: checkpoint.size, of: currency)
                    return true
                }
                return false
            case .knows(let size) where size <= checkpoint.size && size != old: old = size
            case .knows, .refused: return false
            }
        }
        return false
    }

    /// When a witness whose clock is a little ahead may say to have signed, at the latest.
    private var latestSignature: UInt64 { now() + Limits.Post.clockSkew }

    /// Keeps whose signatures are on a checkpoint that agrees with the log here.
    func keepWitnesses(_ text: String, of charter: Charter) async throws(LedgerError) {
        let (note, checkpoint) = try ReplicaService.open(text, charter)
        guard try await store.isInLog(checkpoint, of: charter.currency),
            let log = charter.authorities.first(where: {
                LedgerCheckpoint.origin(currency: charter.currency, authority: $0.key) == checkpoint.origin
            })
        else { return }
        for key in note.witnesses.keys {
            guard let (signed, time) = note.witnessed(by: key, of: (checkpoint.origin, log.key)) else { continue }
            try await store.keep(
                signed, of: key, at: time, latest: latestSignature, size: checkpoint.size, of: charter.currency)
        }
    }

    /// The newest checkpoint that witnesses signed.
    public func witnessedCheckpoint(_ currency: Hash32) async throws(LedgerError) -> String? {
        try await store.witnessedNote(of: currency)?.encoded
    }
}
