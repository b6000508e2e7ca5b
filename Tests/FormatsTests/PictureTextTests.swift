import Digests
import Formats
import Testing

/// Pictures as programs write them, put together byte by byte.
enum MadePicture {
    static func big(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func little(_ value: Int, _ count: Int) -> [UInt8] { big(value, count).reversed() }

    /// A TIFF block with a main directory and an EXIF one. Values are ASCII or undefined bytes.
    static func exif(
        main: [(tag: Int, value: [UInt8])] = [], comment: [UInt8]? = nil, orientation: Int? = nil, isBig: Bool = true
    ) -> [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] { isBig ? big(value, count) : little(value, count) }
        var block: [UInt8] = (isBig ? [0x4d, 0x4d] : [0x49, 0x49]) + number(42, 2) + number(8, 4)
        let fields = main.count + (comment == nil ? 0 : 1) + (orientation == nil ? 0 : 1)
        var values: [UInt8] = []
        var place = 8 + 2 + fields * 12 + 4
        func field(_ tag: Int, _ type: Int, _ value: [UInt8]) -> [UInt8] {
            guard value.count > 4 else {
                return number(tag, 2) + number(type, 2) + number(value.count, 4)
                    + value + Array(repeating: 0, count: 4 - value.count)
            }
            defer { place += value.count }
            values += value
            return number(tag, 2) + number(type, 2) + number(value.count, 4) + number(place, 4)
        }
        block += number(fields, 2)
        for (tag, value) in main { block += field(tag, 2, value) }
        if let orientation {
            block += number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + [0, 0]
        }
        if let comment {
            let directory = place + 0
            block += number(0x8769, 2) + number(4, 2) + number(1, 4) + number(directory + values.count * 0, 4)
            let inner =
                number(1, 2) + number(0x9286, 2) + number(7, 2) + number(comment.count, 4)
                + number(directory + 2 + 12 + 4, 4) + number(0, 4)
            return block + number(0, 4) + values + inner + comment
        }
        return block + number(0, 4) + values
    }

    static func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
        [0xff, marker] + big(body.count + 2, 2) + body
    }

    /// Segments and a piece of image data; what decoders need besides is of no matter here.
    static func jpeg(_ segments: [UInt8], trailing: [UInt8] = []) -> [UInt8] {
        let size = segment(0xc0, [8, 0, 16, 0, 32, 1, 1, 0x11, 0])
        return [0xff, 0xd8] + segments + size + segment(0xda, [1, 1, 0, 0, 63, 0]) + [1, 2, 0xff, 0, 3, 0xff, 0xd9]
            + trailing
    }

    static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
        Array(type.utf8) + little(body.count, 4) + body + (body.count & 1 == 1 ? [0] : [])
    }

    static func webp(_ chunks: [UInt8]) -> [UInt8] {
        Array("RIFF".utf8) + little(chunks.count + 4, 4) + Array("WEBP".utf8) + chunks
    }

    static func utf16(_ text: String, isBig: Bool) -> [UInt8] {
        Array("UNICODE\0".utf8) + text.utf16.flatMap { isBig ? big(Int($0), 2) : little(Int($0), 2) }
    }

    static let vp8x: [UInt8] = chunk("VP8X", [0x0c, 0, 0, 0, 31, 0, 0, 15, 0, 0])
    static let vp8l: [UInt8] = chunk("VP8L", [0x2f, 31, 0xc0, 3, 0])
}

@Suite("texts of pictures")
struct PictureTextTests {
    private let infotext =
        "a bee é\nNegative prompt: wasp\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 32x16"

