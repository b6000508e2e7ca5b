import Digests
import Formats
import FoundationEssentials
import Media
import Sandbox
import SystemPackage
import Testing

/// A folder for one test.
final class Folder {
    let path = FilePath(FileManager.default.temporaryDirectory.path).appending("waggle-media-\(UUID())")

    init() throws {
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    func put(_ bytes: [UInt8]) -> ThumbnailStore.Picture {
        ThumbnailStore.Picture(SHA256.hash(bytes), bytes)
    }

    /// A picture that libvips draws.
    ///
    /// - Parameter save: writes /tmp/c.tif, of three bands, to the name in /out.
    func draw(
        _ name: String, _ width: Int, _ height: Int, save: String? = nil
    ) async throws -> ThumbnailStore.Picture {
        let bounds = Sandbox.Bounds(
            memory: 2 << 30, processorSeconds: 20, seconds: 600, fileBytes: 64 << 20, files: 10_000,
            scratchBytes: 64 << 20)
        let script = """
            vips eye /tmp/a.tif \(width) \(height) --uchar && vips zone /tmp/b.tif \(width) \(height) --uchar &&
            vips bandjoin '/tmp/a.tif /tmp/b.tif /tmp/a.tif' /tmp/c.tif &&
            \(save ?? "vips copy /tmp/c.tif /out/\(name)")
            """
        let outcome = try await Sandbox().run(
            "sh", ["-c", script], bindings: [.init(path, as: "/out", writable: true)], bounds: bounds)
        #expect(outcome.exitCode == 0, "\(outcome.output)")
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: path.appending(name).string)))
        return put(bytes)
    }

    /// What the pixels of a picture are.
    func pixels(of bytes: [UInt8]) async throws -> PixelMap {
        try Data(bytes).write(to: URL(filePath: path.appending("picture").string))
        let bounds = Sandbox.Bounds(
            memory: 2 << 30, processorSeconds: 20, seconds: 600, fileBytes: 64 << 20, files: 100,
            scratchBytes: 64 << 20)
        let outcome = try await Sandbox().run(
            "vips", ["copy", "/out/picture", "/out/pixels.ppm"],
            bindings: [.init(path, as: "/out", writable: true)], bounds: bounds)
        #expect(outcome.exitCode == 0, "\(outcome.output)")
        let map = try [UInt8](Data(contentsOf: URL(filePath: path.appending("pixels.ppm").string)))
        return try #require(PixelMap(netpbm: map, side: 100))
    }

    func store() throws -> ThumbnailStore {
        try ThumbnailStore(folder: path.appending("thumbs"), temporary: path.appending("tmp"))
    }
}

@Suite("thumbnails")
struct ThumbnailTests {
    private func info(_ store: ThumbnailStore, _ thumbnail: Thumbnail) async throws -> ImageInfo {
        let bytes = try #require(try await store.bytes(thumbnail))
        return try #require(ImageInfo.sniff(bytes))
    }

    @Test(
        "every kind of picture gets four small copies of the right size",
        arguments: ["png", "jpg", "webp", "gif", "avif"])
    func kinds(_ kind: String) async throws {
        let folder = try Folder()
        let store = try folder.store()
        let picture = try await folder.draw("a.\(kind)", 900, 1200)
        #expect(try await store.make([picture]) == 1)
        for size in Thumbnail.Size.allCases {
            for format in Thumbnail.Format.allCases {
                let info = try await info(store, Thumbnail(picture.hash, size, format))
                #expect(info.mediaType.rawValue == format.mediaType)
                #expect(info.width == size.width && info.height == (size.width * 4 + 1) / 3)
            }
        }
        let facts = try #require(try await store.facts(of: [picture.hash])[picture.hash])
        #expect(facts.blurHash.utf8.count == 28)
        #expect(store.takeAsked().isEmpty)
        #expect(try await store.make([picture]) == 0, "made once")
    }

