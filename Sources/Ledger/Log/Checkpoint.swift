public import Digests
import FoundationEssentials
public import Identity

/// What an authority says its log is: the C2SP tlog-checkpoint text with the ledger's extension lines.
///
///     waggle.buzz/<currency>/<authority>
///     <entries>
///     <root, base64>
///     epoch <n>
///     state <root of accounts and holds, base64>
///     supply <issued> <burned> <held>
public struct LedgerCheckpoint: Hashable, Sendable {
    public let origin: String
    public let size: UInt64
    public let root: Hash32
    public let epoch: Int64
    public let stateRoot: Hash32
    public let issued: Int64
    public let burned: Int64
    public let held: Int64

    public init(
        currency: Hash32, authority: Hash32, size: UInt64, root: Hash32, epoch: Int64, stateRoot: Hash32,
        issued: Int64, burned: Int64, held: Int64
    ) {
        origin = Self.origin(currency: currency, authority: authority)
        (self.size, self.root, self.epoch, self.stateRoot) = (size, root, epoch, stateRoot)
        (self.issued, self.burned, self.held) = (issued, burned, held)
    }

    public static func origin(currency: Hash32, authority: Hash32) -> String {
        "waggle.buzz/\(currency.hex)/\(authority.hex)"
    }

    /// The signed text, each line ended by a line feed.
    public var text: String {
        """
        \(origin)
        \(size)
        \(Data(root.bytes).base64EncodedString())
        epoch \(epoch)
        state \(Data(stateRoot.bytes).base64EncodedString())
        supply \(issued) \(burned) \(held)

        """
    }

    /// Reads a text in exactly this form.
    public init?(text: some StringProtocol) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 7, lines[6].isEmpty, !lines[0].isEmpty, let size = Self.number(lines[1]),
            let root = Self.hash(lines[2]), lines[3].hasPrefix("epoch "), lines[4].hasPrefix("state "),
            lines[5].hasPrefix("supply "), let epoch = Self.number(lines[3].dropFirst(6)),
            let stateRoot = Self.hash(lines[4].dropFirst(6))
        else { return nil }
        let supply = lines[5].dropFirst(7).split(separator: " ", omittingEmptySubsequences: false).map {
            Self.number($0)
        }
        guard supply.count == 3, let issued = supply[0], let burned = supply[1], let held = supply[2] else {
            return nil
        }
        origin = String(lines[0])
        (self.size, self.root, self.epoch, self.stateRoot) = (UInt64(size), root, epoch, stateRoot)
        (self.issued, self.burned, self.held) = (issued, burned, held)
    }

    /// A decimal number without sign or leading zeros.
    private static func number(_ text: some StringProtocol) -> Int64? {
        guard let number = Int64(text), number >= 0, String(number) == text else { return nil }
        return number
    }

    private static func hash(_ text: some StringProtocol) -> Hash32? {
        guard let data = Data(base64Encoded: String(text)), data.base64EncodedString() == text else { return nil }
        return Hash32(data)
    }
}

/// A text with signatures in the form of C2SP signed-note: of the log's key, and of witnesses.
public struct SignedNote: Hashable, Sendable {
    public struct Signature: Hashable, Sendable {
        public let name: String
        /// The first four bytes of the key's hash, then what the key signed.
        public let bytes: [UInt8]
    }

    public let text: String
    public internal(set) var signatures: [Signature]

    public init(text: String) {
        self.text = text
        signatures = []
    }

    /// The whole note.
    public var encoded: String {
        text + "\n"
            + signatures.map { "\u{2014} \($0.name) \(Data($0.bytes).base64EncodedString())\n" }.joined()
    }

    /// Signatures that a note has at most: those of readers elsewhere allow no more.
    static let most = 16

    /// Reads a note of at most 16 KiB and 16 signatures. Signatures are checked by `isSigned`.
    public init?(encoded: String) {
        guard encoded.utf8.count <= 16 << 10, let split = encoded.firstRange(of: "\n\n") else { return nil }
        text = String(encoded[..<split.lowerBound]) + "\n"
        let lines = encoded[split.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count <= Self.most + 1, lines.last?.isEmpty == true else { return nil }
        signatures = []
        for line in lines.dropLast() {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "\u{2014}", !parts[1].isEmpty,
                let bytes = Data(base64Encoded: String(parts[2])), bytes.count > 4
            else { return nil }
            signatures.append(Signature(name: String(parts[1]), bytes: Array(bytes)))
        }
        guard !signatures.isEmpty else { return nil }
    }

    /// Adds the signature of a log's ed25519 key (algorithm 1).
    public mutating func sign(as name: String, _ key: SigningKey) {
        signatures.append(
            Signature(name: name, bytes: Self.keyID(name, 1, key.publicKey) + key.sign(Array(text.utf8))))
    }

    public func isSigned(as name: String, by key: Hash32) -> Bool { signature(as: name, by: key) != nil }

    /// The log's signature.
    func signature(as name: String, by key: Hash32) -> Signature? {
        let id = Self.keyID(name, 1, key)
        return signatures.first { signature in
            signature.name == name && Array(signature.bytes.prefix(4)) == id
                && Ed25519.verify(Array(signature.bytes.dropFirst(4)), message: Array(text.utf8), key: key)
        }
    }

    /// Adds a witness's cosignature (C2SP tlog-cosignature, algorithm 4): "I have seen no other log at `time`".
    public mutating func cosign(as name: String, _ key: SigningKey, time: UInt64) {
        let stamp = withUnsafeBytes(of: time.bigEndian) { Array($0) }
        let signature = key.sign(Array(Self.cosigned(text, time).utf8))
        signatures.append(Signature(name: name, bytes: Self.keyID(name, 4, key.publicKey) + stamp + signature))
    }

    /// When a witness saw this note, by its own clock; nil when it did not sign it.
    public func cosigned(as name: String, by key: Hash32) -> UInt64? { cosignature(as: name, by: key)?.time }

    /// A witness's signature, and when it was made by its own clock.
    func cosignature(as name: String, by key: Hash32) -> (signature: Signature, time: UInt64)? {
        let id = Self.keyID(name, 4, key)
        for signature in signatures
        where signature.name == name && signature.bytes.count == 76 && Array(signature.bytes.prefix(4)) == id {
            let time = signature.bytes[4..<12].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let message = Array(Self.cosigned(text, time).utf8)
            if Ed25519.verify(Array(signature.bytes[12...]), message: message, key: key) { return (signature, time) }
        }
        return nil
    }

    private static func cosigned(_ text: String, _ time: UInt64) -> String {
        "cosignature/v1\ntime \(time)\n" + text
    }

    /// The first four bytes of SHA-256(name ‖ "\n" ‖ algorithm ‖ key).
    private static func keyID(_ name: String, _ algorithm: UInt8, _ key: Hash32) -> [UInt8] {
        Array(SHA256.hash(Array(name.utf8) + [0x0A, algorithm] + key.bytes).bytes.prefix(4))
    }
}