    @Test("an infotext in EXIF is read in either order of bytes", arguments: [true, false], [true, false])
    func userComment(isBig: Bool, isBigText: Bool) throws {
        let exif = MadePicture.exif(comment: MadePicture.utf16(infotext, isBig: isBigText), isBig: isBig)
        let pictures = [
            MadePicture.jpeg(MadePicture.segment(0xe1, Array("Exif\0\0".utf8) + exif)),
            MadePicture.webp(MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", exif)),
            MadePicture.webp(
                MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", Array("Exif\0\0".utf8) + exif)),
        ]
        for picture in pictures {
            #expect(PictureText.all(in: picture) == [PictureText("parameters", infotext)])
            let recipe = try #require(Recipe(texts: PictureText.all(in: picture)))
            #expect(recipe.seed == 5 && recipe.prompt == "a bee é" && recipe.width == 32)
        }
    }

    @Test("other encodings of a comment are read")
    func encodings() {
        for comment in [
            Array("ASCII\0\0\0".utf8) + Array(infotext.utf8), Array(infotext.utf8),
            Array(repeating: 0, count: 8) + Array(infotext.utf8) + [0, 0],
        ] {
            let picture = MadePicture.jpeg(
                MadePicture.segment(0xe1, Array("Exif\0\0".utf8) + MadePicture.exif(comment: comment)))
            #expect(PictureText.all(in: picture) == [PictureText("parameters", infotext)])
        }
        let noted = MadePicture.jpeg(MadePicture.segment(0xfe, Array(infotext.utf8)))
        #expect(PictureText.all(in: noted) == [PictureText("parameters", infotext)])
    }

    @Test("ComfyUI's fields of a WebP file are read under their own keywords")
    func comfy() throws {
        let graph =
            #"{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 4, "latent_image": ["5", 0], "positive": ["6", 0]}}, "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a hive"}}}"#
        let exif = MadePicture.exif(main: [
            (0x010f, Array("workflow:{}\0".utf8)), (0x0110, Array("prompt:\(graph)\0".utf8)),
        ])
        let texts = PictureText.all(
            in: MadePicture.webp(MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", exif)))
        #expect(texts == [PictureText("workflow", "{}"), PictureText("prompt", graph)])
        let recipe = try #require(Recipe(texts: texts))
        #expect(recipe.seed == 7 && recipe.prompt == "a hive")
    }

    @Test("without its metadata a picture keeps its image, how it is turned and that a machine made it")
    func stripped() throws {
        let mark = DigitalSourceType.trainedAlgorithmicMedia
        let xmp = Array("http://ns.adobe.com/xap/1.0/\0".utf8) + Array((mark.xmp + "<secret/>").utf8)
        let exif = MadePicture.exif(comment: Array("ASCII\0\0\0secret".utf8), orientation: 6)
        let profile = MadePicture.segment(0xe2, Array("ICC_PROFILE\0colours".utf8))
        let picture = MadePicture.jpeg(
            MadePicture.segment(0xe0, Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0])
                + MadePicture.segment(0xe1, Array("Exif\0\0".utf8) + exif) + MadePicture.segment(0xe1, xmp) + profile
                + MadePicture.segment(0xed, Array("Photoshop secret".utf8))
                + MadePicture.segment(0xfe, Array("secret".utf8)),
            trailing: Array("secret".utf8))
        let bare = try #require(PictureText.stripped(picture))
        let text = String(decoding: bare, as: UTF8.self)
        #expect(!text.contains("secret"))
        #expect(text.contains("ICC_PROFILE") && text.contains("JFIF"))
        #expect(DigitalSourceType(in: PictureText.all(in: bare)) == mark)
        #expect(ImageInfo.sniff(bare)?.width == 32)
        #expect(bare.suffix(7) == [1, 2, 0xff, 0, 3, 0xff, 0xd9])
        #expect(PictureText.stripped(bare) == bare, "what is bare stays as it is")

        let webp = MadePicture.webp(
            MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", exif)
                + MadePicture.chunk("XMP ", Array("secret".utf8)))
        let bareWebP = try #require(PictureText.stripped(webp))
        #expect(!String(decoding: bareWebP, as: UTF8.self).contains("secret"))
        #expect(ImageInfo.sniff(bareWebP)?.width == 32)
        #expect(bareWebP.count == 8 + Int(bareWebP[4]) + Int(bareWebP[5]) << 8)
    }

    @Test("a GIF loses its comments and keeps its frames")
    func gif() throws {
        let start = Array("GIF89a".utf8) + [2, 0, 2, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]
        let loop = [0x21, 0xff, 11] + Array("NETSCAPE2.0".utf8) + [3, 1, 0, 0, 0]
        let frame: [UInt8] = [
            0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, 0x44, 0x02, 0x05, 0,
        ]
        let comment = [0x21, 0xfe, 6] + Array("secret".utf8) + [0]
        let xmp = [0x21, 0xff, 11] + Array("XMP DataXMP".utf8) + [6] + Array("secret".utf8) + [0]
        let bare = PictureText.stripped(start + loop + comment + xmp + frame + [0x3b] + Array("secret".utf8))
        #expect(bare == start + loop + frame + [0x3b])
        #expect(PictureText.stripped(start + loop) == nil, "no end")
    }

    @Test("an AVIF file says how large it is")
    func avif() {
        func box(_ type: String, _ body: [UInt8]) -> [UInt8] {
            MadePicture.big(body.count + 8, 4) + Array(type.utf8) + body
        }
        func size(_ width: Int, _ height: Int) -> [UInt8] {
            box("ispe", [0, 0, 0, 0] + MadePicture.big(width, 4) + MadePicture.big(height, 4))
        }
        let list = box("ipco", size(64, 48) + size(1024, 768))
        let file =
            box("ftyp", Array("avif\0\0\0\0avifmif1".utf8))
            + box("meta", [0, 0, 0, 0] + box("hdlr", [0, 0, 0, 0]) + box("iprp", list))
        let info = ImageInfo.sniff(file)
        #expect(info?.width == 1024 && info?.height == 768)
        #expect(ImageInfo.sniff(Array(file.prefix(40)))?.width == nil)
        // The product of the first does not fit an integer.
        let huge =
            box("ftyp", Array("avif\0\0\0\0avifmif1".utf8))
            + box(
                "meta", [0, 0, 0, 0] + box("iprp", box("ipco", size(0xffff_ffff, 0xffff_ffff) + size(1, 1))))
        #expect(ImageInfo.sniff(huge)?.width == 0xffff_ffff)
    }

    @Test("fields that lie on top of each other are read once")
    func overlapping() {
        let text = Array("ASCII\0\0\0".utf8) + Array(repeating: UInt8(ascii: "x"), count: 10_000)
        let count = 1000
        var block: [UInt8] = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8] + MadePicture.big(count, 2)
        let place = 8 + 2 + count * 12 + 4
        for _ in 0..<count {
            block +=
                MadePicture.big(0x9286, 2) + MadePicture.big(7, 2) + MadePicture.big(text.count, 4)
                + MadePicture.big(place, 4)
        }
        block += [0, 0, 0, 0] + text
        let texts = PictureText.all(
            in: MadePicture.webp(MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", block)))
        #expect(texts.map(\.text.utf8.count) == [10_000])
    }

    @Test("what applications put between the scans of a JPEG file goes, the scans stay")
    func scans() throws {
        let first = MadePicture.segment(0xda, [1, 1, 0, 0, 5, 0]) + [1, 0xff, 0, 2, 0xff, 0xd0, 3]
        let second = MadePicture.segment(0xda, [1, 1, 0, 6, 63, 0]) + [4, 5]
        let table = MadePicture.segment(0xc4, [0, 1, 2])
        let head: [UInt8] = [0xff, 0xd8] + MadePicture.segment(0xc2, [8, 0, 16, 0, 32, 1, 1, 0x11, 0])
        let secret = MadePicture.segment(0xe1, Array("secret".utf8)) + MadePicture.segment(0xfe, Array("secret".utf8))
        let picture = head + first + secret + table + second + secret + [0xff, 0xd9] + Array("secret".utf8)
        #expect(PictureText.stripped(picture) == head + first + table + second + [0xff, 0xd9])
        for count in 0..<picture.count { _ = PictureText.stripped(Array(picture.prefix(count))) }
    }

    @Test("a PNG file keeps its image, how it is turned and the mark, and loses every other chunk")
    func png() throws {
        func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
            var sum = CRC32()
            let all = Array(type.utf8) + body
            all.withUnsafeBytes { sum.update($0) }
            return MadePicture.big(body.count, 4) + all + MadePicture.big(Int(sum.value), 4)
        }
        let mark = DigitalSourceType.trainedAlgorithmicMedia
        let start: [UInt8] =
            [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
            + chunk("IHDR", MadePicture.big(2, 4) + MadePicture.big(3, 4) + [8, 0, 0, 0, 0])
        let data = chunk("IDAT", [1, 2, 3])
        let xmp = Array("XML:com.adobe.xmp".utf8) + [0, 0, 0, 0, 0] + Array((mark.xmp + "secret").utf8)
        let picture =
            start + chunk("gAMA", [0, 0, 1, 0]) + chunk("tEXt", Array("parameters\0secret".utf8))
            + chunk("iTXt", xmp)
            + chunk("eXIf", MadePicture.exif(comment: Array("ASCII\0\0\0secret".utf8), orientation: 6))
            + chunk("caBX", Array("secret".utf8)) + data + chunk("IEND", []) + Array("secret".utf8)
        let bare = try #require(PictureText.stripped(picture))
        #expect(!String(decoding: bare, as: UTF8.self).contains("secret"))
        #expect(DigitalSourceType(in: PictureText.all(in: bare)) == mark)
        #expect(String(decoding: bare, as: UTF8.self).contains("gAMA"))
        #expect(String(decoding: bare, as: UTF8.self).contains("eXIf"))
        #expect(PictureText.stripped(bare) == bare)
    }

    @Test("damaged pictures are read as far as they go, and nothing is read past the end")
    func damaged() {
        let exif = MadePicture.exif(
            main: [(0x010f, Array("prompt:{}\0\0".utf8))], comment: MadePicture.utf16(infotext, isBig: true))
        let whole = [
            MadePicture.jpeg(MadePicture.segment(0xe1, Array("Exif\0\0".utf8) + exif)),
            MadePicture.webp(MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", exif)),
        ]
        var state: UInt64 = 7
        func random() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        for picture in whole {
            for count in 0...picture.count {
                _ = PictureText.all(in: Array(picture.prefix(count)))
                _ = PictureText.stripped(Array(picture.prefix(count)))
            }
            for _ in 0..<20_000 {
                var bytes = picture
                for _ in 0..<1 + random() % 4 {
                    bytes[Int(random() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random())
                }
                let texts = PictureText.all(in: bytes)
                _ = Recipe(texts: texts)
                _ = PictureText.stripped(bytes)
            }
        }
    }
}
