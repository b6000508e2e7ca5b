import CSodium
import Digests
import FoundationEssentials

/// Why a sealed box does not open.
public enum PassphraseBoxError: Error, Equatable, Sendable {
    case malformed
    /// The passphrase is another one, or the bytes are not as they were sealed.
    case wrongPassphrase
    case noMemory
}

/// Bytes under a passphrase: Argon2id makes the key, XSalsa20-Poly1305 seals (libsodium's `crypto_pwhash` and
/// `crypto_secretbox`).
public struct PassphraseBox: Codable, Sendable, Equatable {
    private var kdf = "argon2id13"
    private var operations: UInt64
    private var memoryBytes: Int
    private var salt: String
    private var nonce: String
    private var box: String

    /// What deriving the key costs whoever guesses.
    public struct Cost: Sendable {
        let operations: UInt64
        let memoryBytes: Int

        /// Half a second and 256 MiB, about.
        public static let moderate = Cost(
            operations: UInt64(crypto_pwhash_OPSLIMIT_MODERATE), memoryBytes: Int(crypto_pwhash_MEMLIMIT_MODERATE))

        /// For tests and vectors: guessed in no time.
        package static let least = Cost(operations: 1, memoryBytes: 8 << 10)
    }

    /// Seals bytes with fresh salt and nonce.
    public init(sealing bytes: [UInt8], passphrase: String, cost: Cost = .moderate) throws(PassphraseBoxError) {
        try self.init(
            sealing: bytes, passphrase: passphrase, cost: cost,
            salt: Sodium.randomBytes(Int(crypto_pwhash_SALTBYTES)),
            nonce: Sodium.randomBytes(Int(crypto_secretbox_NONCEBYTES)))
    }

    package init(
        sealing bytes: [UInt8], passphrase: String, cost: Cost, salt: [UInt8], nonce: [UInt8]
    ) throws(PassphraseBoxError) {
        let key = try Self.stretch(passphrase, salt: salt, operations: cost.operations, memory: cost.memoryBytes)
        var sealed = [UInt8](repeating: 0, count: bytes.count + Int(crypto_secretbox_MACBYTES))
        crypto_secretbox_easy(&sealed, bytes, UInt64(bytes.count), nonce, key)
        operations = cost.operations
        memoryBytes = cost.memoryBytes
        self.salt = Hex.encode(salt)
        self.nonce = Hex.encode(nonce)
        box = Hex.encode(sealed)
    }

    /// The bytes.
    ///
    /// - Parameter limit: bytes that are expected at most.
    public func open(_ passphrase: String, limit: Int) throws(PassphraseBoxError) -> [UInt8] {
        let overhead = Int(crypto_secretbox_MACBYTES)
        let count = box.utf8.count / 2
        guard kdf == "argon2id13", overhead...overhead + limit ~= count,
            let salt = Hex.decode(salt, count: Int(crypto_pwhash_SALTBYTES)),
            let nonce = Hex.decode(nonce, count: Int(crypto_secretbox_NONCEBYTES)),
            let sealed = Hex.decode(box, count: count),
            // A hostile file must not make the node allocate, or work, without end.
            1...16 ~= operations, (8 << 10)...(1 << 30) ~= memoryBytes
        else { throw .malformed }
        let key = try Self.stretch(passphrase, salt: salt, operations: operations, memory: memoryBytes)
        var bytes = [UInt8](repeating: 0, count: count - overhead)
        guard crypto_secretbox_open_easy(&bytes, sealed, UInt64(sealed.count), nonce, key) == 0 else {
            throw .wrongPassphrase
        }
        return bytes
    }

    private static func stretch(
        _ passphrase: String, salt: [UInt8], operations: UInt64, memory: Int
    ) throws(PassphraseBoxError) -> [UInt8] {
        Sodium.start()
        var key = [UInt8](repeating: 0, count: Int(crypto_secretbox_KEYBYTES))
        let password = Array(passphrase.utf8).map { CChar(bitPattern: $0) }
        let status = crypto_pwhash(
            &key, UInt64(key.count), password, UInt64(password.count), salt, operations, memory,
            crypto_pwhash_ALG_ARGON2ID13)
        guard status == 0 else { throw .noMemory }
        return key
    }
}
