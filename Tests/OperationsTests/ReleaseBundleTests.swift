import Digests
import FoundationEssentials
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Operations

@Suite("Release bundles")
struct ReleaseBundleTests {
    /// A person with one device, a model and a release of a file of two units.
    struct Maker {
        let secret: RecoverySecret
        let chain: [SignedPost]
        let signer: Signer
        let model: SignedPost
        let release: SignedPost
        let layer: [Hash32]
        let sha256: Hash32

        init(seed: UInt8) throws {
            let secret = try #require(RecoverySecret(bytes: Array(repeating: seed, count: 32)))
            self.secret = secret
            let genesis = try secret.genesis(.person)
            let device = try #require(SigningKey(seed: Array(repeating: seed &+ 1, count: 32)))
            var document = genesis.post.keyDocument
            document.version = 2
            document.previous = genesis.id.data
            var entry = WireDevice()
            entry.key = device.publicKey.data
            entry.label = "test"
            entry.scopes = [.release]
            document.devices = [entry]
            let devices = try PostSigning.byRoots(
                .keyDocument(document), author: genesis.id, created: 100,
                roots: [secret.root(.person, generation: 0)])
            chain = [genesis, devices]
            signer = Signer(author: genesis.id, device: device)
            let bytes = [UInt8](repeating: seed, count: (1 << 20) + 5)
            let digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
            layer = digests.layer
            sha256 = digests.sha256
            var model = WirePost()
            model.created = 200
            model.slot = "slug"
            model.model.name = "Name"
            model.model.type = "LORA"
            model.model.level = 1
            self.model = try signer.sign(model)
            var release = WirePost()
            release.created = 201
            release.release.modelAuthor = genesis.id.data
            release.release.modelSlug = "slug"
            release.release.version = "1.0"
            var file = WireFile()
            file.sha256 = digests.sha256.data
            file.piecesRoot = digests.piecesRoot.data
            file.size = digests.size
            file.name = "a.safetensors"
            release.release.files = [file]
            self.release = try signer.sign(release)
        }

        func bundle(
            chain: [SignedPost]? = nil, blobs: [Data] = [], model: SignedPost? = nil, layer: [Hash32]? = nil
        ) throws -> Data {
            try #require(
                ReleaseBundle.serialize(
                    release: release.envelope, model: (model ?? self.model).envelope,
                    keyChain: (chain ?? self.chain).map(\.envelope), checkpointBlobs: blobs,
                    layers: [sha256: layer ?? self.layer]))
        }
    }

    @Test("a bundle proves its release with nothing else at hand")
    func good() throws {
        let maker = try Maker(seed: 1)
        let verified = try VerifiedBundle(try maker.bundle())
        #expect(verified.release.id == maker.release.id)
        #expect(verified.layers[maker.sha256] == maker.layer)
        #expect(verified.signer.state == .inForce)
        #expect(verified.signer.label == "test" && verified.signer.since == 100)
    }

    @Test("no flipped byte of a bundle changes what is proved")
    func flipped() throws {
        let maker = try Maker(seed: 2)
        let good = try maker.bundle()
        for at in good.indices {
            var bytes = good
            bytes[at] ^= 0x40
            // A byte of a layer or of padding may flip unnoticed; then it is ignored, and the release is still the same.
            guard let verified = try? VerifiedBundle(bytes) else { continue }
            #expect(verified.release.payload == maker.release.payload, "byte \(at)")
            for (sha256, layer) in verified.layers {
                #expect(sha256 == maker.sha256 && layer == maker.layer, "byte \(at)")
            }
        }
    }

    @Test("another person's keys, a missing key document and another model are refused")
    func foreign() throws {
        let maker = try Maker(seed: 3)
        let other = try Maker(seed: 9)
        #expect(throws: BundleError.self) { try VerifiedBundle(try maker.bundle(chain: other.chain)) }
        #expect(throws: BundleError.self) { try VerifiedBundle(try maker.bundle(chain: [])) }
        #expect(throws: BundleError.self) { try VerifiedBundle(try maker.bundle(chain: [maker.chain[0]])) }
        #expect(throws: BundleError.wrongModel) { try VerifiedBundle(try maker.bundle(model: other.model)) }
        #expect(throws: BundleError.notABundle) { try VerifiedBundle(Data("hello".utf8)) }
    }

    @Test("unit hashes that do not belong to the signed root are not used")
    func badLayer() throws {
        let maker = try Maker(seed: 4)
        let verified = try VerifiedBundle(try maker.bundle(layer: [.zero, .zero]))
        #expect(verified.layers.isEmpty)
    }

    @Test("the words alone remake the author id")
    func words() throws {
        let secret = RecoverySecret.random()
        let again = try RecoverySecret(words: secret.words.uppercased())
        #expect(try secret.genesis(.person).id == again.genesis(.person).id)
        #expect(try secret.genesis(.person).id != secret.genesis(.node).id)
    }
}