    @Test(
        "the colours of a picture without a profile stay what they are, and so do those of one that says sRGB",
        arguments: [
            "vips bandjoin_const /tmp/l.v /tmp/s.v 90 && vips copy /tmp/s.v /out/a.png --interpretation srgb",
            "vips bandjoin_const /tmp/l.v /tmp/s.v 90 && vips copy /tmp/s.v '/out/a.png[profile=srgb]' --interpretation srgb",
            "vips extract_band /tmp/l.v /out/a.png 0",
        ])
    func colours(_ save: String) async throws {
        let folder = try Folder()
        let store = try folder.store()
        // Soft changes, of which a small copy loses little.
        let soft = "vips xyz /tmp/x.v 60 48 && vips linear /tmp/x.v /tmp/l.v '4 4' '10 40' --uchar && \(save)"
        let picture = try await folder.draw("a.png", 60, 48, save: soft)
        let original = try await folder.pixels(of: picture.bytes)
        #expect(try await store.make([picture]) == 1)
        for size in Thumbnail.Size.allCases {
            for format in Thumbnail.Format.allCases {
                let thumbnail = Thumbnail(picture.hash, size, format)
                let copy = try await folder.pixels(of: try #require(try await store.bytes(thumbnail)))
                try #require(copy.width == original.width && copy.height == original.height)
                let differences = zip(copy.pixels, original.pixels).map { Int($0) - Int($1) }
                let mean = Double(differences.map(\.magnitude).reduce(0, +)) / Double(differences.count)
                #expect(mean < 3, "\(thumbnail.name): \(mean) of 255")
                // No channel is lighter or darker as a whole.
                for channel in 0..<3 {
                    let sum = stride(from: channel, to: differences.count, by: 3).reduce(0) { $0 + differences[$1] }
                    let shift = Double(sum) / Double(differences.count / 3)
                    #expect(abs(shift) < 1, "\(thumbnail.name): channel \(channel) moved by \(shift)")
                }
            }
        }
    }

    @Test("a small picture is not made larger, a long one fits")
    func shapes() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let (small, long) = (try await folder.draw("s.png", 100, 50), try await folder.draw("l.png", 100, 6000))
        #expect(try await store.make([small, long]) == 2)
        let first = try await info(store, Thumbnail(small.hash, .large, .webP))
        #expect(first.width == 100 && first.height == 50)
        let second = try await info(store, Thumbnail(long.hash, .large, .jpeg))
        #expect(second.height == 1280)
    }

    @Test("what cannot be decoded is refused once, and the others are made")
    func damaged() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let good = try await folder.draw("good.png", 300, 300)
        let junk = folder.put(Array("\u{89}PNG".utf8) + [0x0d, 0x0a] + Array("junk".utf8))
        let svg = folder.put(Array("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>".utf8))
        var header = good.bytes
        header[33...] = Array(repeating: UInt8(0xff), count: header.count - 33)[...]
        let broken = folder.put(header)
        #expect(try await store.make([junk, good, svg, broken]) == 1)
        for picture in [junk, svg, broken] {
            #expect(try await store.refusal(of: picture.hash) != nil)
            #expect(try await store.facts(of: [picture.hash]).isEmpty)
        }
        #expect(store.takeAsked().isEmpty, "what cannot be made is not asked for again")
        #expect(try await store.make([junk, svg, broken]) == 0)
    }

    @Test("a picture of more pixels than fit is refused before a decoder sees it")
    func bombs() async throws {
        let folder = try Folder()
        let store = try folder.store()
        func png(_ width: UInt32, _ height: UInt32) -> [UInt8] {
            let sizes = [width, height].flatMap { value in withUnsafeBytes(of: value.bigEndian) { Array($0) } }
            return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13] + Array("IHDR".utf8) + sizes
                + [8, 2, 0, 0, 0]
        }
        let wide = folder.put(png(65_535, 65_535))
        let many = folder.put(png(30_000, 30_000))
        #expect(try await store.make([wide, many]) == 0)
        #expect(try await store.refusal(of: wide.hash)?.contains("32768") == true)
        #expect(try await store.refusal(of: many.hash)?.contains("64 million") == true)
    }

    @Test("files that are gone are asked for and made again; removed ones are gone")
    func gone() async throws {
        let folder = try Folder()
        let store = try folder.store()
        let picture = try await folder.draw("a.png", 400, 400)
        try await store.make([picture])
        let thumbnail = Thumbnail(picture.hash, .small, .webP)
        let place = folder.path.appending("thumbs").appending(String(picture.hash.hex.prefix(2))).appending(
            thumbnail.name)
        #expect(try await store.bytes(thumbnail) != nil)
        try FileManager.default.removeItem(atPath: place.string)
        #expect(try await store.bytes(thumbnail) == nil)
        #expect(store.takeAsked() == [picture.hash])
        #expect(try await store.make([picture]) == 1)
        try await store.remove(picture.hash)
        #expect(try await store.bytes(thumbnail) == nil)
        #expect(!FileManager.default.fileExists(atPath: place.string))
    }

    @Test("a list that is damaged begins anew")
    func list() async throws {
        let folder = try Folder()
        try FileManager.default.createDirectory(
            atPath: folder.path.appending("thumbs").string, withIntermediateDirectories: true)
        let list = folder.path.appending("thumbs").appending("thumbs.db")
        try Data(repeating: 7, count: 5000).write(to: URL(filePath: list.string))
        let store = try folder.store()
        #expect(try await store.lastBlob() == 0)
    }
}
