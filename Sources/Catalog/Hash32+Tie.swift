import Digests

extension Hash32 {
    /// 64 bits of the name, to order items of the same second alike on every node.
    var tie: Int64 { Int64(bitPattern: words.0) }
}
