import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Files and blobs")
struct BlobTests {
    let maker = TestAuthor("maker")
    let stranger = TestAuthor("stranger")

    @Test("a file is found by every hash that tools know it by, in either case")
    func hashForms() async throws {
        var bare = file("bare", name: "bare.ckpt")
        bare.autov3 = Data()
        let release = maker.release("m", files: [file("x"), bare])
        let x = release.post.release.files[0]
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.model("m"), release)
            try await catalog.apply(log.entries)
            let crc = String(x.crc32, radix: 16)
            for claim in [
                Hex.encode(x.sha256), Hex.encode(x.piecesRoot), Hex.encode(x.autov3),
                String(Hex.encode(x.sha256).prefix(10)), String(Hex.encode(x.autov3).prefix(12)),
                Hex.encode(x.autov1), String(repeating: "0", count: 8 - crc.count) + crc,
                String(Hex.encode(bare.sha256).prefix(12)),
            ] {
                for text in [claim, claim.uppercased()] {
                    let found = try await catalog.releases(byHash: try #require(HashClaim(text)), .pg)
                    #expect(found.map(\.post) == [release.id], "\(text)")
                }
            }
            // The start of a SHA-256 stands for AutoV3 only where there is none.
            let short = try #require(HashClaim(Hex.encode(x.sha256).prefix(12)))
            #expect(try await catalog.releases(byHash: short, .pg).isEmpty)
            #expect(try await catalog.releases(byHash: HashClaim(sha256: .zero), .pg).isEmpty)
        }
        for text in ["", "abc", "xyzxyzxy", String(repeating: "0", count: 63), "0123456g", "é1234567"] {
            #expect(HashClaim(text) == nil)
        }
    }

    @Test("of several releases with a file the earliest answers first, but those of earned room before all")
    func severalMatches() async throws {
        let early = stranger.release("m", version: "early", files: [file("x")], at: 5)
        let late = maker.release("m", version: "late", files: [file("x")], at: 50)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.model("m"), stranger.model("m"), late, early)
            try await catalog.apply(log.entries)
            let claim = HashClaim(sha256: sha(early))
            func versions() async throws -> [String] {
                try await catalog.releases(byHash: claim, .pg).map(\.body.version)
            }
            #expect(try await versions() == ["early", "late"])
            let first = try #require(try await catalog.version(byHash: claim, .pg))
            #expect(first.release.post == early.id && first.model.id == first.release.modelID)
            #expect(try await catalog.version(byHash: HashClaim(sha256: .zero), .pg) == nil)
            #expect(try await catalog.releases(bySHA256: [.zero, sha(late)], .pg).map(\.body.version) == ["early"])
            try await catalog.setEarnedRoom(maker.id, true)
            #expect(try await versions() == ["late", "early"])
            let matches = try await catalog.matches(bySHA256: [.zero, sha(late)], .pg)
            let expected = try #require(try await catalog.release(post: late.id, .pg))
            #expect(matches.map(\.sha256) == [sha(late)])
            #expect(matches.map(\.releaseID) == [expected.id] && matches.map(\.modelID) == [expected.modelID])
        }
    }

    @Test("a blob has the highest level that authors of earned room give it, else that anyone does")
    func blobLevel() async throws {
        let blob = hash("image x")
        try await withCatalog { catalog, _ in
            #expect(try await catalog.blobReference(blob) == nil)
            var log = TestLog()
            let alarm = stranger.imagePost([image("x", .xxx)])
            log.show(stranger.imagePost([image("x", .pg)], at: 5), alarm, TestAuthor("c").imagePost([image("x", .r)]))
            log.show(maker.imagePost([image("x", .pg)]), maker.imagePost([image("x", .pg13)], at: 31))
            try await catalog.apply(log.take())
            #expect(try await catalog.blobReference(blob)?.level == .xxx)
            #expect(try await catalog.blobReference(blob)?.posts.count == 5)
            try await catalog.setEarnedRoom(maker.id, true)
            let reference = try #require(try await catalog.blobReference(blob))
            #expect(reference.level == .pg13)
            #expect(reference.isImage && reference.isReferencedByVisiblePost)
            #expect(reference.mediaType == "image/png" && reference.size == 500)
            #expect(reference.authors.first == maker.id)
            try await catalog.setEarnedRoom(maker.id, false)
            log.hide(alarm)
            try await catalog.apply(log.take())
            #expect(try await catalog.blobReference(blob)?.level == .r)
            try await catalog.setHidden([.blob(blob)], true)
            #expect(try await catalog.blobReference(blob)?.isReferencedByVisiblePost == false)
        }
    }

    @Test("open posts decide before hidden ones, whoever made them; where all are hidden, authors of earned room do")
    func standing() async throws {
        let blob = hash("image x")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let known = maker.imagePost([image("x", .x)])
            let other = stranger.imagePost([image("x", .xxx)])
            log.show(known, other)
            try await catalog.apply(log.take())
            try await catalog.setEarnedRoom(maker.id, true)
            func standing() async throws -> BlobStanding? {
                let standings = try await catalog.blobStandings([.zero, blob, .zero])
                #expect(standings.count == 3 && standings[0] == nil && standings[2] == nil)
                #expect(try await catalog.blobReference(blob)?.level == standings[1]?.level)
                return standings[1]
            }
            #expect(try await standing()?.level == .x)
            try await catalog.setHidden([.post(known.id)], true)
            let open = try await standing()
            #expect(open?.level == .xxx && open?.isReferencedByVisiblePost == true)
            try await catalog.setHidden([.post(other.id)], true)
            let hidden = try await standing()
            #expect(hidden?.level == .x && hidden?.isReferencedByVisiblePost == false)
            log.hide(known)
            log.hide(other)
            try await catalog.apply(log.take())
            #expect(try await standing() == nil)
        }
    }

    @Test("files of a release take the level of its model, and follow it when the model changes")
    func fileLevel() async throws {
        let release = maker.release("m", files: [file("x", name: "x.safetensors")])
        let mild = maker.model("m", level: .pg, at: 10)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(mild, release)
            try await catalog.apply(log.take())
            let reference = try #require(try await catalog.blobReference(sha(release)))
            #expect(reference.level == .pg && reference.fileName == "x.safetensors" && !reference.isImage)
            #expect(reference.posts == [release.id] && reference.piecesRoot == hash("pieces x"))
            log.hide(mild, .superseded)
            log.show(maker.model("m", level: nil, at: 11))
            try await catalog.apply(log.take())
            #expect(try await catalog.blobReference(sha(release))?.level == .xxx)
            // The image of a stranger does not turn a file into an image.
            var disguised = image("d", .blocked)
            disguised.blob = release.post.release.files[0].sha256
            log.show(stranger.imagePost([disguised], at: 1))
            try await catalog.apply(log.take())
            let after = try #require(try await catalog.blobReference(sha(release)))
            #expect(!after.isImage && after.level == .blocked)
            try await catalog.setEarnedRoom(maker.id, true)
            #expect(try await catalog.blobReference(sha(release))?.level == .xxx)
        }
    }

    @Test("whom a resident follows has earned room, whom they follow has not, and it ends with the list")
    func room() async throws {
        let (resident, friend, far) = (TestAuthor("resident"), TestAuthor("friend"), TestAuthor("far"))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let list = resident.follows([friend])
            log.show(list, friend.follows([far]))
            log.show(friend.imagePost([image("x", .pg)]), far.imagePost([image("x", .x)]))
            try await catalog.apply(log.take())
            func level() async throws -> Level? { try await catalog.blobReference(hash("image x"))?.level }
            #expect(try await level() == .x)
            try await catalog.setEarnedRoom(resident.id, true)
            #expect(try await level() == .pg)
            log.hide(list, .superseded)
            log.show(resident.follows([far], at: 2))
            try await catalog.apply(log.take())
            #expect(try await level() == .x)
            log.hide(resident.follows([far], at: 2))
            try await catalog.apply(log.take())
            try await catalog.setEarnedRoom(friend.id, true)
            // Now friend is at home here, and so are those that friend follows.
            #expect(try await level() == .x)
            log.hide(friend.follows([far]))
            try await catalog.apply(log.take())
            #expect(try await level() == .pg)
        }
    }

    @Test("a pass for mirror rules meets every visible file and image once, with its model's terms")
    func mirror() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for number in 0..<7 {
                let level: Level = number % 2 == 0 ? .pg : .x
                let release = maker.release(
                    "m\(number)", base: "Pony", files: [file("\(number)"), file("\(number) b")])
                log.show(maker.model("m\(number)", type: "VAE", tags: ["T"], level: level), release)
                log.show(stranger.imagePost([image("\(number)", level)], releases: [release]))
            }
            log.show(maker.release("unknown"), stranger.imagePost([image("alone")]))
            try await catalog.apply(log.entries)
            for (filter, files, images) in [(ViewerFilter.pg, 8, 5), (.all, 14, 8)] {
                for limit in [1, 3, 1000] {
                    var found: [MirrorCandidate] = []
                    var cursor: String?
                    repeat {
                        let page = try await catalog.mirrorCandidates(after: cursor, limit: limit, filter)
                        found += page.items
                        cursor = page.next
                    } while cursor != nil
                    #expect(found.filter { !$0.isImage }.count == files)
                    #expect(found.filter(\.isImage).count == images)
                    #expect(Set(found.map(\.sha256)).count == files + images)
                    #expect(found.allSatisfy { filter.contains($0.level) })
                    for item in found where item.release != nil {
                        #expect(item.modelType == "VAE" && item.baseModel == "Pony" && item.tags == ["T"])
                        #expect(item.author == (item.isImage ? stranger.id : maker.id))
                    }
                    #expect(found.filter { $0.release == nil }.count == 1)
                }
            }
        }
    }
}
