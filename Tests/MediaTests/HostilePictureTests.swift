import Digests
import Formats
import FoundationEssentials
import Media
import Testing

@Suite("pictures that mean harm")
struct HostilePictureTests {
    /// A whole PNG of one colour: a few kB for as many pixels as it says.
    private func flat(_ folder: Folder, _ width: Int, _ height: Int) async throws -> ThumbnailStore.Picture {
        try await folder.draw("flat.png", width, height)
    }

    @Test("what comes after a picture's end reaches no copy")
    func polyglots() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let tails = [
            "<html><script>alert(1)</script></html>", "PK\u{3}\u{4}evil.zip", "%PDF-1.7 evil", "<svg onload=alert(1)>",
        ]
        for kind in ["png", "jpg", "gif", "webp"] {
            let whole = try await folder.draw("a.\(kind)", 200, 100).bytes
            let pictures = tails.map { folder.put(whole + Array($0.utf8)) }
            _ = try await store.make(pictures)
            for (picture, tail) in zip(pictures, tails) {
                for format in Thumbnail.Format.allCases {
                    guard let copy = try await store.bytes(Thumbnail(picture.hash, .small, format)) else { continue }
                    #expect(ImageInfo.sniff(copy)?.mediaType.rawValue == format.mediaType)
                    #expect(!String(decoding: copy, as: UTF8.self).contains(tail.prefix(8)), "\(kind)")
                }
            }
        }
    }

    @Test("pictures that end anywhere are made or refused, and the whole one beside them is made")
    func truncated() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let good = try await folder.draw("good.png", 300, 200)
        var cut: [ThumbnailStore.Picture] = []
        for kind in ["png", "jpg", "webp", "gif", "avif"] {
            let whole = try await folder.draw("b.\(kind)", 300, 200).bytes
            cut += [whole.count / 4, whole.count * 3 / 4].map { folder.put(Array(whole.prefix($0))) }
        }
        _ = try await store.make(cut + [good])
        #expect(try await store.bytes(Thumbnail(good.hash, .large, .jpeg)) != nil)
        for picture in cut {
            let isMade = try await store.bytes(Thumbnail(picture.hash, .small, .webP)) != nil
            let isRefused = try await store.refusal(of: picture.hash) != nil
            #expect(isMade != isRefused)
        }
        #expect(store.takeAsked().isEmpty, "nothing is tried for ever")
    }

    @Test("a picture that is a few kB and would be gigabytes costs no more than its bounds")
    func bombs() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let good = try await folder.draw("good.png", 300, 200)
        func png(_ width: UInt32, _ height: UInt32, of body: [UInt8]) -> ThumbnailStore.Picture {
            var bytes = body
            bytes.replaceSubrange(
                16..<24, with: [width, height].flatMap { side in withUnsafeBytes(of: side.bigEndian) { Array($0) } })
            return folder.put(bytes)
        }
        // Within the bound of pixels by what it says, with the data of a small picture; and over it by one line.
        let lying = png(8000, 8000, of: good.bytes)
        let over = png(8001, 8000, of: good.bytes)
        let sides = png(65_535, 1, of: good.bytes)
        // A GIF whose screen is as large as can be said.
        let screen = folder.put(Array("GIF89a".utf8) + [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x3b])
        _ = try await store.make([lying, over, sides, screen, good])
        #expect(try await store.refusal(of: over.hash)?.contains("million pixels") == true)
        #expect(try await store.refusal(of: sides.hash)?.contains("wider or higher") == true)
        #expect(try await store.refusal(of: screen.hash) != nil)
        #expect(try await store.bytes(Thumbnail(good.hash, .small, .webP)) != nil)
    }

    @Test("SVG, HTML and archives are no pictures here, whatever they call themselves")
    func otherFormats() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let texts = [
            "<svg xmlns='http://www.w3.org/2000/svg'><script>fetch('/')</script></svg>", "<?xml version='1.0'?><svg/>",
            "<!doctype html><script>1</script>", "PK\u{3}\u{4}", "%PDF-1.7", "#EXTM3U", "P6 1 1 255 abc",
            "id=ImageMagick", "push graphic-context", "II*\u{0}", "BM", "8BPS", "",
        ]
        for text in texts {
            let picture = folder.put(Array(text.utf8))
            #expect(try await store.make([picture]) == 0)
            #expect(try await store.refusal(of: picture.hash)?.contains("no PNG") == true, "\(text)")
        }
    }
}
