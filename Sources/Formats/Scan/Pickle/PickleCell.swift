/// A value on the stack of a pickle, as far as it matters: what it is, and a number of 56 bits.
struct PickleCell: Hashable, Sendable {
    enum Kind: UInt8 {
        /// No value: a memo entry that was never put.
        case none
        /// Numbers, None, bytes and whatever else cannot do anything.
        case plain
        /// A small number, in the payload.
        case integer
        /// A text, by the place of its opcode.
        case text
        case bytes
        /// By its place in the arena; `opaqueTuple` where there was no room for it.
        case tuple
        case opaqueTuple
        case list
        case dictionary
        case set
        /// A name that the pickle asked for, by its number.
        case global
        /// What calling a global returned, by the number of that global.
        case object
        /// What a persistent id stands for.
        case storage
        /// The value of something that was refused: nothing more is said of it.
        case unknown
    }

    private let bits: UInt64

    init(_ kind: Kind, _ payload: UInt64 = 0) {
        bits = UInt64(kind.rawValue) << 56 | payload & (1 << 56 - 1)
    }

    @inline(__always)
    var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: bits >> 56)) ?? .unknown }
    @inline(__always)
    var payload: UInt64 { bits & (1 << 56 - 1) }
}

/// A storage that a checkpoint names by a persistent id.
struct TorchStorage: Hashable, Sendable {
    let key: String
    /// Bytes of an element.
    let itemSize: UInt64
    let elements: UInt64

    /// Nil where that is larger than any file.
    var bytes: UInt64? {
        let (product, overflow) = itemSize.multipliedReportingOverflow(by: elements)
        return overflow ? nil : product
    }
}
