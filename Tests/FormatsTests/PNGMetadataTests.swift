import Formats
import Testing
import WaggleProtocol

@Suite("PNG text")
struct PNGMetadataTests {
    @Test("texts are read in file order, before and after the image")
    func reads() throws {
        let file = png(
            before: [chunk("tEXt", "parameters\u{0}a bee".bytes), chunk("pHYs", [UInt8](repeating: 1, count: 9))],
            after: [chunk("iTXt", "workflow\u{0}\u{0}\u{0}de\u{0}Ablauf\u{0}Bienenkönigin 🐝".bytes)], width: 640,
            height: 480)
        let metadata = try PNGMetadata(file)
        #expect(metadata.width == 640)
        #expect(metadata.height == 480)
        #expect(metadata.texts == [PictureText("parameters", "a bee"), PictureText("workflow", "Bienenkönigin 🐝")])
        #expect(metadata["workflow"] == "Bienenkönigin 🐝")
        #expect(metadata.unread.isEmpty)
        #expect(metadata.trailingBytes == 0)
    }

    @Test("tEXt is Latin-1, or UTF-8 where its bytes are that")
    func latin1() throws {
        let file = png(before: [
            chunk("tEXt", "a\u{0}".bytes + [0xe9, 0x20]), chunk("tEXt", "b\u{0}é".bytes), chunk("tEXt", "c\u{0}".bytes),
        ])
        #expect(try PNGMetadata(file).texts == [PictureText("a", "é "), PictureText("b", "é"), PictureText("c", "")])
    }

    @Test("compressed and malformed texts are named, not guessed")
    func unread() throws {
        let file = png(before: [
            chunk("zTXt", "z\u{0}\u{0}xxx".bytes), chunk("iTXt", "i\u{0}\u{1}\u{0}\u{0}\u{0}xxx".bytes),
            chunk("iTXt", "n\u{0}\u{0}\u{0}\u{0}\u{0}".bytes + [0xff]), chunk("iTXt", "s\u{0}\u{0}".bytes),
            chunk("iTXt", "t\u{0}\u{0}\u{0}en\u{0}".bytes), chunk("tEXt", "no separator".bytes), chunk("tEXt", [0, 1]),
            chunk("iTXt", "f\u{0}\u{7}\u{0}\u{0}\u{0}x".bytes),
            chunk("tEXt", [UInt8](repeating: 0x61, count: 80) + [0, 0x62]),
        ])
        let metadata = try PNGMetadata(file)
        #expect(metadata.texts.isEmpty)
        #expect(metadata.unread.map(\.keyword) == ["z", "i", "n", "s", "t", "", "", "f", ""])
        #expect(metadata.unread.prefix(2).allSatisfy { $0.reason == .compressed })
        #expect(metadata.unread.dropFirst(2).allSatisfy { $0.reason == .malformed })
    }

