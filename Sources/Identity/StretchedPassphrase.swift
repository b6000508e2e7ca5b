import CSodium
public import Digests

/// How one passphrase is stretched; stored beside what depends on it.
public struct PassphraseParameters: Sendable, Hashable {
    /// 16 random bytes.
    public let salt: [UInt8]
    /// Passes over the memory.
    public let operations: UInt64
    public let memoryBytes: Int

    /// Nil for a salt of another length, and for a cost that no node would have chosen: a hostile row must not make it
    /// allocate without end.
    public init?(salt: [UInt8], operations: UInt64, memoryBytes: Int) {
        guard salt.count == Int(crypto_pwhash_SALTBYTES), 1...16 ~= operations,
            (8 << 10)...(1 << 30) ~= memoryBytes
        else { return nil }
        self.salt = salt
        self.operations = operations
        self.memoryBytes = memoryBytes
    }

    private init(operations: UInt64, memoryBytes: Int) {
        salt = Sodium.randomBytes(Int(crypto_pwhash_SALTBYTES))
        self.operations = operations
        self.memoryBytes = memoryBytes
    }

    /// For people who sign in at a server: two passes over 64 MiB (`crypto_pwhash_OPSLIMIT_INTERACTIVE`).
    public static func interactive() -> PassphraseParameters {
        PassphraseParameters(
            operations: UInt64(crypto_pwhash_OPSLIMIT_INTERACTIVE),
            memoryBytes: Int(crypto_pwhash_MEMLIMIT_INTERACTIVE))
    }
}

/// A passphrase after Argon2id (RFC 9106): one half is a key that seals, and the hash of the other half tells whether the
/// passphrase was right. Neither leads to the other, so one pass does for both.
public struct StretchedPassphrase: Sendable {
    public let parameters: PassphraseParameters
    public let sealingKey: SealingKey
    /// To be stored and compared.
    public let verifier: Hash32

    /// Takes tenths of a second and the memory that the parameters name. Nil when there is not so much memory.
    public init?(_ passphrase: String, _ parameters: PassphraseParameters) {
        Sodium.start()
        var bytes = [UInt8](repeating: 0, count: 64)
        let password = Array(passphrase.utf8).map { CChar(bitPattern: $0) }
        let status = crypto_pwhash(
            &bytes, UInt64(bytes.count), password, UInt64(password.count), parameters.salt, parameters.operations,
            parameters.memoryBytes, crypto_pwhash_ALG_ARGON2ID13)
        guard status == 0 else { return nil }
        self.parameters = parameters
        sealingKey = SealingKey(key: Array(bytes[..<32]))
        verifier = SHA256.hash(Array(bytes[32...]))
    }
}
