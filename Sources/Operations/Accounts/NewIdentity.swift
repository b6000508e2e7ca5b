import Digests
public import FoundationEssentials
public import Identity
import SystemPackage
import WaggleProtocol

/// A key chain of two documents: the genesis that the recovery words alone remake, and a version that lists a new device
/// key.
struct NewIdentity {
    let genesis: SignedPost
    let devices: SignedPost
    /// Of the device key.
    let seed: [UInt8]

    var author: Hash32 { genesis.id }
    /// In the order in which the log must see them.
    var documents: [SignedPost] { [genesis, devices] }

    /// - Parameter now: unix seconds.
    init(_ secret: RecoverySecret, _ chain: RecoverySecret.Chain, label: String, scopes: [WireScope], now: UInt64)
        throws
    {
        // A person's first device names their account in currencies: whoever has the words can always sign for it.
        seed = chain == .person ? secret.ledgerSeed : RecoverySecret.random().bytes
        guard let device = SigningKey(seed: seed) else { throw OperationError(.failed, "no device key") }
        genesis = try secret.genesis(chain)
        var document = genesis.post.keyDocument
        document.version = 2
        document.previous = genesis.id.data
        var entry = WireDevice()
        entry.key = device.publicKey.data
        entry.label = label
        entry.scopes = scopes
        document.devices = [entry]
        devices = try PostSigning.byRoots(
            .keyDocument(document), author: genesis.id, created: now, roots: [secret.root(chain, generation: 0)])
    }

    /// A person whose device may sign everything that a person says.
    static func person(
        _ secret: RecoverySecret, label: String = "this computer", now: UInt64
    ) throws -> NewIdentity {
        try NewIdentity(
            secret, .person, label: label, scopes: [.release, .review, .post, .list, .ledger], now: now)
    }
}

extension Home {
    private var keyDocumentsURL: URL { URL(filePath: keys.appending("genesis.posts").string) }

    /// Envelopes of the key documents that were made in this home, in the order in which the log must see them. They lie
    /// beside the keys, so that keys that were saved speak for somebody even where the log was not.
    public var keyDocuments: [Data] {
        guard let text = try? String(contentsOf: keyDocumentsURL, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { Data(base64Encoded: String($0)) }
    }

    /// Writes the key of a node that came back, the documents first: a key file without them would speak for nobody.
    public func write(nodeKey: KeyFile, documents: [Data]) throws {
        try write(keyDocuments: documents)
        try nodeKey.write(to: self.nodeKey.string)
    }

    func write(keyDocuments: [Data]) throws {
        let lines = keyDocuments.map { $0.base64EncodedString() + "\n" }.joined()
        try Data(lines.utf8).write(to: keyDocumentsURL, options: .atomic)
    }
}
