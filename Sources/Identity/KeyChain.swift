public import Digests
import FoundationEssentials
public import WaggleProtocol

/// The key documents of one author, and who may sign for the author because of them.
///
/// A pure value: feed it kind 1 posts in the order in which this node first saw them. It keeps every valid document,
/// beaten branches too, and knows the *path in force* from the genesis to the newest version. The rules are those of
/// Protocol/spec/identity.md:
///
/// - an **update** keeps roots, threshold and next roots and is signed by the roots' threshold;
/// - a **rotation** reveals the pre-committed next roots as its roots and is signed by their threshold;
/// - a rotation beats all updates that are not among its own ancestors;
/// - of two rotations that reveal the same commitment the one seen first stays in force and the chain is *disputed*;
/// - of two updates of one version the one with the longer branch stands, then the lower id.
///
/// So a thief of today's roots can publish updates, and loses to the rotation that only the owner can make.
public struct KeyChain: Sendable {
    struct Version: Sendable {
        let id: Hash32
        let document: WireKeyDocument
        let created: UInt64
        /// Order of arrival.
        let seen: Int
        let parent: Int?
        /// Rotations from the genesis up to here, this one included.
        let generation: Int
    }

    public let author: Hash32
    public let role: WireRole
    private(set) var versions: [Version]
    /// Indices into `versions`, genesis first.
    private var path: [Int]
    /// Two rotations reveal the same commitment: the owner's next keys have leaked.
    public private(set) var isDisputed = false
    private var authority: [Hash32: DeviceAuthority] = [:]

    /// A chain of its genesis alone.
    public init(genesis post: SignedPost) throws(KeyChainError) {
        guard case .keyDocument(let document)? = post.post.body, document.version == 1, post.author == post.id else {
            throw .malformed("a chain begins with version 1")
        }
        try document.checkForm()
        let found = document.rootSignatures(post.signers)
        guard found == post.signers.count else { throw .malformed("a signer is no root") }
        guard found >= document.threshold else {
            throw .notSignedByRoots(needed: Int(document.threshold), found: found)
        }
        author = post.id
        role = document.role
        versions = [
            Version(id: post.id, document: document, created: post.post.created, seen: 0, parent: nil, generation: 0)
        ]
        path = [0]
        resolve()
    }

    /// Adds a later version. One that is already here changes nothing.
    ///
    /// - Throws: `unknownParent` when the version before it has not arrived yet: keep it and try again.
    public mutating func add(_ post: SignedPost) throws(KeyChainError) {
        guard case .keyDocument(let document)? = post.post.body, post.author == author, document.version > 1 else {
            throw .malformed("not a later version of this chain")
        }
        guard !versions.contains(where: { $0.id == post.id }) else { return }
        try document.checkForm()
        guard versions.count < Limits.Post.keyChainVersions else { throw .tooLong(limit: Limits.Post.keyChainVersions) }
        guard let parentIndex = versions.firstIndex(where: { $0.id.data == document.previous }) else {
            throw .unknownParent
        }
        let parent = versions[parentIndex]
        guard document.version == parent.document.version + 1 else { throw .notASuccessor("version") }
        guard document.role == role else { throw .notASuccessor("the role never changes") }
        guard post.post.created >= parent.created else { throw .notASuccessor("it is older than its parent") }
        let isRotation = try Self.checkSuccession(of: parent.document, by: document, signers: post.signers)
        versions.append(
            Version(
                id: post.id, document: document, created: post.post.created, seen: versions.count, parent: parentIndex,
                generation: parent.generation + (isRotation ? 1 : 0)))
        resolve()
    }

