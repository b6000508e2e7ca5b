import CSodium
public import Digests

/// Ed25519 (RFC 8032) by libsodium: the one verifier that decides validity everywhere.
///
/// Implementations differ on edge cases (non-canonical S, R or A, small-order points), and a federation in which two
/// nodes disagree about one signature splits. So nothing else in the project may verify; a test enforces it.
public enum Ed25519 {
    public static let signatureBytes = 64

    /// True when `signature` (64 bytes) is valid for `message` under `key`.
    public static func verify(
        _ signature: UnsafeRawBufferPointer, message: UnsafeRawBufferPointer, key: Hash32
    ) -> Bool {
        key.withUnsafeBytes { key in
            guard signature.count == signatureBytes,
                let signature = signature.bindMemory(to: UInt8.self).baseAddress,
                let key = key.bindMemory(to: UInt8.self).baseAddress
            else { return false }
            let bytes = message.bindMemory(to: UInt8.self)
            return crypto_sign_verify_detached(signature, bytes.baseAddress, UInt64(bytes.count), key) == 0
        }
    }

    public static func verify(_ signature: [UInt8], message: [UInt8], key: Hash32) -> Bool {
        signature.withUnsafeBytes { signature in
            message.withUnsafeBytes { verify(signature, message: $0, key: key) }
        }
    }
}

/// An ed25519 key pair. The seed is the secret; it never appears in a description or a log.
public struct SigningKey: Sendable {
    public let publicKey: Hash32
    package let seed: [UInt8]
    private let secretKey: [UInt8]

    /// The key pair of a 32-byte seed (RFC 8032 section 5.1.5). Nil for another length.
    public init?(seed: [UInt8]) {
        guard seed.count == Int(crypto_sign_SEEDBYTES) else { return nil }
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        crypto_sign_seed_keypair(&publicKey, &secretKey, seed)
        guard let name = Hash32(publicKey) else { return nil }
        self.publicKey = name
        self.seed = seed
        self.secretKey = secretKey
    }

    /// The 64-byte signature of `message`.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Ed25519.signatureBytes)
        crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
        return signature
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "SigningKey(\(publicKey.hex))" }
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey.hex]) }
}
