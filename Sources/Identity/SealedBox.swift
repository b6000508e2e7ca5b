import CSodium
public import Digests

/// Bytes that the holder of one device key opens and nobody else, whoever closed them included (libsodium's sealed boxes:
/// X25519, XSalsa20-Poly1305, with a fresh key for each). The device's ed25519 key stands for its X25519 form.
public enum SealedBox {
    /// Nil for a key that is none.
    public static func seal(_ bytes: [UInt8], for device: Hash32) -> [UInt8]? {
        var curve = [UInt8](repeating: 0, count: Int(crypto_box_PUBLICKEYBYTES))
        guard crypto_sign_ed25519_pk_to_curve25519(&curve, device.bytes) == 0 else { return nil }
        var box = [UInt8](repeating: 0, count: bytes.count + crypto_box_sealbytes())
        return crypto_box_seal(&box, bytes, UInt64(bytes.count), curve) == 0 ? box : nil
    }
}

extension SigningKey {
    /// Nil for what was sealed for another key, and for what was changed since.
    public func openSealed(_ box: [UInt8]) -> [UInt8]? {
        let overhead = crypto_box_sealbytes()
        guard box.count >= overhead else { return nil }
        var ed25519 = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        var ed25519Public = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        crypto_sign_seed_keypair(&ed25519Public, &ed25519, seed)
        var secret = [UInt8](repeating: 0, count: Int(crypto_box_SECRETKEYBYTES))
        var curve = [UInt8](repeating: 0, count: Int(crypto_box_PUBLICKEYBYTES))
        guard crypto_sign_ed25519_sk_to_curve25519(&secret, ed25519) == 0,
            crypto_sign_ed25519_pk_to_curve25519(&curve, ed25519Public) == 0
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: box.count - overhead)
        return crypto_box_seal_open(&bytes, box, UInt64(box.count), curve, secret) == 0 ? bytes : nil
    }
}