    /// True for a rotation, false for an update.
    private static func checkSuccession(
        of parent: WireKeyDocument, by document: WireKeyDocument, signers: [Hash32]
    ) throws(KeyChainError) -> Bool {
        let found = document.rootSignatures(signers)
        guard found == signers.count else { throw .notASuccessor("a signer is no root") }
        let isUpdate =
            document.roots == parent.roots && document.threshold == parent.threshold
            && document.nextRoots == parent.nextRoots && document.nextThreshold == parent.nextThreshold
        if isUpdate {
            guard found >= parent.threshold else {
                throw .notSignedByRoots(needed: Int(parent.threshold), found: found)
            }
            return false
        }
        let revealed = Set(document.roots.map { SHA256.hash($0).data })
        guard !parent.nextRoots.isEmpty, revealed == Set(parent.nextRoots) else {
            throw .notASuccessor("its roots are neither the old ones nor the ones that were committed to")
        }
        guard document.threshold == parent.nextThreshold else {
            throw .notASuccessor("its threshold is not the one that was committed to")
        }
        guard found >= parent.nextThreshold else {
            throw .notSignedByRoots(needed: Int(parent.nextThreshold), found: found)
        }
        return true
    }

    // MARK: The path in force

    private mutating func resolve() {
        isDisputed = false
        var base = 0
        var chosen: [Int] = []
        while true {
            let generation = versions[base].generation
            let rotations = versions.indices.filter { index in
                versions[index].generation == generation + 1 && isReached(index, from: base)
                    && versions[versions[index].parent ?? 0].generation == generation
            }
            isDisputed = isDisputed || rotations.count > 1
            guard let rotation = rotations.min(by: { versions[$0].seen < versions[$1].seen }) else { break }
            chosen.append(contentsOf: ancestors(of: rotation, downTo: base))
            base = rotation
        }
        chosen.append(contentsOf: ancestors(of: newestUpdate(from: base), downTo: base))
        chosen.append(newestUpdate(from: base))
        path = chosen
        authority = DeviceAuthority.collect(path.map { versions[$0] })
    }

    /// The indices from `base` up to, and without, `index`.
    private func ancestors(of index: Int, downTo base: Int) -> [Int] {
        var line: [Int] = []
        var at = index
        while at != base, let parent = versions[at].parent {
            line.append(parent)
            at = parent
        }
        return line.reversed()
    }

    private func isReached(_ index: Int, from base: Int) -> Bool {
        var at: Int? = index
        while let current = at {
            if current == base { return true }
            at = versions[current].parent
        }
        return false
    }

    private func newestUpdate(from base: Int) -> Int {
        let generation = versions[base].generation
        let candidates = versions.indices.filter {
            versions[$0].generation == generation && isReached($0, from: base)
        }
        return candidates.max { left, right in
            let (a, b) = (versions[left], versions[right])
            return a.document.version != b.document.version ? a.document.version < b.document.version : a.id > b.id
        } ?? base
    }

    // MARK: What the path says

    /// The newest document in force.
    public var current: WireKeyDocument { versions[path[path.count - 1]].document }

    /// Id of the newest document in force.
    public var currentID: Hash32 { versions[path[path.count - 1]].id }

    /// Ids of the documents in force, genesis first.
    public var idsInForce: [Hash32] { path.map { versions[$0].id } }

    /// Device keys that some document in force lists.
    public var devices: [Hash32: DeviceAuthority] { authority }

    /// May the signers of this kind 2 post speak for the author? A threshold of the roots of any document in force.
    public func acceptsRoots(_ signers: [Hash32]) -> Bool {
        path.contains { index in
            let document = versions[index].document
            let found = document.rootSignatures(signers)
            return found == signers.count && found >= document.threshold
        }
    }

    /// May `device` sign a post of this kind, age and id?
    ///
    /// - Parameters:
    ///   - scope: what the kind needs; nil asks for the period and revocation alone (a delete's scope depends on its target).
    ///   - checkpoint: the ids that the checkpoint post of this id names; nil while its blob is not here.
    public func verdict(
        device: Hash32, created: UInt64, id: Hash32, scope: WireScope?,
        checkpoint: (Hash32) -> Set<Hash32>?
    ) -> DeviceVerdict {
        guard let authority = authority[device] else { return .refused("no document in force lists the device") }
        return authority.verdict(created: created, id: id, scope: scope, checkpoint: checkpoint)
    }
}
