import COpenSSL

/// SHA-1 (FIPS 180-4) of bytes in memory, by OpenSSL: what BitTorrent v1 (BEP 3) names its pieces by.
///
/// It resists no forger. Nothing here is verified by it; it only goes into files for programs that know nothing newer.
public enum SHA1 {
    /// Bytes of every digest.
    public static let bytes = 20

    /// Fetched once: looking an algorithm up by name costs more than hashing a short message. OpenSSL's algorithms are
    /// counted by atomics and never change.
    private nonisolated(unsafe) static let algorithm = EVP_MD_fetch(nil, "SHA1", nil)

    /// The digest of the bytes.
    public static func hash(_ buffer: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: bytes)
        guard EVP_Digest(buffer.baseAddress, buffer.count, &digest, nil, algorithm, nil) == 1 else {
            preconditionFailure("OpenSSL offers no SHA-1")
        }
        return digest
    }
}
