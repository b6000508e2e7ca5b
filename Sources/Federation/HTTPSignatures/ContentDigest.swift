public import Digests

/// The `Content-Digest` and `Repr-Digest` fields (RFC 9530) with SHA-256.
public enum ContentDigest {
    /// The field's value for a digest: `sha-256=:…:`.
    public static func field(for digest: Hash32) -> String {
        "sha-256=" + BareItem.bytes(digest.bytes).serialized
    }

    /// The SHA-256 that a field's lines name; digests by other algorithms may stand beside it.
    public static func digest(in lines: [String]) throws(DigestError) -> Hash32 {
        let members: [(key: String, value: FieldMember)]
        do {
            members = try StructuredFieldParser.dictionary(lines)
        } catch {
            throw .malformed
        }
        guard let member = members.first(where: { $0.key == "sha-256" }) else { throw .noSHA256 }
        guard case .item(let item) = member.value, case .bytes(let bytes) = item.value, let digest = Hash32(bytes)
        else { throw .malformed }
        return digest
    }

    /// Throws unless the lines name the SHA-256 of `content`.
    public static func check(_ lines: [String], content: [UInt8]) throws(DigestError) {
        let named = try digest(in: lines)
        let actual = SHA256.hash(content)
        guard named == actual else { throw .mismatch(named: named, actual: actual) }
    }
}

/// Why a digest field does not vouch for a content.
public enum DigestError: Error, Hashable, Sendable {
    case malformed
    case noSHA256
    case mismatch(named: Hash32, actual: Hash32)
}

extension DigestError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed: "the digest field does not follow RFC 9530"
        case .noSHA256: "the digest field names no sha-256"
        case .mismatch(let named, let actual): "the content has SHA-256 \(actual), not \(named)"
        }
    }
}
