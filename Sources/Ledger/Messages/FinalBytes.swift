import Digests
import FoundationEssentials
import WaggleProtocol

// A final is read once an entry of an audit, and written twice an order, for the log and for the reply; signed orders come
// with every request. They go straight from bytes and to bytes, without a message for each of their parts. What is read and
// written so is what the protobuf library reads and writes, which a test compares.

// MARK: Writing

extension SignedOrder {
    var written: [UInt8] {
        var writer = WireWriter(capacity: byteCount)
        write(to: &writer)
        return writer.bytes
    }

    fileprivate var byteCount: Int {
        signatures.reduce(WireWriter.size(order.bytes.count)) { $0 + WireWriter.size($1.byteCount) }
    }

    fileprivate func write(to writer: inout WireWriter) {
        writer.field(1, order.bytes)
        for signature in signatures {
            writer.begin(2, count: signature.byteCount)
            writer.begin(1, count: 32)
            signature.key.withUnsafeBytes { writer.raw($0) }
            if !signature.signature.isEmpty { writer.field(2, signature.signature) }
        }
    }
}

extension Final {
    var written: [UInt8] {
        var writer = WireWriter(capacity: byteCount)
        writer.begin(1, count: order.byteCount)
        order.write(to: &writer)
        writer.number(2, UInt64(round))
        for commit in commits {
            writer.begin(3, count: commit.byteCount)
            writer.number(1, UInt64(commit.authority))
            if !commit.signature.isEmpty { writer.field(2, commit.signature) }
        }
        for statement in justification { writer.field(4, statement.bytes) }
        return writer.bytes
    }

    /// But for statements, which few finals have.
    private var byteCount: Int {
        commits.reduce(WireWriter.size(order.byteCount) + WireWriter.size(number: UInt64(round))) {
            $0 + WireWriter.size($1.byteCount)
        }
    }
}

extension KeySignature {
    fileprivate var byteCount: Int {
        WireWriter.size(32) + (signature.isEmpty ? 0 : WireWriter.size(signature.count))
    }
}

extension AuthoritySignature {
    fileprivate var byteCount: Int {
        WireWriter.size(number: UInt64(authority)) + (signature.isEmpty ? 0 : WireWriter.size(signature.count))
    }
}

// MARK: Reading

extension MessageShape {
    private static let signature = Field(value: .bytes(64...64), times: 1, choice: 0)
    private static let signedOrder: [UInt64: Field] = [
        1: Field(value: .bytes(1...Limits.Ledger.orderBytes), times: 1, choice: 0),
        2: .messages([1: .name, 2: signature], Limits.Ledger.signatures),
    ]

    /// Orders of one request.
    static let orders = MessageShape([1: .messages(signedOrder, Limits.Ledger.ordersPerRequest)])

    /// A final of round 0, which is nearly all of them.
    static let final = MessageShape([
        1: .messages(signedOrder, 1),
        3: .messages([1: .number(UInt64(Limits.Ledger.authorities - 1)), 2: signature], Limits.Ledger.authorities),
    ])
}

extension SignedOrder {
    /// Orders whose shape was checked.
    static func all(in bytes: ArraySlice<UInt8>) throws(MalformedMessage) -> [SignedOrder] {
        var orders: [SignedOrder] = []
        var fields = CheckedFields(bytes)
        while let field = try fields.next() { orders.append(try SignedOrder(checked: field.bytes)) }
        return orders
    }

    fileprivate init(checked bytes: ArraySlice<UInt8>) throws(MalformedMessage) {
        var (order, signatures): (Order?, [KeySignature]) = (nil, [])
        var fields = CheckedFields(bytes)
        while let field = try fields.next() {
            guard field.number == 2 else {
                order = try Order(bytes: Data(field.bytes))
                continue
            }
            var (parts, key, signature) = (CheckedFields(field.bytes), Hash32?.none, [UInt8]())
            while let part = try parts.next() {
                if part.number == 1 { key = part.name } else { signature = Array(part.bytes) }
            }
            guard let key, !signature.isEmpty else { throw .badSignature }
            signatures.append(KeySignature(key: key, signature: signature))
        }
        guard let order else { throw MalformedMessage(what: "a signed order has no order") }
        self.init(order, signatures: signatures)
    }
}

extension Final {
    /// A final whose shape was checked.
    init(checked bytes: ArraySlice<UInt8>) throws(MalformedMessage) {
        var (order, commits): (SignedOrder?, [AuthoritySignature]) = (nil, [])
        var fields = CheckedFields(bytes)
        while let field = try fields.next() {
            guard field.number == 3 else {
                order = try SignedOrder(checked: field.bytes)
                continue
            }
            var (parts, authority, signature) = (CheckedFields(field.bytes), UInt64(0), [UInt8]())
            while let part = try parts.next() {
                if part.number == 1 { authority = part.value } else { signature = Array(part.bytes) }
            }
            guard !signature.isEmpty else { throw .badAuthoritySignature }
            commits.append(AuthoritySignature(authority: Int(authority), signature: signature))
        }
        guard let order else { throw MalformedMessage(what: "a final has no order") }
        self.init(order: order, round: 0, commits: commits)
    }
}
