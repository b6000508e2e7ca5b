public import Digests
public import FoundationEssentials
public import Identity
import WaggleProtocol

/// Who this node is towards other nodes.
public struct NodeIdentity: Sendable {
    /// Author id of the node's key chain; the text form is `keyid` of its request signatures.
    public let id: Hash32
    /// A device key of the node, with the scope `node`.
    public let key: SigningKey
    /// Serialized key documents, genesis first: an introduction to nodes that do not know this one.
    public let keyDocuments: [Data]

    public init(id: Hash32, key: SigningKey, keyDocuments: [Data]) {
        self.id = id
        self.key = key
        self.keyDocuments = keyDocuments
    }
}

extension NodeIdentity {
    /// A node that exists for the length of one question: keys that are kept nowhere, and their documents.
    public static func passing(now: UInt64) throws -> (identity: NodeIdentity, documents: [Data]) {
        let secret = RecoverySecret.random()
        let genesis = try secret.genesis(.node)
        let key = SigningKey.random()
        var device = WireDevice()
        device.key = key.publicKey.data
        device.label = "passing"
        device.scopes = [.node]
        let listed = try KeyChain(genesis: genesis).listing(device, by: .words(secret), now: now)
        let documents = [genesis.envelope, listed.envelope]
        return (NodeIdentity(id: genesis.id, key: key, keyDocuments: documents), documents)
    }
}

/// What another node says of itself, checked: the chain is valid and the announce is signed by a key that may.
public struct NodeCard: Sendable {
    public let id: Hash32
    public let chain: KeyChain
    public let name: String
    public let urls: [String]
    public let software: String
    /// Serialized envelopes: the key documents, then the announce.
    public let envelopes: [Data]

    /// Reads the two parts of `GET /w/1/node`.
    ///
    /// - Throws: words that say what does not hold together.
    public init(keyDocuments: [Data], announce: Data) throws(NodeCardError) {
        do {
            guard let first = keyDocuments.first else { throw NodeCardError(what: "there is no key document") }
            var chain = try KeyChain(genesis: SignedPost(envelope: first))
            for envelope in keyDocuments.dropFirst() {
                let post = try SignedPost(envelope: envelope)
                if post.kind == .keyDocument { try chain.add(post) }
            }
            guard chain.role == .node else { throw NodeCardError(what: "these are a person's keys, not a node's") }
            var card = (name: "", urls: [String](), software: "")
            if !announce.isEmpty {
                let post = try SignedPost(envelope: announce)
                guard case .nodeAnnounce(let body)? = post.post.body, post.author == chain.author,
                    let device = post.device,
                    chain.verdict(
                        device: device, created: post.post.created, id: post.id, scope: .node, checkpoint: { _ in nil })
                        == .accepted
                else { throw NodeCardError(what: "the announce is not the node's own") }
                card = (body.name, body.urls, body.software)
            }
            id = chain.author
            self.chain = chain
            (name, urls, software) = card
            envelopes = keyDocuments + (announce.isEmpty ? [] : [announce])
        } catch let error as NodeCardError {
            throw error
        } catch let error as PostError {
            throw NodeCardError(what: error.message)
        } catch let error as KeyChainError {
            throw NodeCardError(what: error.message)
        } catch {
            throw NodeCardError(what: "\(error)")
        }
    }
}

/// Why a node's own words about itself do not hold.
public struct NodeCardError: Error, Equatable, Sendable {
    public let what: String
}