    @Test("damaged files are refused with the place")
    func damaged() throws {
        let file = png()
        #expect(throws: PNGError.notPNG) { try PNGMetadata([]) }
        #expect(throws: PNGError.notPNG) { try PNGMetadata([0xff, 0xd8, 0xff]) }
        #expect(throws: PNGError.truncated(offset: 8)) { try PNGMetadata(pngSignature) }
        for cut in 9..<file.count {
            #expect(throws: PNGError.truncated(offset: cut)) { try PNGMetadata(Array(file.prefix(cut))) }
        }
        for index in [8 + 8, 8 + 21, file.count - 1, 8 + 25 + 10] {
            var bad = file
            bad[index] ^= 1
            #expect(throws: PNGError.self, "byte \(index)") { try PNGMetadata(bad) }
        }
        #expect(throws: PNGError.badChunkType(offset: 37)) {
            try PNGMetadata(Array(file.prefix(33)) + bigEndian(0) + [0x49, 0x44, 0x31, 0x54] + bigEndian(0))
        }
        #expect(throws: PNGError.truncated(offset: 45)) {
            try PNGMetadata(Array(file.prefix(33)) + bigEndian(0xffff_ffff) + "IDAT".bytes + bigEndian(0))
        }
    }

    @Test("header, image and sizes must be there")
    func structure() {
        #expect(throws: PNGError.badHeader) { try PNGMetadata(png(width: 0)) }
        #expect(throws: PNGError.badHeader) { try PNGMetadata(png(height: 0x8000_0000)) }
        #expect(throws: PNGError.badHeader) { try PNGMetadata(pngSignature + chunk("IEND", [])) }
        #expect(throws: PNGError.badHeader) { try PNGMetadata(pngSignature + chunk("IHDR", [1]) + chunk("IEND", [])) }
        #expect(throws: PNGError.noImageData) {
            try PNGMetadata(pngSignature + Array(png()[8..<33]) + chunk("IEND", []))
        }
    }

    @Test("chunks and text are bounded")
    func limits() {
        let empty = chunk("tEXt", [])
        #expect(throws: PNGError.tooManyChunks(limit: Limits.PictureText.chunks)) {
            try PNGMetadata(png(before: Array(repeating: empty, count: Limits.PictureText.chunks)))
        }
        let half = chunk("tEXt", "k\u{0}".bytes + [UInt8](repeating: 0x61, count: Limits.PictureText.bytes / 2))
        #expect(throws: PNGError.tooMuchText(limit: Limits.PictureText.bytes)) {
            try PNGMetadata(png(before: [half], after: [half]))
        }
    }

    @Test("new texts stand before the image instead of old ones; everything else is as it was")
    func replacing() throws {
        let other = chunk("tEXt", "Software\u{0}x".bytes)
        let old = chunk("zTXt", "parameters\u{0}\u{0}old".bytes)
        let late = chunk("tEXt", "parameters\u{0}late".bytes)
        let private_ = chunk("prVt", [1, 2, 3])
        let file = png(before: [old, other, private_], after: [late]) + [9, 9]
        let written = try PNGMetadata(file).replacing([PictureText("parameters", "new"), PictureText("w", "日本")])
        let expected =
            png(before: [
                other, private_, chunk("tEXt", "parameters\u{0}new".bytes),
                chunk("iTXt", "w\u{0}\u{0}\u{0}\u{0}\u{0}日本".bytes),
            ]) + [9, 9]
        #expect(written == expected)
        #expect(try PNGMetadata(written).replacing([]) == written)
    }

    @Test("any text comes back as it was", arguments: UInt64(1)...200)
    func roundTrip(seed: UInt64) throws {
        var random = Seeded(seed)
        let alphabet: [Unicode.Scalar] = [
            "a", "\n", "\r", "é", "Ã", "©", "ÿ", "日", "🐝", "\u{1}", "\u{80}", "e\u{301}".unicodeScalars.last!,
        ]
        let text = random.text(upTo: 12, from: alphabet)
        let written = try PNGMetadata(png()).replacing([PictureText("parameters", text)])
        let read = try PNGMetadata(written)["parameters"]
        #expect(
            read?.unicodeScalars.elementsEqual(text.unicodeScalars) == true, "seed \(seed): \(text.debugDescription)")
    }

    @Test("what PNG cannot hold is refused")
    func unwritable() throws {
        let metadata = try PNGMetadata(png())
        #expect(throws: PNGError.nulInText(keyword: "k")) { try metadata.replacing([PictureText("k", "a\u{0}b")]) }
        for keyword in ["", " a", "a ", "a  b", "日", "a\u{0}", "a\n", String(repeating: "a", count: 80), "a\u{a0}"] {
            #expect(throws: PNGError.badKeyword(keyword)) { try metadata.replacing([PictureText(keyword, "")]) }
        }
        let large = String(repeating: "a", count: Limits.PictureText.bytes)
        #expect(throws: PNGError.tooMuchText(limit: Limits.PictureText.bytes)) {
            try metadata.replacing([PictureText("k", large)])
        }
    }

    @Test("stripping leaves the picture, and the mark that it is given")
    func stripping() throws {
        let mark = chunk("iTXt", "XML:com.adobe.xmp\u{0}\u{0}\u{0}\u{0}\u{0}<x/>".bytes)
        let colour = chunk("gAMA", [0, 0, 1, 0])
        let file =
            png(
                before: [
                    mark, chunk("eXIf", [1]), colour, chunk("zTXt", "a\u{0}\u{0}".bytes),
                    chunk("tIME", [0, 0, 0, 0, 0, 0, 0]),
                ], after: [chunk("tEXt", "parameters\u{0}secret".bytes)]) + "secret".bytes
        let metadata = try PNGMetadata(file)
        #expect(metadata.trailingBytes == 6)
        #expect(metadata.stripped() == png(before: [colour]))
        let marked = try PNGMetadata(metadata.stripped(mark: .trainedAlgorithmicMedia))
        #expect(marked.texts.count == 1 && DigitalSourceType(in: marked.texts) == .trainedAlgorithmicMedia)
    }

    @Test("random edits never crash, and what is read can be rewritten", arguments: UInt64(1)...20)
    func fuzz(seed: UInt64) throws {
        var random = Seeded(seed)
        let texts = [chunk("tEXt", "parameters\u{0}x".bytes), chunk("iTXt", "w\u{0}\u{0}\u{0}a\u{0}b\u{0}c".bytes)]
        let base = png(before: texts, after: texts)
        for round in 0..<400 {
            // Half of the rounds edit the inside of a chunk, under a right checksum.
            let bytes =
                round.isMultiple(of: 2)
                ? random.mutated(base)
                : png(before: [
                    chunk(random.pick(["tEXt", "iTXt", "zTXt"]), random.mutated("w\u{0}\u{0}\u{0}a\u{0}b\u{0}c".bytes))
                ])
            guard let metadata = try? PNGMetadata(bytes) else { continue }
            let written = try metadata.replacing([PictureText("parameters", "new")])
            #expect(try PNGMetadata(written)["parameters"] == "new", "seed \(seed)")
            let stripped = try PNGMetadata(metadata.stripped())
            #expect(stripped.texts.isEmpty && stripped.unread.isEmpty && stripped.trailingBytes == 0, "seed \(seed)")
            _ = Recipe(texts: metadata.texts)
        }
    }
}

