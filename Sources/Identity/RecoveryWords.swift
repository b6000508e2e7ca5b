import CSodium
import Digests
import FoundationEssentials
import WaggleProtocol

/// Why a list of recovery words is refused.
public enum RecoveryWordsError: Error, Equatable, Sendable {
    case wrongCount(Int)
    case unknownWord(String)
    case checksum

    public var message: String {
        switch self {
        case .wrongCount(let count): "there are \(count) words; recovery words are 24"
        case .unknownWord(let word): "\"\(word)\" is not one of the recovery words; check its spelling"
        case .checksum: "the words do not belong together: one is wrong, or two have changed places"
        }
    }
}

/// The secret of an identity that a person writes down: 32 bytes as 24 words (the encoding of BIP 39).
///
/// Root keys of every generation are derived from it (libsodium's `crypto_kdf`, BLAKE2b), so the words bring back an
/// identity on a new machine, and the next rotation's keys need no second piece of paper. A thief of one root key
/// learns nothing of the next.
public struct RecoverySecret: Sendable, Equatable {
    private let entropy: [UInt8]

    /// Which chain a root key belongs to.
    public enum Chain: String, Sendable {
        case person = "wgl-pers"
        case node = "wgl-node"
    }

    /// 32 random bytes.
    public static func random() -> RecoverySecret {
        RecoverySecret(entropy: Sodium.randomBytes(32))
    }

    /// Nil unless there are 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        entropy = bytes
    }

    private init(entropy: [UInt8]) {
        self.entropy = entropy
    }

    /// Reads 24 words in any case, separated by white space.
    public init(words text: String) throws(RecoveryWordsError) {
        let words = text.lowercased().split(whereSeparator: \.isWhitespace)
        guard words.count == 24 else { throw .wrongCount(words.count) }
        var bits: [Bool] = []
        for word in words {
            guard let index = RecoveryWordList.words.firstIndex(of: String(word)) else {
                throw .unknownWord(String(word))
            }
            for shift in stride(from: 10, through: 0, by: -1) { bits.append(index >> shift & 1 == 1) }
        }
        let bytes = stride(from: 0, to: 264, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        entropy = Array(bytes[..<32])
        guard SHA256.hash(entropy).bytes[0] == bytes[32] else { throw .checksum }
    }

    /// The 24 words.
    public var words: String {
        let bytes = entropy + [SHA256.hash(entropy).bytes[0]]
        let bits: [Bool] = bytes.flatMap { (byte: UInt8) -> [Bool] in
            (0..<8).map { byte >> (7 - UInt8($0)) & 1 == 1 }
        }
        return stride(from: 0, to: 264, by: 11).map { start in
            RecoveryWordList.words[bits[start..<start + 11].reduce(0) { $0 << 1 | ($1 ? 1 : 0) }]
        }.joined(separator: " ")
    }

    /// The secret itself, for sealing under a passphrase.
    public var bytes: [UInt8] { entropy }

    /// The root key of a generation: 0 for the genesis, 1 after the first rotation, and so on.
    public func root(_ chain: Chain, generation: UInt64) -> SigningKey {
        var seed = [UInt8](repeating: 0, count: 32)
        crypto_kdf_derive_from_key(&seed, seed.count, generation, chain.rawValue, entropy)
        guard let key = SigningKey(seed: seed) else { preconditionFailure("a derived seed has 32 bytes") }
        return key
    }

    /// 32 bytes for another purpose; the context has 8 characters.
    func derived(context: String) -> [UInt8] {
        var seed = [UInt8](repeating: 0, count: 32)
        crypto_kdf_derive_from_key(&seed, seed.count, 0, context, entropy)
        return seed
    }
}

extension RecoverySecret {
    /// Unix second of a genesis made from recovery words: the words do not know the time, and must remake the same
    /// bytes.
    public static let genesisCreated: UInt64 = 1

    /// Version 1 of the key document that belongs to the words: one root, one pre-committed next root, no devices.
    ///
    /// Nothing in it is random, so whoever has the words can find the author id, and with it the rest of the chain on
    /// any node that knows the author.
    public func genesis(_ chain: Chain) throws(PostError) -> SignedPost {
        let root = root(chain, generation: 0)
        var document = WireKeyDocument()
        document.version = 1
        document.roots = [root.publicKey.data]
        document.threshold = 1
        document.nextRoots = [SHA256.hash(self.root(chain, generation: 1).publicKey.bytes).data]
        document.nextThreshold = 1
        document.role = chain == .node ? .node : .person
        return try PostSigning.genesis(document, created: Self.genesisCreated, roots: [root])
    }
}

extension SigningKey {
    /// A new key from the system's random source.
    public static func random() -> SigningKey {
        guard let key = SigningKey(seed: Sodium.randomBytes(32)) else { preconditionFailure("a seed has 32 bytes") }
        return key
    }
}
