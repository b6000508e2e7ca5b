import Digests
import FoundationEssentials
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Operations

@Suite("Who signed, and what became of the key")
struct SignerReportTests {
    private typealias Maker = ReleaseBundleTests.Maker

    /// The maker's chain with one more document, changed by `change`. The release is from 201.
    private func chain(
        _ maker: Maker, created: UInt64, generation: UInt64 = 0, _ change: (inout WireKeyDocument) -> Void
    ) throws -> [SignedPost] {
        let last = try #require(maker.chain.last)
        var document = last.post.keyDocument
        document.version += 1
        document.previous = last.id.data
        change(&document)
        let post = try PostSigning.byRoots(
            .keyDocument(document), author: maker.signer.author, created: created,
            roots: [maker.secret.root(.person, generation: generation)])
        return maker.chain + [post]
    }

    private func revoked(
        _ maker: Maker, _ reason: WireRevocationReason, since: UInt64, checkpoint: Hash32? = nil
    ) throws -> [SignedPost] {
        try chain(maker, created: 300) { document in
            var revocation = WireRevocation()
            revocation.key = maker.signer.device.publicKey.data
            revocation.since = since
            revocation.reason = reason
            revocation.checkpoint = checkpoint?.data ?? Data()
            document.revocations = [revocation]
        }
    }

    /// A checkpoint of the maker's device that names these posts, and its blob.
    private func checkpoint(
        _ maker: Maker, naming ids: [Hash32], device: Hash32? = nil, generation: UInt64 = 0
    ) throws -> (post: SignedPost, blob: Data) {
        let blob = Data(ids.sorted().flatMap(\.bytes))
        var body = WireCheckpoint()
        body.device = (device ?? maker.signer.device.publicKey).data
        body.blob = SHA256.hash(blob).data
        body.count = UInt64(ids.count)
        let post = try PostSigning.byRoots(
            .checkpoint(body), author: maker.signer.author, created: 290,
            roots: [maker.secret.root(.person, generation: generation)])
        return (post, blob)
    }

    @Test("a key that was retired after the release leaves it good, and one retired before does not")
    func retired() throws {
        let maker = try Maker(seed: 1)
        let good = try VerifiedBundle(maker.bundle(chain: revoked(maker, .retired, since: 201)))
        #expect(good.signer.state == .retired && good.signer.stateSince == 201)
        #expect(good.signer.meaning.contains("so it is good"))
        #expect(good.signer.keysVersion == 3 && good.signer.keysDated == 300)
        #expect {
            try VerifiedBundle(maker.bundle(chain: revoked(maker, .retired, since: 200)))
        } throws: { error in
            guard case .notSignedByAuthor(let why)? = error as? BundleError else { return false }
            return why.contains("\"test\"") && why.contains("was retired on") && why.contains("after that")
        }
    }

    @Test("a key that was left out ends when that document was made")
    func leftOut() throws {
        let maker = try Maker(seed: 2)
        let good = try VerifiedBundle(maker.bundle(chain: chain(maker, created: 250) { $0.devices = [] }))
        #expect(good.signer.state == .ended && good.signer.stateSince == 250)
        #expect(throws: BundleError.self) {
            try VerifiedBundle(maker.bundle(chain: chain(maker, created: 150) { $0.devices = [] }))
        }
    }

    @Test("a rotation of the root keys is told, and the key that is still listed stays good")
    func rotated() throws {
        let maker = try Maker(seed: 3)
        let next = SHA256.hash(maker.secret.root(.person, generation: 2).publicKey.bytes)
        let rotated = try chain(maker, created: 260, generation: 1) { document in
            document.roots = [maker.secret.root(.person, generation: 1).publicKey.data]
            document.nextRoots = [next.data]
        }
        let good = try VerifiedBundle(maker.bundle(chain: rotated))
        #expect(good.signer.state == .inForce && good.signer.rotations == [260] && !good.signer.isDisputed)
    }

    @Test(
        "a lost or stolen key's release stands only when the author's checkpoint names it",
        arguments: [WireRevocationReason.lost, .compromised])
    func lost(_ reason: WireRevocationReason) throws {
        let maker = try Maker(seed: 4)
        let word = reason == .lost ? "lost" : "compromised"
        let (post, blob) = try checkpoint(maker, naming: [maker.release.id, maker.model.id])
        let keys = try revoked(maker, reason, since: 202, checkpoint: post.id) + [post]
        let good = try VerifiedBundle(maker.bundle(chain: keys, blobs: [blob]))
        #expect(good.signer.state.rawValue == word && good.signer.meaning.contains("checkpoint names the release"))

        func refuses(_ bundle: Data, _ what: Comment) {
            #expect(what) {
                try VerifiedBundle(bundle)
            } throws: { error in
                guard case .notSignedByAuthor(let why)? = error as? BundleError else { return false }
                return why.contains("was reported \(word) on")
            }
        }
        refuses(try maker.bundle(chain: keys), "the blob is missing")
        refuses(try maker.bundle(chain: Array(keys.dropLast()), blobs: [blob]), "the checkpoint is missing")
        refuses(try maker.bundle(chain: keys, blobs: [blob + Data(repeating: 0, count: 32)]), "another blob")
        refuses(try maker.bundle(chain: revoked(maker, reason, since: 202), blobs: [blob]), "none is named")
        let (other, empty) = try checkpoint(maker, naming: [maker.model.id])
        refuses(
            try maker.bundle(chain: revoked(maker, reason, since: 202, checkpoint: other.id) + [other], blobs: [empty]),
            "the checkpoint does not name the release")
        let (foreign, ids) = try checkpoint(maker, naming: [maker.release.id], device: maker.sha256)
        refuses(
            try maker.bundle(
                chain: revoked(maker, reason, since: 202, checkpoint: foreign.id) + [foreign], blobs: [ids]),
            "the checkpoint is of another device")
        let (forged, list) = try checkpoint(maker, naming: [maker.release.id], generation: 7)
        refuses(
            try maker.bundle(
                chain: revoked(maker, reason, since: 202, checkpoint: forged.id) + [forged], blobs: [list]),
            "the checkpoint is not signed by the author's roots")
    }

    @Test("a day that no calendar has makes no trouble")
    func farAhead() throws {
        let maker = try Maker(seed: 5)
        let good = try VerifiedBundle(maker.bundle(chain: revoked(maker, .retired, since: .max)))
        #expect(good.signer.meaning.contains("a day far ahead"))
    }

    @Test("words of a command line stay one word, whatever a stranger put into them")
    func shellWords() {
        #expect(ShellWord.quoted("my-lora_1.0.safetensors") == "my-lora_1.0.safetensors")
        #expect(ShellWord.quoted("a b; rm -rf $HOME") == "'a b; rm -rf $HOME'")
        #expect(ShellWord.quoted("it's") == "'it'\\''s'")
        #expect(ShellWord.quoted("") == "''")
    }
}
