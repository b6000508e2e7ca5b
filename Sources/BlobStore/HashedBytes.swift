public import Digests
public import FoundationEssentials

/// A blob in memory with its digests, computed once: whoever compares them with what was signed hands them to the store too.
public struct HashedBytes: Sendable {
    public let bytes: Data
    public let digests: FileDigests

    /// Computes the digests.
    public init(_ bytes: Data) {
        self.bytes = bytes
        digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
    }
}
