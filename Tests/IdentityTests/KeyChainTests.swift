import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@Suite("Key chains")
struct KeyChainTests {
    static let file = VectorFile(name: "key-chain.json", make: KeyChainVectors.make)

    @Test("documents are accepted, wait or are refused, and are in force, as the vectors say")
    func vectors() throws {
        for vector in try Self.file.read().cases {
            var chain: KeyChain?
            var names: [Hash32: String] = [:]
            for document in vector.documents {
                let post = try SignedPost(envelope: Data(try #require(Hex.decode(document.envelope))))
                names[post.id] = document.name
                #expect(Self.feed(post, to: &chain) == document.result, "\(vector.name): \(document.name)")
            }
            #expect((chain?.idsInForce ?? []).map { names[$0] } == vector.inForce, "\(vector.name)")
            #expect(chain?.isDisputed ?? false == vector.isDisputed, "\(vector.name)")
            #expect(chain?.currentID == chain?.idsInForce.last)
            for verdict in vector.verdicts {
                #expect(Self.accepts(verdict, chain) == verdict.isAccepted, "\(vector.name): \(verdict)")
            }
            for checkpoint in vector.checkpoints {
                #expect(chain?.acceptsRoots(checkpoint.signers) == checkpoint.isAccepted, "\(vector.name)")
            }
        }
    }

    private static func feed(_ post: SignedPost, to chain: inout KeyChain?) -> String {
        do {
            if var longer = chain {
                try longer.add(post)
                chain = longer
            } else {
                chain = try KeyChain(genesis: post)
            }
            return "accepted"
        } catch {
            return KeyChainVectors.word(error)
        }
    }

    private static func accepts(_ verdict: KeyChainVectors.Verdict, _ chain: KeyChain?) -> Bool? {
        guard let chain else { return nil }
        let kind = PostKind(rawValue: verdict.kind)
        let isSigned =
            chain.verdict(
                device: verdict.device, created: verdict.created, id: verdict.id, scope: kind.scope,
                checkpoint: { verdict.named[$0.hex].map(Set.init) }) == .accepted
        guard let target = verdict.target.map(PostKind.init(rawValue:)) else { return isSigned }
        guard target.isDeletable, let scope = target.scope else { return false }
        return isSigned && chain.devices[verdict.device]?.scopes.contains(scope) ?? false
    }

    @Test("the set in force does not depend on the order of arrival", arguments: 0..<60)
    func order(_ seed: UInt64) throws {
        var random = Seeded(seed: seed)
        let posts = try Self.history(&random)
        let reference = try Self.resolve(posts)
        for _ in 0..<10 {
            let chain = try Self.resolve([posts[0]] + posts.dropFirst().shuffled(using: &random))
            #expect(chain.idsInForce == reference.idsInForce, "seed \(seed)")
            #expect(chain.devices == reference.devices, "seed \(seed)")
        }
    }

    /// Updates in many branches, and at most one rotation of each generation.
    private static func history(_ random: inout Seeded) throws -> [SignedPost] {
        var posts = [try PostSigning.genesis(keyDocument(next: ["root 1"]), created: 1000, roots: [testKey("root")])]
        var generations = [0]
        var rotated: Set<Int> = []
        for step in 1..<Int.random(in: 5..<40, using: &random) {
            let parent = Int.random(in: 0..<posts.count, using: &random)
            let generation = generations[parent]
            var document = posts[parent].post.keyDocument
            document.version += 1
            document.previous = posts[parent].id.data
            document.devices = (0..<3).shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)).map {
                device("device \($0)", from: UInt64(step))
            }
            if Int.random(in: 0..<6, using: &random) == 0 {
                document.revocations = [revocation("device 1", .retired, since: UInt64(1000 + step))]
            }
            var signer = generation == 0 ? "root" : "root \(generation)"
            let isRotation = Bool.random(using: &random) && rotated.insert(generation).inserted
            if isRotation {
                signer = "root \(generation + 1)"
                document.roots = [testKey(signer).publicKey.data]
                document.nextRoots = [SHA256.hash(testKey("root \(generation + 2)").publicKey.bytes).data]
            }
            posts.append(
                try PostSigning.byRoots(
                    .keyDocument(document), author: posts[0].id,
                    created: posts[parent].post.created + UInt64.random(in: 0...5, using: &random),
                    roots: [testKey(signer)]))
            generations.append(generation + (isRotation ? 1 : 0))
        }
        return posts
    }

    /// Feeds documents until none waits any more.
    private static func resolve(_ posts: [SignedPost]) throws -> KeyChain {
        var chain = try KeyChain(genesis: posts[0])
        var waiting = Array(posts.dropFirst())
        while !waiting.isEmpty {
            let before = waiting.count
            waiting = try waiting.filter { post in
                do {
                    try chain.add(post)
                    return false
                } catch KeyChainError.unknownParent {
                    return true
                }
            }
            try #require(waiting.count < before)
        }
        return chain
    }

    @Test("a chain takes 1024 versions, then rotations only: a thief of root keys cannot keep the owner from rotating")
    func limit() throws {
        let root = testKey("root")
        var chain = try KeyChain(genesis: PostSigning.genesis(keyDocument(), created: 1, roots: [root]))
        let author = chain.author
        func update(_ version: UInt32, label: String) throws -> SignedPost {
            try PostSigning.byRoots(
                .keyDocument(keyDocument(version, after: chain.currentID, devices: [device(label)])), author: author,
                created: 2, roots: [root])
        }
        for version in 2...1024 { try chain.add(update(UInt32(version), label: "thief \(version)")) }
        let oneMore = try update(1025, label: "thief")
        #expect(throws: KeyChainError.tooLong(limit: 1024)) { try chain.add(oneMore) }
        let rotation = keyDocument(2, after: author, roots: ["next"], next: [], devices: [device("mine")])
        try chain.add(
            PostSigning.byRoots(.keyDocument(rotation), author: author, created: 3, roots: [testKey("next")]))
        #expect(chain.idsInForce.count == 2)
        #expect(Set(chain.devices.keys) == [testKey("mine").publicKey])
    }

    @Test("a document of another author or of no key kind is not added")
    func foreign() throws {
        var chain = try KeyChain(genesis: PostSigning.genesis(keyDocument(), created: 1, roots: [testKey("root")]))
        let other = try PostSigning.genesis(keyDocument(next: []), created: 1, roots: [testKey("root")])
        let foreign = try PostSigning.byRoots(
            .keyDocument(keyDocument(2, after: other.id, next: [])), author: other.id, created: 2,
            roots: [testKey("root")])
        #expect(throws: KeyChainError.self) { try chain.add(foreign) }
        #expect(throws: KeyChainError.self) { try chain.add(other) }
        let post = try SignedPost(
            envelope: Data(
                envelope(payload(comment(by: chain.author, device: testKey("laptop"))), keys: [testKey("laptop")])))
        #expect(throws: KeyChainError.self) { try KeyChain(genesis: post) }
        #expect(throws: KeyChainError.self) { try KeyChain(genesis: foreign) }
    }
}
