package import Digests

/// What signatures of the ledger are over:
/// `"waggle/buzz/<kind>/1\0" ‖ charter ‖ slot id ‖ u32be round ‖ value`.
///
/// The kind keeps a vote from being shown as a commit, the charter one currency's from being shown in another.
package enum SignedBytes {
    /// A client's order. The value is the order's id; the round is 0.
    package static func order(_ order: Order) -> [UInt8] {
        bytes("order", charter: order.currency, slot: order.slotID, round: 0, value: order.id)
    }

    /// What the new key of a rotation signs, besides the account's key: that it exists and wants the account. It is another
    /// kind, so that the same key's consent never passes for the account's order.
    package static func rotate(_ order: Order) -> [UInt8] {
        bytes("rotate", charter: order.currency, slot: order.slotID, round: 0, value: order.id)
    }

    /// A client's wish to unlock a slot. There is no value.
    package static func unlock(charter: Hash32, slot: Hash32, round: UInt32) -> [UInt8] {
        bytes("unlock", charter: charter, slot: slot, round: round, value: nil)
    }

    /// What an operator signs who takes part in a charter: nothing but its name.
    package static func founding(_ charter: Hash32) -> [UInt8] {
        Array("waggle/buzz/founding/1\0".utf8) + charter.bytes
    }

    package static func ballot(_ phase: Ballot.Phase, charter: Hash32, slot: Hash32, round: UInt32, value: Hash32)
        -> [UInt8]
    {
        bytes(phase.rawValue, charter: charter, slot: slot, round: round, value: value)
    }

    /// The value is `u32be round ‖ order id` of the highest certificate, or 36 bytes of which the first four are ones and
    /// the others zero.
    package static func statement(
        charter: Hash32, slot: Hash32, round: UInt32, highest: (round: UInt32, value: Hash32)?
    )
        -> [UInt8]
    {
        var bytes = bytes("statement", charter: charter, slot: slot, round: round, value: nil)
        append(highest?.round ?? .max, to: &bytes)
        append(highest?.value ?? .zero, to: &bytes)
        return bytes
    }

    private static func bytes(_ kind: String, charter: Hash32, slot: Hash32, round: UInt32, value: Hash32?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(160)
        bytes += "waggle/buzz/".utf8
        bytes += kind.utf8
        bytes += "/1\0".utf8
        append(charter, to: &bytes)
        append(slot, to: &bytes)
        append(round, to: &bytes)
        if let value { append(value, to: &bytes) }
        return bytes
    }

    private static func append(_ name: Hash32, to bytes: inout [UInt8]) {
        name.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
