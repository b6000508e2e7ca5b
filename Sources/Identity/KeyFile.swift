import CSodium
public import Digests
import FoundationEssentials
import Glibc

/// Why a key file cannot be read or written.
public enum KeyFileError: Error, Equatable, Sendable {
    case missing(path: String)
    case unreadable(path: String, reason: String)
    case malformed(path: String)
    case exists(path: String)
    case passphraseNeeded(path: String)
    case wrongPassphrase(path: String)
    case tooOpen(path: String, mode: UInt32)

    public var message: String {
        switch self {
        case .missing(let path): "there is no key at \(path); `waggle init` makes one"
        case .unreadable(let path, let reason): "the key at \(path) cannot be used: \(reason)"
        case .malformed(let path): "\(path) is no key file of this version; restore it from a backup"
        case .exists(let path): "\(path) is there already; a key is never overwritten"
        case .passphraseNeeded(let path): "the key at \(path) is sealed; give its passphrase in WAGGLE_PASSPHRASE"
        case .wrongPassphrase(let path): "that is not the passphrase of \(path)"
        case .tooOpen(let path, let mode):
            "others can read \(path) (mode \(String(mode, radix: 8))); run `chmod 600 \(path)`"
        }
    }
}

/// A secret on disk: a device key of an author, or a recovery secret; mode 0600, optionally sealed by a passphrase
/// (Argon2id for the key, XSalsa20-Poly1305 for the box; libsodium's `crypto_pwhash` and `crypto_secretbox`).
public struct KeyFile: Sendable {
    public let author: Hash32
    public let label: String
    /// 32 bytes: a signing seed or a recovery secret.
    public let secret: [UInt8]

    public init(author: Hash32, label: String, secret: [UInt8]) {
        self.author = author
        self.label = label
        self.secret = secret
    }

    private struct Stored: Codable {
        var version = 1
        var author: String
        var label: String
        var secret: String?
        var sealed: Sealed?
    }

    private struct Sealed: Codable {
        var kdf = "argon2id13"
        var operations: UInt64
        var memoryBytes: Int
        var salt: String
        var nonce: String
        var box: String
    }

    /// Writes a new file. Returns after it and its directory are on disk.
    public func write(to path: String, passphrase: String? = nil) throws(KeyFileError) {
        var stored = Stored(author: AuthorID.text(author), label: label)
        if let passphrase {
            stored.sealed = try seal(passphrase, path: path)
        } else {
            stored.secret = Hex.encode(secret)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let json = try? encoder.encode(stored) else { throw .malformed(path: path) }
        try Self.create(path, contents: json + Data("\n".utf8))
    }

    /// Reads a file and, when it is sealed, opens it with the passphrase.
    public init(path: String, passphrase: String? = nil) throws(KeyFileError) {
        let stored = try Self.read(path)
        guard stored.version == 1, let author = AuthorID.parse(stored.author) else { throw .malformed(path: path) }
        self.author = author
        label = stored.label
        if let sealed = stored.sealed {
            guard let passphrase else { throw .passphraseNeeded(path: path) }
            secret = try Self.open(sealed, passphrase, path: path)
        } else if let text = stored.secret, let bytes = Hex.decode(text, count: 32) {
            secret = bytes
        } else {
            throw .malformed(path: path)
        }
    }

    /// The author whose key a file holds, without opening the seal.
    public static func author(path: String) throws(KeyFileError) -> Hash32 {
        guard let author = AuthorID.parse(try read(path).author) else { throw .malformed(path: path) }
        return author
    }

    private static func read(_ path: String) throws(KeyFileError) -> Stored {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw errno == ENOENT
                ? .missing(path: path) : .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .unreadable(path: path, reason: "it is no file") }
        guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path, mode: status.st_mode & 0o777) }
        guard status.st_size <= 64 << 10, let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw .unreadable(path: path, reason: "it cannot be read")
        }
        guard let stored = try? JSONDecoder().decode(Stored.self, from: data) else { throw .malformed(path: path) }
        return stored
    }

    // MARK: Seal

    private func seal(_ passphrase: String, path: String) throws(KeyFileError) -> Sealed {
        let salt = Sodium.randomBytes(Int(crypto_pwhash_SALTBYTES))
        let nonce = Sodium.randomBytes(Int(crypto_secretbox_NONCEBYTES))
        let operations = UInt64(crypto_pwhash_OPSLIMIT_MODERATE)
        let memory = Int(crypto_pwhash_MEMLIMIT_MODERATE)
        let key = try Self.stretch(passphrase, salt: salt, operations: operations, memory: memory, path: path)
        var box = [UInt8](repeating: 0, count: secret.count + Int(crypto_secretbox_MACBYTES))
        crypto_secretbox_easy(&box, secret, UInt64(secret.count), nonce, key)
        return Sealed(
            operations: operations, memoryBytes: memory, salt: Hex.encode(salt), nonce: Hex.encode(nonce),
            box: Hex.encode(box))
    }

    private static func open(_ sealed: Sealed, _ passphrase: String, path: String) throws(KeyFileError) -> [UInt8] {
        guard sealed.kdf == "argon2id13",
            let salt = Hex.decode(sealed.salt, count: Int(crypto_pwhash_SALTBYTES)),
            let nonce = Hex.decode(sealed.nonce, count: Int(crypto_secretbox_NONCEBYTES)),
            let box = Hex.decode(sealed.box, count: 32 + Int(crypto_secretbox_MACBYTES)),
            // A hostile file must not make the node allocate without end.
            1...16 ~= sealed.operations, (8 << 10)...(1 << 30) ~= sealed.memoryBytes
        else { throw .malformed(path: path) }
        let key = try stretch(
            passphrase, salt: salt, operations: sealed.operations, memory: sealed.memoryBytes, path: path)
        var secret = [UInt8](repeating: 0, count: 32)
        guard crypto_secretbox_open_easy(&secret, box, UInt64(box.count), nonce, key) == 0 else {
            throw .wrongPassphrase(path: path)
        }
        return secret
    }

    private static func stretch(
        _ passphrase: String, salt: [UInt8], operations: UInt64, memory: Int, path: String
    ) throws(KeyFileError) -> [UInt8] {
        Sodium.start()
        var key = [UInt8](repeating: 0, count: Int(crypto_secretbox_KEYBYTES))
        let password = Array(passphrase.utf8).map { CChar(bitPattern: $0) }
        let status = crypto_pwhash(
            &key, UInt64(key.count), password, UInt64(password.count), salt, operations, memory,
            crypto_pwhash_ALG_ARGON2ID13)
        guard status == 0 else { throw .unreadable(path: path, reason: "not enough memory for Argon2id") }
        return key
    }

    // MARK: Disk

    private static func create(_ path: String, contents: Data) throws(KeyFileError) {
        func failure() -> KeyFileError {
            errno == EEXIST ? .exists(path: path) : .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        // A crash must not leave half a key under the name: write beside it, then link, which never overwrites.
        let temporary = path + ".new"
        unlink(temporary)
        let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure() }
        defer { unlink(temporary) }
        let written = contents.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        let isSynced = fsync(file) == 0
        close(file)
        guard written == contents.count, isSynced else {
            throw .unreadable(path: path, reason: "it could not be written")
        }
        guard link(temporary, path) == 0 else { throw failure() }
        let directory = Glibc.open(path.parentDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }
}

extension String {
    fileprivate var parentDirectory: String {
        guard let slash = lastIndex(of: "/") else { return "." }
        return slash == startIndex ? "/" : String(self[..<slash])
    }
}
