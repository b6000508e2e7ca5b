import CSodium

/// A key that closes small secrets for whoever holds it (libsodium's `crypto_secretbox`: XSalsa20-Poly1305).
///
/// The secret never appears in a description or a log.
public struct SealingKey: Sendable {
    private let key: [UInt8]

    init(key: [UInt8]) {
        self.key = key
    }

    /// Nil unless there are 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Int(crypto_secretbox_KEYBYTES) else { return nil }
        key = bytes
    }

    /// The nonce and the box.
    public func seal(_ secret: [UInt8]) -> [UInt8] {
        let nonce = Sodium.randomBytes(Int(crypto_secretbox_NONCEBYTES))
        var box = [UInt8](repeating: 0, count: secret.count + Int(crypto_secretbox_MACBYTES))
        crypto_secretbox_easy(&box, secret, UInt64(secret.count), nonce, key)
        return nonce + box
    }

    /// Nil for what another key sealed, and for what was changed since.
    public func open(_ sealed: [UInt8]) -> [UInt8]? {
        let nonceBytes = Int(crypto_secretbox_NONCEBYTES)
        let boxBytes = sealed.count - nonceBytes
        guard boxBytes >= Int(crypto_secretbox_MACBYTES) else { return nil }
        var secret = [UInt8](repeating: 0, count: boxBytes - Int(crypto_secretbox_MACBYTES))
        let box = Array(sealed[nonceBytes...])
        let status = crypto_secretbox_open_easy(
            &secret, box, UInt64(boxBytes), Array(sealed[..<nonceBytes]), key)
        return status == 0 ? secret : nil
    }
}

extension SealingKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "SealingKey" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SigningKey {
    /// A key under which a node keeps the secret that seals what it holds for others, derived from its own signing key (libsodium's
    /// `crypto_kdf`, BLAKE2b): who has the database alone has nothing.
    public var custodyKey: SealingKey {
        var key = [UInt8](repeating: 0, count: Int(crypto_secretbox_KEYBYTES))
        crypto_kdf_derive_from_key(&key, key.count, 1, "wgl-cust", seed)
        return SealingKey(key: key)
    }
}

/// Bytes from the system's random source, by libsodium.
public enum SecureRandom {
    public static func bytes(_ count: Int) -> [UInt8] {
        Sodium.randomBytes(count)
    }
}
