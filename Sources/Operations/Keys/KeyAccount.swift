import BlobStore
import Catalog
public import Digests
import FoundationEssentials
import Identity
import PostLog
import SystemPackage
import WaggleProtocol

/// An author whose keys this home is concerned with: an account, or the node itself under the name `node`.
struct KeyAccount: Sendable {
    static let nodeName = "node"

    let name: String
    let chain: KeyChain

    var author: Hash32 { chain.author }
    var isNode: Bool { name == Self.nodeName }
    /// The node's roots come from the words of the owner.
    var recoveryName: String { isNode ? "me" : name }

    /// Names of everybody here: the node first.
    static func names(in home: Home) -> [String] {
        let accounts = Directory.names(in: home.keys).filter { $0.hasSuffix(".key") }.map { String($0.dropLast(4)) }
        return accounts.filter { $0 == nodeName } + accounts.filter { $0 != nodeName }
    }

    /// - Throws: `notFound` for an account that is not here, or whose key documents are not.
    init(_ name: String, in context: OperationContext) async throws(OperationError) {
        self.name = name
        let path = name == Self.nodeName ? context.home.nodeKey : context.home.key(ofAccount: name)
        do {
            let author = try KeyFile.author(path: path.string)
            guard let chain = try await context.log.keyChain(of: author) else {
                throw OperationError(
                    .notFound, "the key documents of @\(name) (\(AuthorID.text(author))) have not reached this node yet"
                )
            }
            self.chain = chain
        } catch let error as OperationError {
            throw error
        } catch let error as KeyFileError {
            if case .missing = error {
                throw OperationError(.notFound, "there is no account @\(name) here; `waggle key ls` shows them all")
            }
            throw OperationError(.auth, error.message)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

extension Home {
    /// Secrets of devices that are not the one which signs here.
    var deviceKeys: FilePath { keys.appending("devices") }

    /// The node and everybody whose key is here, sealed or not.
    public var localAuthors: [Hash32] {
        KeyAccount.names(in: self).compactMap { name in
            try? KeyFile.author(path: (name == KeyAccount.nodeName ? nodeKey : key(ofAccount: name)).string)
        }
    }

    func key(ofDevice key: Hash32) -> FilePath { deviceKeys.appending(key.hex + ".key") }
}

extension OperationContext {
    /// Hands in key documents and checkpoints made here, and keeps the documents beside the keys.
    func submit(keys posts: [SignedPost], mine: Bool = true) async throws(OperationError) {
        do {
            let results = try await log.intake.submit(posts.map(\.envelope), from: .local)
            if let refusal = results.lazy.compactMap({ OperationError($0) }).first { throw refusal }
            let documents = posts.filter { $0.kind == .keyDocument }.map(\.envelope)
            if mine, !documents.isEmpty {
                let known = home.keyDocuments
                try home.write(keyDocuments: known + documents.filter { !known.contains($0) })
            }
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "the key documents could not be written to \(home.keys): \(error)")
        }
        await catalog.waitUntilApplied(log.newestSeq)
    }

    /// Makes the checkpoint of a device out of the posts that are here; nil when it has said nothing.
    ///
    /// - Parameter dropped: posts that are not to stand.
    func checkpoint(
        _ device: Hash32, of account: KeyAccount, until: UInt64, without dropped: Set<Hash32>, by secret: RootSecret
    ) async throws(OperationError) -> (post: SignedPost, count: Int)? {
        do {
            let ids = try await log.ids(ofDevice: device, author: account.author, until: until)
                .filter { !dropped.contains($0) }
            guard !ids.isEmpty else { return nil }
            guard ids.count * 32 <= Limits.Checkpoint.bytes else {
                throw OperationError(.limits, "the key has signed more posts than one checkpoint names")
            }
            let facts = try await blobs.add(bytes: ids.flatMap(\.bytes))
            try await blobs.pin(facts.sha256, .ownPost)
            guard await loadCheckpoint(facts.sha256) else {
                throw OperationError(.limits, "the list of the key's \(ids.count) posts cannot be held in memory")
            }
            let post = try account.chain.checkpoint(
                device, blob: facts.sha256, count: ids.count, by: secret, now: now())
            return (post, ids.count)
        } catch let error as OperationError {
            throw error
        } catch let error as KeyChangeError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

extension OperationError {
    init(_ error: KeyChangeError) {
        switch error {
        case .notTheRoots, .notTheNextRoots, .threshold: self.init(.auth, error.message)
        case .needsWords, .noScopes: self.init(.usage, error.message)
        case .isDevice, .isRevoked: self.init(.conflict, error.message)
        case .noDevice: self.init(.notFound, error.message)
        case .refused: self.init(.failed, error.message)
        }
    }
}
