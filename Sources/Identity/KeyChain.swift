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
/// - a **rotation** reveals the pre-committed next roots as its roots, is signed by their threshold, and begins a new
///   *generation*;
/// - a rotation beats every update of the generation before that is not among its own ancestors;
/// - of two rotations out of one generation the one seen first stays in force and the chain is *disputed*;
/// - of two updates of one generation the one with the higher version stands, then the lower id.
///
/// So a thief of today's roots can publish updates, and loses to the rotation that only the owner can make.
public struct KeyChain: Sendable {
    struct Version: Sendable {
        let id: Hash32
        let document: WireKeyDocument
        let created: UInt64
        let parent: Int?
        /// The genesis or rotation that began the generation of this version; its own index for those two.
        let generation: Int
    }

    /// One generation of one branch: the versions that share roots and the commitment to the next ones.
    private struct Generation {
        /// The update that stands, or the version that began the generation.
        var newest: Int
        /// Versions that reveal the next roots, in order of arrival.
        var rotations: [Int] = []
    }

    public let author: Hash32
    public let role: WireRole
    private(set) var versions: [Version] = []
    private var indices: [Hash32: Int] = [:]
    private var generations: [Int: Generation] = [:]
    /// Indices into `versions`, genesis first.
    private var path: [Int] = []
    private var register = DeviceRegister()
    /// Two rotations reveal one commitment: the owner's next keys have leaked, or the owner rotated twice.
    public private(set) var isDisputed = false

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
        append(Version(id: post.id, document: document, created: post.post.created, parent: nil, generation: 0))
        resolve()
    }

    /// A chain of documents in the order in which they were seen, genesis first.
    ///
    /// The same as adding one after the other, but the path in force is worked out once: rivals that overtook each
    /// other on the way cost nothing.
    package init(_ posts: [SignedPost]) throws(KeyChainError) {
        guard let genesis = posts.first else { throw .malformed("a chain begins with version 1") }
        try self.init(genesis: genesis)
        for post in posts.dropFirst() { try take(post) }
        resolve()
    }

    /// Adds a later version. One that is already here changes nothing.
    ///
    /// - Throws: `unknownParent` when the version before it has not arrived yet: keep it and try again.
    public mutating func add(_ post: SignedPost) throws(KeyChainError) {
        try take(post)
        resolve()
    }

    private mutating func take(_ post: SignedPost) throws(KeyChainError) {
        guard case .keyDocument(let document)? = post.post.body, post.author == author, document.version > 1 else {
            throw .malformed("not a later version of this chain")
        }
        guard indices[post.id] == nil else { return }
        try document.checkForm()
        guard let parentIndex = Hash32(document.previous).flatMap({ indices[$0] }) else { throw .unknownParent }
        let parent = versions[parentIndex]
        guard document.version == parent.document.version + 1 else { throw .notASuccessor("version") }
        guard document.role == role else { throw .notASuccessor("the role never changes") }
        guard post.post.created >= parent.created else { throw .notASuccessor("it is older than its parent") }
        let isRotation = try Self.checkSuccession(of: parent.document, by: document, signers: post.signers)
        // Whoever has today's roots can fill the room for updates; the owner's rotation must still find some.
        let limit = isRotation ? Limits.Post.keyChainRotations : Limits.Post.keyChainVersions
        guard versions.count < limit else { throw .tooLong(limit: limit) }
        append(
            Version(
                id: post.id, document: document, created: post.post.created, parent: parentIndex,
                generation: isRotation ? versions.count : parent.generation))
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

    /// Notes a version whose place is good.
    private mutating func append(_ version: Version) {
        let index = versions.count
        versions.append(version)
        indices[version.id] = index
        if version.generation == index {
            generations[index] = Generation(newest: index)
            if let parent = version.parent { generations[versions[parent].generation]?.rotations.append(index) }
        } else if let newest = generations[version.generation]?.newest, stands(index, over: newest) {
            generations[version.generation]?.newest = index
        }
    }

    /// Works out the path in force. Costs what the newest document holds, unless the path changes its branch.
    private mutating func resolve() {
        let tip = newestInForce()
        guard tip != path.last else { return }
        if !path.isEmpty, versions[tip].parent == path.last {
            path.append(tip)
            register.apply(versions[tip].document, created: versions[tip].created)
        } else {
            path = line(to: tip)
            register = DeviceRegister()
            for step in path { register.apply(versions[step].document, created: versions[step].created) }
        }
    }

    private func stands(_ index: Int, over other: Int) -> Bool {
        let (a, b) = (versions[index], versions[other])
        return a.document.version != b.document.version ? a.document.version > b.document.version : a.id < b.id
    }

    /// The newest version in force: from each generation the first rotation leads on.
    private mutating func newestInForce() -> Int {
        var at = 0
        isDisputed = false
        while let generation = generations[at] {
            isDisputed = isDisputed || generation.rotations.count > 1
            guard let rotation = generation.rotations.first else { return generation.newest }
            at = rotation
        }
        return at
    }

    private func line(to index: Int) -> [Int] {
        var line = [index]
        var at = index
        while let parent = versions[at].parent {
            line.append(parent)
            at = parent
        }
        return line.reversed()
    }

    // MARK: What the path says

    /// The newest document in force.
    public var current: WireKeyDocument { versions[path[path.count - 1]].document }

    /// Id of the newest document in force.
    public var currentID: Hash32 { versions[path[path.count - 1]].id }

    /// Ids of the documents in force, genesis first.
    public var idsInForce: [Hash32] { path.map { versions[$0].id } }

    /// The documents in force, genesis first.
    var inForce: [Version] { path.map { versions[$0] } }

    /// Device keys that some document in force lists.
    public var devices: [Hash32: DeviceAuthority] { register.devices }

    /// How many documents are here, beaten ones included.
    package var count: Int { versions.count }

    /// True when this document is here, in force or beaten.
    package func contains(_ id: Hash32) -> Bool { indices[id] != nil }

    /// May the signers of this kind 2 post speak for the author? A threshold of the roots of any document in force.
    public func acceptsRoots(_ signers: [Hash32]) -> Bool {
        // Updates keep their generation's roots, so one look at each generation does.
        var at: Int? = path.last
        while let index = at {
            let first = versions[versions[index].generation]
            let found = first.document.rootSignatures(signers)
            if found == signers.count && found >= first.document.threshold { return true }
            at = first.parent
        }
        return false
    }

    /// May `device` sign a post of this kind, age and id?
    ///
    /// - Parameters:
    ///   - scope: what the kind needs; nil asks for the period and revocation alone (a delete's scope depends on its
    ///     target).
    ///   - checkpoint: the ids that the checkpoint post of this id names; nil while its blob is not here.
    public func verdict(
        device: Hash32, created: UInt64, id: Hash32, scope: WireScope?,
        checkpoint: (Hash32) -> Set<Hash32>?
    ) -> DeviceVerdict {
        guard let authority = register.devices[device] else { return .refused("no document in force lists the device") }
        return authority.verdict(created: created, id: id, scope: scope, checkpoint: checkpoint)
    }
}