@Suite("kinds and sizes of pictures")
struct ImageInfoTests {
    private func check(_ bytes: [UInt8], _ type: ImageInfo.MediaType?, _ width: Int?, _ height: Int?) {
        let info = ImageInfo.sniff(bytes)
        #expect(info?.mediaType == type)
        #expect(info?.width == width)
        #expect(info?.height == height)
    }

    private func webp(_ body: [UInt8]) -> [UInt8] {
        "RIFF".bytes + [0, 0, 0, 0] + "WEBP".bytes + body
    }

    @Test("PNG, GIF and AVIF")
    func simple() {
        check(png(width: 640, height: 480), .png, 640, 480)
        check(Array(png().prefix(8)), .png, nil, nil)
        check("GIF89a".bytes + [0x80, 2, 0xe0, 1, 0], .gif, 640, 480)
        check("GIF87a".bytes, .gif, nil, nil)
        check([0, 0, 0, 28] + "ftypavif".bytes + [0, 0, 0, 0], .avif, nil, nil)
        check([0, 0, 0, 28] + "ftypmif1".bytes + [0, 0, 0, 0] + "miafavif".bytes, .avif, nil, nil)
        check([0, 0, 0, 28] + "ftypisom".bytes + [0, 0, 0, 0] + "mp41".bytes, nil, nil, nil)
        check([0xff, 0xff, 0xff, 0xff] + "ftypisom".bytes, nil, nil, nil)
        check([], nil, nil, nil)
        check("<svg".bytes, nil, nil, nil)
    }

    @Test("JPEG's size is in its first frame, after any segments")
    func jpeg() {
        let frame: [UInt8] = [0xff, 0xc2, 0, 11, 8, 1, 0xe0, 2, 0x80, 1, 1, 0x11, 0]
        check([0xff, 0xd8] + frame, .jpeg, 640, 480)
        check([0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xc0, 0, 0, 0xff] + frame, .jpeg, 640, 480)
        check([0xff, 0xd8, 0xff, 0xc4, 0, 2] + frame, .jpeg, 640, 480)
        check([0xff, 0xd8, 0xff, 0xda, 0, 2] + frame, .jpeg, nil, nil)
        check([0xff, 0xd8, 0xff, 0xe0, 0, 1] + frame, .jpeg, nil, nil)
        check([0xff, 0xd8, 0xff, 0xe0, 0xff], .jpeg, nil, nil)
        check([0xff, 0xd8, 0xff], .jpeg, nil, nil)
        check([0xff, 0xd8] + [UInt8](repeating: 0xff, count: 1 << 16), .jpeg, nil, nil)
    }

    @Test("WebP is lossy, lossless or extended")
    func webp() {
        check(webp("VP8 ".bytes + [0, 0, 0, 0, 0x30, 1, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1]), .webp, 640, 480)
        check(webp("VP8 ".bytes + [0, 0, 0, 0, 0x30, 1, 0, 0, 1, 0x2a, 0x80, 2, 0xe0, 1]), .webp, nil, nil)
        // 639 in 14 bits, then 479 in 14 bits.
        check(webp("VP8L".bytes + [0, 0, 0, 0, 0x2f, 0x7f, 0xc2, 0x77, 0]), .webp, 640, 480)
        check(webp("VP8X".bytes + [10, 0, 0, 0, 0, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]), .webp, 640, 480)
        check(webp("VP8X".bytes), .webp, nil, nil)
    }

    @Test("random bytes behind a magic number never crash", arguments: UInt64(1)...20)
    func fuzz(seed: UInt64) {
        var random = Seeded(seed)
        let starts: [[UInt8]] = [
            pngSignature, [0xff, 0xd8, 0xff], "GIF89a".bytes, webp("VP8 ".bytes), webp("VP8L".bytes),
            webp("VP8X".bytes),
            [0, 0, 1, 0] + "ftyp".bytes,
        ]
        for _ in 0..<500 {
            let bytes =
                random.pick(starts)
                + (0..<random.below(64)).map { _ in random.pick([0, 0xff, 0xc0, UInt8(random.below(256))]) }
            let info = ImageInfo.sniff(bytes)
            #expect((info?.width ?? 1) > 0 && (info?.height ?? 1) > 0, "seed \(seed)")
        }
    }
}
