import AsyncHTTPClient
import Digests
import Federation
import FoundationEssentials
import Identity
public import Logging
public import Operations
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle key recover`: a node and its owner come back from 24 words, on an empty home.
///
/// The words make the node's keys, too. Its key chain has to be fetched first, by somebody: a node that exists for the length
/// of one question asks for it.
public struct NodeRecovery: Sendable {
    public let home: Home
    public let account: RecoverAccount
    /// The node's id, for words that were rotated to.
    public let nodeID: String?
    public let now: UInt64

    public init(home: Home, account: RecoverAccount, nodeID: String?, now: UInt64) {
        self.home = home
        self.account = account
        self.nodeID = nodeID
        self.now = now
    }

    public struct Reply: Codable, Sendable {
        public let home: String
        public let node: String
        /// The other node had never heard of this one.
        public let isNewNode: Bool
        public let account: RecoverAccount.Reply
    }

    /// Makes the home and brings the account back. When anything fails, nothing is left.
    public func run(
        settings: Settings, logger: Logger, progress: @escaping @Sendable (Progress) -> Void
    ) async throws(OperationError) -> Reply {
        try requireNew()
        let secret = try RootSource.read(account.words)
        let isMade = !FileManager.default.fileExists(atPath: home.root.string)
        do {
            let (documents, device, isNew) = try await nodeKeys(secret, settings, logger)
            for directory in home.directories {
                try FileManager.default.createDirectory(
                    atPath: directory.path.string, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: Int(directory.mode)])
            }
            try home.write(nodeKey: device, documents: documents)
            let node = try await Node.open(
                home: home, settings: settings, passphrase: account.passphrase, logger: logger)
            let result: Result<RecoverAccount.Reply, OperationError>
            do throws(OperationError) {
                result = .success(try await account.run(in: node.context(progress: progress)))
            } catch {
                result = .failure(error)
            }
            await node.close()
            return Reply(
                home: home.root.string, node: AuthorID.text(device.author), isNewNode: isNew, account: try result.get())
        } catch {
            clear(isMade: isMade)
            throw OperationError(any: error)
        }
    }

    private func requireNew() throws(OperationError) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: home.root.string)) ?? []
        // Settings may be there already: they say how to reach others.
        guard names.allSatisfy({ $0 == "waggle.toml" }) else {
            throw OperationError(.conflict, "\(home.root) is in use or not empty; name a new home with --home")
        }
    }

    private func clear(isMade: Bool) {
        if isMade {
            try? FileManager.default.removeItem(atPath: home.root.string)
        } else {
            for directory in home.directories where directory.path != home.root {
                try? FileManager.default.removeItem(atPath: directory.path.string)
            }
        }
    }

    /// The node's chain with a fresh device, the device, and whether the chain begins here.
    private func nodeKeys(
        _ secret: RecoverySecret, _ settings: Settings, _ logger: Logger
    ) async throws -> (documents: [Data], device: KeyFile, isNew: Bool) {
        let genesis = try secret.genesis(.node)
        var id = genesis.id
        if let nodeID {
            guard let typed = AuthorID.parse(nodeID) else {
                throw OperationError(.usage, "\"\(nodeID)\" is no node id: w1 and 52 characters")
            }
            id = typed
        }
        let found = try await account.from.asyncMap { try await fetch(id, from: $0, settings, logger) } ?? []
        guard !found.isEmpty || nodeID == nil else {
            throw OperationError(.notFound, "\(account.from ?? "nobody") knows no node \(nodeID ?? "")")
        }
        var documents = found.isEmpty ? [genesis.envelope] : found
        var chain = try KeyChain(genesis: SignedPost(envelope: documents[0]))
        for envelope in documents.dropFirst() { try chain.add(SignedPost(envelope: envelope)) }
        let device = SigningKey.random()
        var entry = WireDevice()
        entry.key = device.publicKey.data
        entry.label = "this node"
        entry.scopes = [.node]
        // The old disk's key must not speak for this node any more; what it announced is replaced at the next start.
        let lost = chain.devices.filter { $0.value.revocation == nil }.keys.sorted()
        let listed = try chain.listing(entry, by: .words(secret), now: now)
        documents.append(listed.envelope)
        if account.revokesLost, !lost.isEmpty {
            try chain.add(listed)
            documents.append(
                try chain.revoking(lost, .lost, since: now, by: .words(secret), now: now).envelope)
        }
        return (documents, KeyFile(author: chain.author, label: "node", secret: device.seed), found.isEmpty)
    }

    /// Key documents of a node as another node has them, genesis first; none when it has none.
    private func fetch(
        _ id: Hash32, from address: String, _ settings: Settings, _ logger: Logger
    ) async throws -> [Data] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "waggle-recovery-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = try PostLog(path: folder.appending(path: "posts.db").path, now: Node.now)
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: try Node.clientConfiguration(settings, home))
        let result: Result<[Data], any Error>
        do {
            let url = try PeerURL(address.contains("://") ? address : "http://" + address)
            let (identity, documents) = try NodeIdentity.passing(now: now)
            let client = NodeClient(url: url, http: http, identity: identity, now: Node.now)
            _ = try await client.offer(documents)
            _ = try await AuthorPull(client: client, log: log).pull(id)
            result = .success(try await log.keyChainEnvelopes(of: id).keyDocuments)
        } catch {
            result = .failure(error)
        }
        log.close()
        try? await http.shutdown()
        return try result.get()
    }
}

extension Optional {
    fileprivate func asyncMap<Value>(_ body: (Wrapped) async throws -> Value) async throws -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}

extension OperationError {
    /// What any step of a recovery throws.
    fileprivate init(any error: any Error) {
        switch error {
        case let error as OperationError: self = error
        case PeerError.refused(let url, _, "not-a-peer", _):
            self.init(
                .network,
                "\(url) answers its own peers only, and this node cannot prove yet that it is one of them. Name another node, "
                    + "or ask the operator for `federation.policy = \"open\"` for as long as this takes")
        case let error as PeerError: self.init(error)
        case let error as PostLogError: self.init(error)
        case let error as PeerURLError: self.init(.usage, "\(error)")
        case let error as KeyChangeError: self.init(.auth, error.message)
        case let error as KeyFileError: self.init(.failed, error.message)
        default: self.init(.failed, "\(error)")
        }
    }
}
