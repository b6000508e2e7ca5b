import Digests
import FoundationEssentials
import WaggleProtocol

// A final is written twice an order, for the log and for the reply: straight to bytes, without a message for each of its
// parts. The bytes are those of the same messages by the protobuf library, which a test compares.

extension SignedOrder {
    var written: [UInt8] {
        var writer = WireWriter(capacity: order.bytes.count + 112 * signatures.count + 8)
        writer.field(1, order.bytes)
        for signature in signatures { writer.field(2, signature.written) }
        return writer.bytes
    }
}

extension Final {
    var written: [UInt8] {
        let order = order.written
        var writer = WireWriter(capacity: order.count + 80 * commits.count + 16)
        writer.field(1, order)
        writer.number(2, UInt64(round))
        for commit in commits { writer.field(3, commit.written) }
        for statement in justification { writer.field(4, statement.bytes) }
        return writer.bytes
    }
}

extension KeySignature {
    fileprivate var written: [UInt8] {
        var writer = WireWriter(capacity: 104)
        writer.begin(1, count: 32)
        key.withUnsafeBytes { writer.raw($0) }
        if !signature.isEmpty { writer.field(2, signature) }
        return writer.bytes
    }
}

extension AuthoritySignature {
    fileprivate var written: [UInt8] {
        var writer = WireWriter(capacity: 72)
        writer.number(1, UInt64(authority))
        if !signature.isEmpty { writer.field(2, signature) }
        return writer.bytes
    }
}
