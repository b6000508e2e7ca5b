public import Digests
public import FoundationEssentials
import Glibc
import WaggleProtocol

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
    /// Envelopes of the author's key documents, genesis first: what makes the key speak for somebody on another machine.
    /// Empty in a home, which keeps them beside.
    public let documents: [Data]

    public init(author: Hash32, label: String, secret: [UInt8], documents: [Data] = []) {
        self.author = author
        self.label = label
        self.secret = secret
        self.documents = documents
    }

    private struct Stored: Codable {
        var version = 1
        var author: String
        var label: String
        var secret: String?
        var sealed: PassphraseBox?
        /// Key documents of the author in base 64, genesis first, where the file goes to another machine.
        var documents: [String]?
    }

    /// Writes a new file. Returns after it and its directory are on disk.
    public func write(to path: String, passphrase: String? = nil) throws(KeyFileError) {
        try Self.create(path, contents: contents(for: path, passphrase), replacing: false)
    }

    /// Writes a file in the place of the one that is there, in one step.
    public func replace(at path: String, passphrase: String? = nil) throws(KeyFileError) {
        try Self.create(path, contents: contents(for: path, passphrase), replacing: true)
    }

    private func contents(for path: String, _ passphrase: String?) throws(KeyFileError) -> Data {
        var stored = Stored(author: AuthorID.text(author), label: label)
        if let passphrase {
            do {
                stored.sealed = try PassphraseBox(sealing: secret, passphrase: passphrase)
            } catch {
                throw .unreadable(path: path, reason: "not enough memory for Argon2id")
            }
        } else {
            stored.secret = Hex.encode(secret)
        }
        if !documents.isEmpty { stored.documents = documents.map { $0.base64EncodedString() } }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let json = try? encoder.encode(stored) else { throw .malformed(path: path) }
        return json + Data("\n".utf8)
    }

    /// Reads a file and, when it is sealed, opens it with the passphrase.
    public init(path: String, passphrase: String? = nil) throws(KeyFileError) {
        let stored = try Self.read(path)
        guard stored.version == 1, let author = AuthorID.parse(stored.author) else { throw .malformed(path: path) }
        self.author = author
        label = stored.label
        let documents = (stored.documents ?? []).map { Data(base64Encoded: $0) }
        self.documents = documents.compactMap { $0 }
        guard self.documents.count == documents.count else { throw .malformed(path: path) }
        if let sealed = stored.sealed {
            guard let passphrase else { throw .passphraseNeeded(path: path) }
            do {
                secret = try sealed.open(passphrase, limit: 32)
            } catch {
                switch error {
                case .malformed: throw .malformed(path: path)
                case .wrongPassphrase: throw .wrongPassphrase(path: path)
                case .noMemory: throw .unreadable(path: path, reason: "not enough memory for Argon2id")
                }
            }
            guard secret.count == 32 else { throw .malformed(path: path) }
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
        guard status.st_size <= Limits.KeyFile.bytes, let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw .unreadable(path: path, reason: "it cannot be read")
        }
        guard let stored = try? JSONDecoder().decode(Stored.self, from: data) else { throw .malformed(path: path) }
        return stored
    }

    // MARK: Disk

    private static func create(_ path: String, contents: Data, replacing: Bool) throws(KeyFileError) {
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
        guard (replacing ? rename(temporary, path) : link(temporary, path)) == 0 else { throw failure() }
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
