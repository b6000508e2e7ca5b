public import Digests
import FoundationEssentials

/// What a log asks a witness (C2SP tlog-witness, `add-checkpoint`): "you signed `old` entries; here is a larger log that
/// begins with them".
///
///     old <size>
///     <hash of the proof, base64>
///     …
///
///     <note>
public struct WitnessRequest: Hashable, Sendable {
    public let old: UInt64
    public let proof: [Hash32]
    public let note: SignedNote

    public init(old: UInt64, proof: [Hash32], note: SignedNote) {
        (self.old, self.proof, self.note) = (old, proof, note)
    }

    public var text: String {
        "old \(old)\n" + proof.map { $0.data.base64EncodedString() + "\n" }.joined() + "\n" + note.encoded
    }

    public init?(text: String) {
        guard text.utf8.count <= 32 << 10, let split = text.firstRange(of: "\n\n"),
            let note = SignedNote(encoded: String(text[split.upperBound...]))
        else { return nil }
        let lines = text[..<split.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, first.hasPrefix("old "), let old = UInt64(first.dropFirst(4)),
            "\(old)" == first.dropFirst(4), old <= UInt64(Int64.max), lines.count <= 64
        else { return nil }
        var proof: [Hash32] = []
        for line in lines.dropFirst() {
            guard let bytes = Data(base64Encoded: String(line)), let hash = Hash32(bytes) else { return nil }
            proof.append(hash)
        }
        self.init(old: old, proof: proof, note: note)
    }
}

/// What a witness answers.
public enum WitnessReply: Hashable, Sendable {
    /// Signature lines for the note.
    case signed([SignedNote.Signature])
    /// It signed this many entries before, not those that the log said (409).
    case knows(UInt64)
    /// Why not: the proof does not hold (422), another log of this size (409 without a size), no such log here (404).
    case refused(String)
}

/// How a witness is named in notes: by its key, so that a note says by itself whose signature is on it.
public enum WitnessName {
    public static func of(_ key: Hash32) -> String { "waggle.witness/\(key.hex)" }

    public static func key(_ name: String) -> Hash32? {
        guard name.hasPrefix("waggle.witness/") else { return nil }
        return Hash32(canonicalHex: name.dropFirst("waggle.witness/".count))
    }
}

extension SignedNote {
    /// Lines as a witness answers with them.
    public static func lines(_ signatures: [Signature]) -> String {
        signatures.map { "\u{2014} \($0.name) \(Data($0.bytes).base64EncodedString())\n" }.joined()
    }

    /// Reads such lines; nil when one is none.
    public static func signatures(lines text: String) -> [Signature]? {
        guard let note = SignedNote(encoded: "-\n\n" + text) else { return nil }
        return note.signatures
    }

    /// The same with signatures of others.
    public func adding(_ more: [Signature]) -> SignedNote {
        var note = self
        for signature in more where !note.signatures.contains(signature) { note.signatures.append(signature) }
        return note
    }

    /// Witnesses whose signature is good, with the time at which each says to have signed.
    public var witnesses: [Hash32: UInt64] {
        var found: [Hash32: UInt64] = [:]
        for signature in signatures {
            if let key = WitnessName.key(signature.name), let time = cosigned(as: signature.name, by: key) {
                found[key] = time
            }
        }
        return found
    }
}
