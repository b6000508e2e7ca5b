import COpenSSL
import Synchronization

/// A 64-byte digest of a stream, by OpenSSL: what other people's signature formats sign in place of a file.
///
/// Nothing of Waggle is named by one. It is a class because the OpenSSL context has an identity.
///
/// Unchecked, because the compiler does not know that `lock` guards what `context` points at. That no two threads are in
/// the context at once follows from these four: `context` is a private `let`, so no other file and no assignment reaches
/// it; `init` uses it before anybody else has the object; `update` and `finalize` use it inside `lock.withLock` only and
/// hand it to no one; `deinit` runs when the last reference is gone. `lock` itself is `Sendable`.
public final class LongDigest: @unchecked Sendable {
    /// Which function.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// FIPS 180-4.
        case sha512 = "SHA2-512"
        /// BLAKE2b with 64 bytes of output and no key (RFC 7693).
        case blake2b = "BLAKE2B-512"
    }

    /// Bytes of every digest.
    public static let bytes = 64

    private let context: OpaquePointer
    private let lock = Mutex(())

    public init(_ algorithm: Algorithm) {
        let function = EVP_MD_fetch(nil, algorithm.rawValue, nil)
        // The context keeps a reference of its own.
        defer { EVP_MD_free(function) }
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex2(context, function, nil) == 1 else {
            preconditionFailure("OpenSSL offers no \(algorithm.rawValue)")
        }
        self.context = context
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// Absorbs the bytes.
    public func update(_ buffer: UnsafeRawBufferPointer) {
        guard buffer.count > 0 else { return }
        lock.withLock { _ in _ = EVP_DigestUpdate(context, buffer.baseAddress, buffer.count) }
    }

    /// The digest of all updates. The stream is over then.
    public func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.bytes)
        lock.withLock { _ in _ = EVP_DigestFinal_ex(context, &digest, nil) }
        return digest
    }

    /// The digest of what is in memory.
    public static func hash(_ bytes: [UInt8], _ algorithm: Algorithm) -> [UInt8] {
        let digest = LongDigest(algorithm)
        bytes.withUnsafeBytes { digest.update($0) }
        return digest.finalize()
    }
}
