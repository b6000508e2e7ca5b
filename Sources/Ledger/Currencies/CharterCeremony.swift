public import Digests
public import FoundationEssentials
public import Identity
import WaggleProtocol

/// A charter on its way from operator to operator: a document that is passed on as a file.
///
/// Everybody adds their own node, until there are 3f + 1; then everybody signs what it came to. Only a charter that all of
/// its operators signed is used: nobody becomes an authority unasked, and nobody is left with another one.
public struct CharterCeremony: Codable, Hashable, Sendable {
    private var version = 1
    /// Its own cap is of no account: each operator brings one.
    public private(set) var rules: CharterDraft
    /// Unix seconds.
    public private(set) var genesis: UInt64
    /// In the order in which they came, which is that of the charter.
    public private(set) var operators: [Operator] = []
    public private(set) var signatures: [Signature] = []

    public struct Operator: Codable, Hashable, Sendable {
        /// 64 hexadecimal digits: decides, and is the account that grants.
        public let key: String
        /// The node's id.
        public let node: String
        /// Where it answers, for good.
        public let url: String
        /// What it may issue in one epoch; 0 for nothing.
        public let capPerEpoch: UInt64

        public init(key: Hash32, node: String, url: String, capPerEpoch: UInt64) {
            (self.key, self.node, self.url, self.capPerEpoch) = (key.hex, node, url, capPerEpoch)
        }
    }

    public struct Signature: Codable, Hashable, Sendable {
        public let key: String
        /// 128 hexadecimal digits over the charter's name.
        public let signature: String
    }

    /// - Parameter now: unix seconds.
    public init(_ rules: CharterDraft, now: UInt64) {
        self.rules = rules
        genesis = rules.epochStart(now)
    }

    /// Reads a document. What is wrong with the charter that it comes to is found by `charter`.
    public init(json: Data) throws(LedgerError) {
        guard json.count <= Limits.Ledger.charterBytes, let read = try? JSONDecoder().decode(Self.self, from: json),
            read.version == 1
        else { throw .malformed("the file is no charter on its way; `waggle buzz charter draft` begins one") }
        guard read.operators.count <= Limits.Ledger.authorities, read.signatures.count <= Limits.Ledger.authorities,
            read.rules.rewards.count <= Limits.Ledger.rewards
        else { throw .malformed("a charter has at most \(Limits.Ledger.authorities) operators") }
        self = read
    }

    public var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return ((try? encoder.encode(self)) ?? Data()) + Data("\n".utf8)
    }

    /// Adds an operator, or changes what the same one added before.
    ///
    /// - Throws: `stopped` once somebody signed: what they signed would be another charter.
    public mutating func add(_ new: Operator) throws(LedgerError) {
        guard signatures.isEmpty else {
            throw .stopped("the charter is signed already, and a change would make another one; begin a new draft")
        }
        guard !new.url.isEmpty, new.url.utf8.count <= Limits.Ledger.textBytes else {
            throw .malformed("an operator has an address of at most \(Limits.Ledger.textBytes) bytes")
        }
        if let taken = operators.first(where: { $0.url == new.url && $0.key != new.key }) {
            throw .stopped("\(new.url) is the address of the operator \(taken.key.prefix(16))… already")
        }
        if let place = operators.firstIndex(where: { $0.key == new.key }) {
            operators[place] = new
        } else {
            guard operators.count < Limits.Ledger.authorities else {
                throw .malformed("a charter has at most \(Limits.Ledger.authorities) operators")
            }
            operators.append(new)
        }
    }

    /// The charter that the document comes to.
    ///
    /// - Throws: `stopped` while there are not 3f + 1 operators; `malformed` when they come to no charter.
    public func charter() throws(LedgerError) -> Charter {
        guard operators.count >= 4, operators.count % 3 == 1 else {
            throw .stopped(
                """
                \(operators.count) operators are in the draft; it takes 4, 7, 10, … of them, so that one, two, three … may \
                fail or lie
                """)
        }
        var founders: [CharterDraft.Founder] = []
        for one in operators {
            guard let key = Hash32(hex: one.key) else { throw .malformed("an operator's key is none") }
            founders.append(CharterDraft.Founder(key: key, node: one.node, url: one.url, capPerEpoch: one.capPerEpoch))
        }
        return try rules.charter(founders, genesis: genesis)
    }

    /// Signs for an operator.
    ///
    /// - Throws: `wrongKey` for a key that is none of the operators'.
    public mutating func sign(_ key: SigningKey) throws(LedgerError) {
        let charter = try charter()
        let name = key.publicKey.hex
        guard operators.contains(where: { $0.key == name }) else {
            throw .wrongKey("this node is none of the operators; `waggle buzz charter draft FILE` adds it")
        }
        signatures.removeAll { $0.key == name }
        let signature = key.sign(SignedBytes.founding(charter.currency))
        signatures.append(Signature(key: name, signature: Hex.encode(signature)))
    }

    /// Operators whose signature is missing.
    ///
    /// - Throws: `untrusted` for a signature that is not of this charter: somebody changed the document, or signed another.
    public func unsigned() throws(LedgerError) -> [Operator] {
        let charter = try charter()
        let bytes = SignedBytes.founding(charter.currency)
        for one in signatures {
            guard let key = Hash32(hex: one.key), operators.contains(where: { $0.key == one.key }),
                let signature = Hex.decode(one.signature, count: Ed25519.signatureBytes),
                Ed25519.verify(signature, message: bytes, key: key)
            else {
                throw .untrusted(
                    "the signature of \(one.key.prefix(16))… is not of this charter: the document was changed after it")
            }
        }
        return operators.filter { one in !signatures.contains { $0.key == one.key } }
    }
}
