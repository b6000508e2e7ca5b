public import Digests

/// The name of a set of weights, whatever header or file name they come under.
///
/// SHA-256 over this byte string, all integers little-endian:
///
///     "waggle tensor digest v1\n"                      24 ASCII bytes
///     u64   number of tensors
///     for each tensor, sorted by the UTF-8 bytes of its name:
///       u32   length of the name       then the name in UTF-8
///       u32   length of the type       then the type as the header spells it ("F16")
///       u32   number of dimensions     then one u64 each
///       32 bytes: SHA-256 of the tensor's bytes
///
/// Metadata, the order of tensors in the file and padding of the header do not count.
public enum TensorDigest {
    /// The domain prefix.
    public static let prefix = "waggle tensor digest v1\n"

    /// The digest of `tensors`, where `hashes` holds the SHA-256 of each one's bytes in the same order.
    public static func compute(_ tensors: [SafetensorsTensor], hashes: [Hash32]) -> Hash32 {
        precondition(tensors.count == hashes.count, "a tensor digest needs one hash a tensor")
        let hasher = SHA256()
        hasher.update(Array(prefix.utf8))
        hasher.update(littleEndian: UInt64(tensors.count))
        let order = tensors.indices.sorted {
            tensors[$0].name.utf8.lexicographicallyPrecedes(tensors[$1].name.utf8)
        }
        for index in order {
            let tensor = tensors[index]
            for text in [tensor.name, tensor.dtype.rawValue] {
                hasher.update(littleEndian: UInt32(text.utf8.count))
                hasher.update(Array(text.utf8))
            }
            hasher.update(littleEndian: UInt32(tensor.shape.count))
            for dimension in tensor.shape { hasher.update(littleEndian: dimension) }
            hashes[index].withUnsafeBytes { hasher.update($0) }
        }
        return hasher.finalize()
    }
}

extension SHA256 {
    fileprivate func update(littleEndian value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { update($0) }
    }
}
