import Digests
import Economy
import Foundation
import Ledger
import WaggleProtocol

/// Parsers of what clients, authorities, witnesses and mirrors of a currency send.
extension FuzzTarget {
    private static let charter = try? CharterDraft(name: "Honey", symbol: "HNY").charter(
        authority: Hash32(words: (1, 2, 3, 4)), url: "https://hive.example", genesis: 86_400)

    static let ledger: [FuzzTarget] = [
        FuzzTarget(name: "orders", corpus: "orders") { bytes in
            guard let order = try? Order(bytes: Data(bytes)) else { return nil }
            // What is hashed and signed are the bytes that came, in their only form.
            guard Array(order.bytes) == bytes else { return "an order of other bytes" }
            let signed = SignedOrder(order)
            return (try? SignedOrder(bytes: signed.bytes))?.order.id == order.id ? nil : "an order that changes"
        },
        FuzzTarget(name: "charters", corpus: "charters") { bytes in
            guard let charter = try? Charter(bytes: Data(bytes)) else { return nil }
            return Array(charter.bytes) == bytes ? nil : "a charter of other bytes"
        },
        FuzzTarget(name: "votes, finals and unlocks", corpus: "ledger") { bytes in
            let data = Data(bytes)
            _ = try? ReplyBatch.decode(data)
            _ = try? AccountStanding(bytes: data)
            if let (currency, requests) = try? RequestBatch.decode(data) {
                let again = RequestBatch.encode(requests, in: currency)
                guard let read = try? RequestBatch.decode(again), read.requests.count == requests.count else {
                    return "requests change"
                }
                _ = RequestBatch.parts(requests)
            }
            _ = try? StatementBatch.decode(data)
            _ = try? CharterCeremony(json: data).unsigned()
            if let charter, let (currency, proof) = try? FraudProof.read(data) {
                _ = proof.verdict(in: charter)
                guard (try? FraudProof.read(proof.bytes(in: currency)))?.proof == proof else {
                    return "a proof changes"
                }
            }
            if let orders = try? OrderBatch.decode(data), orders.count > Limits.Ledger.ordersPerRequest {
                return "more orders than one request may have"
            }
            return stays(data, { try SignedOrder(bytes: $0) }, \.bytes)
                ?? stays(data, { try QuorumCertificate(bytes: $0) }, \.bytes)
                ?? stays(data, { try Final(bytes: $0) }, \.bytes)
                ?? stays(data, { try Statement(bytes: $0) }, \.bytes)
                ?? stays(data, { try Proposal(bytes: $0) }, \.bytes)
                ?? stays(data, { try UnlockRequest(bytes: $0) }, \.bytes)
        },
        FuzzTarget(name: "notes of logs and witnesses", corpus: "notes") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            if let checkpoint = LedgerCheckpoint(text: text), checkpoint.text != text {
                return "a checkpoint is read otherwise"
            }
            if let note = SignedNote(encoded: text) {
                if SignedNote(encoded: note.encoded) != note { return "a note is read otherwise" }
                _ = (note.witnesses, LedgerCheckpoint(text: note.text))
            }
            if let request = WitnessRequest(text: text), WitnessRequest(text: request.text) != request {
                return "a witness is asked something else"
            }
            return nil
        },
        FuzzTarget(name: "lists of rewards", corpus: "evidence") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let list = try? RewardEvidence(text: text) else { return nil }
            // What anybody does with a stranger's list: add it up, and count it again.
            _ = (list.outputs, list.keys)
            if let charter, let granter = charter.granters.values.first {
                _ = RewardPlan(charter, granter: granter, epoch: list.epoch).evidence(
                    list.lines.map(\.fact), members: list.members)
            }
            return list.text == text ? nil : "a list is read otherwise"
        },
        FuzzTarget(name: "tiles, their places and proofs", corpus: "tiles") { bytes in
            if let path = LogTilePath(String(decoding: bytes, as: UTF8.self)),
                path.text != String(decoding: bytes, as: UTF8.self)
            {
                return "a place has two names"
            }
            for count in [1, 2, 256] {
                if let entries = EntryBundle.decode(Data(bytes), count: count),
                    Array(EntryBundle.encode(entries)) != bytes
                {
                    return "entries change"
                }
            }
            // Sizes and places as hostile as the rest: the first sixteen bytes, and hashes after them.
            let numbers = bytes.prefix(16).reduce((UInt64(0), UInt64(0))) { sum, byte in
                (sum.0 << 8 | sum.1 >> 56, sum.1 << 8 | UInt64(byte))
            }
            let hashes = stride(from: 16, to: bytes.count - 31, by: 32).compactMap { Hash32(bytes[$0..<$0 + 32]) }
            _ = LogProof.root(of: .zero, at: numbers.0, size: numbers.1, hashes)
            _ = LogProof.isConsistent(old: numbers.0, .zero, size: numbers.1, .zero, hashes)
            return nil
        },
    ]

    /// What is read can be written, and is then read as the same.
    private static func stays<Message>(
        _ data: Data, _ read: (Data) throws -> Message, _ bytes: (Message) -> Data
    ) -> String? {
        guard let message = try? read(data) else { return nil }
        guard let again = try? read(bytes(message)) else { return "\(Message.self) cannot be read again" }
        return bytes(again) == bytes(message) ? nil : "\(Message.self) changes"
    }
}
