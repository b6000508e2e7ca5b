public import Digests
import FoundationEssentials
import WaggleProtocol

/// An authority's checkpoints before witnesses.
extension Currencies {
    /// Has witnesses sign the newest checkpoint of each currency that is decided here.
    ///
    /// - Parameter urls: nodes that may know the currency; those that do not are passed over.
    /// - Returns: how many signed.
    public func gatherSignatures(from urls: [String]) async throws(LedgerError) -> Int {
        var count = 0
        for (currency, authority) in authorities {
            let note = try await authority.checkpoint()
            guard let checkpoint = LedgerCheckpoint(text: note.text), checkpoint.size > 0 else { continue }
            for url in urls {
                if try await ask(url, note, checkpoint, currency) { count += 1 }
            }
        }
        return count
    }

    private func ask(_ url: String, _ note: SignedNote, _ checkpoint: LedgerCheckpoint, _ currency: Hash32)
        async throws(LedgerError) -> Bool
    {
        var old: UInt64 = 0
        // The first answer may say from where to go on.
        for _ in 0..<2 {
            let proof = try await store.consistency(old: old, size: checkpoint.size, in: currency)
            let reply: WitnessReply
            do throws(LedgerError) {
                reply = try await transport.witness(WitnessRequest(old: old, proof: proof, note: note), at: url)
            } catch {
                return false
            }
            switch reply {
            case .signed(let signatures):
                let signed = note.adding(signatures)
                for (key, time) in signed.witnesses {
                    try await store.keep(signed, of: key, at: time, size: checkpoint.size, of: currency)
                }
                return !signed.witnesses.isEmpty
            case .knows(let size) where size <= checkpoint.size && size != old: old = size
            case .knows, .refused: return false
            }
        }
        return false
    }

    /// The newest checkpoint that witnesses signed.
    public func witnessedCheckpoint(_ currency: Hash32) async throws(LedgerError) -> String? {
        try await store.witnessedNote(of: currency)?.encoded
    }
}
