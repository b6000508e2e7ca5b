import COpenSSL
import CWaggleSystem
public import FoundationEssentials

/// SHA-256 (FIPS 180-4): of streams by OpenSSL, which uses the processor's SHA instructions, of what is in memory by the kernel
/// of this project for files.
///
/// One value hashes one stream: `update` any number of times, then `finalize`, which resets it for the next stream.
/// It is a class because the OpenSSL context has an identity; it belongs to one task at a time.
public final class SHA256 {
    /// Fetched once: looking an algorithm up by name costs more than hashing a short message.
    private nonisolated(unsafe) static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)!

    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex2(context, Self.algorithm, nil) == 1 else {
            preconditionFailure("OpenSSL offers no SHA-256")
        }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    public func update(_ buffer: UnsafeRawBufferPointer) {
        guard buffer.count > 0 else { return }
        EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
    }

    public func update(_ bytes: some ContiguousBytes) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of all updates since the last `finalize`.
    public func finalize() -> Hash32 {
        var digest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &digest) { buffer in
            _ = EVP_DigestFinal_ex(context, buffer.bindMemory(to: UInt8.self).baseAddress, nil)
        }
        EVP_DigestInit_ex2(context, nil, nil)
        return withUnsafeBytes(of: &digest) { Hash32(copying: $0) }
    }

    public static func hash(_ bytes: some ContiguousBytes) -> Hash32 {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// By the kernel that files are hashed with: to make a context costs more than to hash a short message.
    public static func hash(_ buffer: UnsafeRawBufferPointer) -> Hash32 {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest in
            waggle_sha256_message(buffer.baseAddress, buffer.count, digest.baseAddress)
            return Hash32(copying: UnsafeRawBufferPointer(digest))
        }
    }

    /// Of a short prefix and what follows it, as what is signed and named by its hash has one.
    public static func hash(_ prefix: [UInt8], _ bytes: some ContiguousBytes) -> Hash32 {
        bytes.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: prefix.count + bytes.count) { room in
                let all = UnsafeMutableRawBufferPointer(room)
                all.copyBytes(from: prefix)
                UnsafeMutableRawBufferPointer(rebasing: all[prefix.count...]).copyMemory(from: bytes)
                return hash(UnsafeRawBufferPointer(all))
            }
        }
    }
}
