import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

/// The cases of `key-chain.json`: key documents in order of arrival, and what follows from them.
struct KeyChainVectors: Codable, Equatable {
    var description =
        "Key chains (spec/identity.md): documents in order of arrival, whether each is accepted, waits for "
        + "its parent or is refused, which are in force in the end, and which posts they let stand."
    var cases: [Case]

    struct Case: Codable, Equatable {
        let name: String
        var documents: [Document] = []
        /// Names of the documents in force, genesis first.
        var inForce: [String] = []
        var isDisputed = false
        var verdicts: [Verdict] = []
        var checkpoints: [Roots] = []
    }

    struct Document: Codable, Equatable {
        let name: String
        let envelope: String
        /// accepted, waits (its parent is not here) or refused.
        let result: String
    }

    /// A post by a device, and whether the chain lets it stand.
    struct Verdict: Codable, Equatable {
        let device: Hash32
        let kind: UInt32
        /// For a delete the kind of the post that it names.
        var target: UInt32?
        let created: UInt64
        let id: Hash32
        /// The ids that the blobs of checkpoint posts name, by id of the post.
        var named: [String: [Hash32]] = [:]
        let isAccepted: Bool
    }

    /// A checkpoint post by these keys, and whether the chain lets it stand.
    struct Roots: Codable, Equatable {
        let signers: [Hash32]
        let isAccepted: Bool
    }

    /// The word for an error in the file.
    static func word(_ error: KeyChainError) -> String {
        error == .unknownParent ? "waits" : "refused"
    }
}

/// Writes one case. Says by hand what must come out; nothing here asks `KeyChain`.
struct KeyChainCase {
    private(set) var vectors: KeyChainVectors.Case
    private(set) var author: Hash32?
    private var ids: [String: Hash32] = [:]

    init(_ name: String) {
        vectors = .init(name: name)
    }

    /// The genesis; signed by `signers`, else by all roots.
    mutating func genesis(
        _ document: WireKeyDocument, by signers: [String] = ["root"], created: UInt64 = 1000,
        _ result: String = "accepted"
    ) {
        let post = WirePost.with { ($0.v, $0.created, $0.kind, $0.keyDocument) = (1, created, 1, document) }
        let bytes = envelope(payload(post), keys: signers.map(testKey))
        author = id(of: bytes)
        note("genesis", bytes, result)
    }

    /// A later document; `previous` is the name of another.
    mutating func add(
        _ name: String, _ version: UInt32, after previous: String, _ document: WireKeyDocument,
        by signers: [String] = ["root"],
        created: UInt64? = nil, _ result: String = "accepted"
    ) {
        var document = document
        document.version = version
        document.previous = ids[previous]?.data ?? SHA256.hash(Array(previous.utf8)).data
        let created = created ?? 1000 + UInt64(version)
        let post = WirePost.with { post in
            (post.v, post.created, post.kind, post.keyDocument) = (1, created, 1, document)
            post.author = author?.data ?? Data()
        }
        note(name, envelope(payload(post), keys: signers.map(testKey)), result)
    }

    private mutating func note(_ name: String, _ envelope: [UInt8], _ result: String) {
        ids[name] = id(of: envelope)
        vectors.documents.append(.init(name: name, envelope: Hex.encode(envelope), result: result))
    }

    private func id(of envelope: [UInt8]) -> Hash32 {
        try! OpenedEnvelope(Data(envelope)).id
    }

    /// The documents arrive in this order instead; a name may come twice.
    mutating func arrive(_ order: [(name: String, result: String)]) {
        vectors.documents = order.map { name, result in
            let envelope = vectors.documents.first { $0.name == name }!.envelope
            return .init(name: name, envelope: envelope, result: result)
        }
    }

    func id(_ name: String) -> Hash32 { ids[name]! }

    mutating func inForce(_ names: String..., disputed: Bool = false) {
        vectors.inForce = names
        vectors.isDisputed = disputed
    }

    mutating func post(
        by device: String, kind: UInt32 = 13, target: UInt32? = nil, created: UInt64 = 5000, id: Hash32 = .zero,
        named: [Hash32: [Hash32]] = [:], _ isAccepted: Bool
    ) {
        vectors.verdicts.append(
            .init(
                device: testKey(device).publicKey, kind: kind, target: target, created: created, id: id,
                named: Dictionary(uniqueKeysWithValues: named.map { ($0.key.hex, $0.value) }), isAccepted: isAccepted))
    }

    mutating func checkpoint(by roots: String..., accepted: Bool) {
        vectors.checkpoints.append(.init(signers: roots.map { testKey($0).publicKey }.sorted(), isAccepted: accepted))
    }

    /// The lower-id one of two documents that are there, and the other.
    func byID(_ a: String, _ b: String) -> (lower: String, higher: String) {
        id(a) < id(b) ? (a, b) : (b, a)
    }
}
