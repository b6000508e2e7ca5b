import COpenSSL
public import FoundationEssentials

/// SHA-256 (FIPS 180-4) by OpenSSL, which uses the processor's SHA instructions.
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
        let hasher = SHA256()
        hasher.update(bytes)
        return hasher.finalize()
    }

    public static func hash(_ buffer: UnsafeRawBufferPointer) -> Hash32 {
        let hasher = SHA256()
        hasher.update(buffer)
        return hasher.finalize()
    }
}
