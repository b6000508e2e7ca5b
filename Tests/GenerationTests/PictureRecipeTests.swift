import Digests
import Formats
import Identity
import Testing

@testable import Generation

@Suite("What a picture says of itself")
struct PictureRecipeTests {
    /// A PNG file of one pixel, without texts.
    private static let pixel: [UInt8] = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1,
        8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, 0x49, 0x44, 0x41, 0x54, 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0,
        0, 0, 3, 1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ]

    private func written(prompt: String = "a bee <lora:lora-1-1:0.5>") throws -> (bytes: [UInt8], signer: Signer) {
        let key = try #require(SigningKey(seed: Array(repeating: 7, count: 32)))
        let signer = Signer(author: Hash32(words: (1, 2, 3, 4)), device: key)
        let made = PictureRecipe(
            plan: try Samples.plan(prompt: prompt, batch: 2), models: Samples.models(1, loras: 1), index: 1,
            engine: "stable-diffusion.cpp test")
        return (try made.written(into: Self.pixel, signer: signer, created: 1_772_323_200), signer)
    }

    @Test("readers of the field find prompt, seed and the full hash of every file")
    func infotext() throws {
        let texts = PictureText.all(in: try written().bytes)
        let recipe = try #require(Recipe(texts: texts))
        let models = Samples.models(1, loras: 1)
        #expect(recipe.prompt == "a bee <lora:lora-1-1:0.5>")
        #expect(recipe.seed == 8, "the second picture of seed 7")
        #expect(recipe.steps == 1 && recipe.width == 128 && recipe.height == 128 && recipe.cfgScale == 1)
        #expect(recipe.engine == "stable-diffusion.cpp test")
        #expect(recipe.resources.map { $0.hashes["SHA256"] } == models.files.map(\.sha256))
        #expect(DigitalSourceType(in: texts) == .trainedAlgorithmicMedia)
    }

    @Test("the signed statement holds for these pixels alone")
    func signature() throws {
        let (bytes, signer) = try written()
        let signed = try #require(SignedRecipe(picture: bytes))
        #expect(signed.key == signer.device.publicKey)
        #expect(signed.statement.node == signer.author.hex)
        #expect(signed.statement.seed == 8)
        #expect(signed.statement.resources.map(\.sha256) == Samples.models(1, loras: 1).files.map(\.sha256))
        #expect(SignedRecipe(picture: Self.pixel) == nil)
        // The statement of one picture in another.
        let file = try PNGMetadata(bytes)
        let text = try #require(file[PictureRecipe.keyword])
        let other = try #require(try? PNGMetadata(Self.grey).replacing([PictureText(PictureRecipe.keyword, text)]))
        #expect(SignedRecipe(picture: other) == nil)
        // A word changed.
        let forged = try file.replacing([
            PictureText(PictureRecipe.keyword, text.replacing("\"sig\":\"", with: "\"sig\":\"A"))
        ])
        #expect(SignedRecipe(picture: forged) == nil)
        // Other texts may come and go.
        let annotated = try file.replacing([PictureText("Comment", "seen")])
        #expect(SignedRecipe(picture: annotated) != nil)
    }

    /// The same with another height in its header, and so another checksum.
    private static let grey: [UInt8] = {
        var bytes = pixel
        // tRNS and the like would do as well: a chunk that decoders look at.
        bytes.insert(contentsOf: PNGMetadata.pixelDensity, at: 33)
        return bytes
    }()

    /// The smallest pictures of these formats that say how large they are; decoders want more.
    private static let others: [String: [UInt8]] = [
        "jpeg": [0xff, 0xd8, 0xff, 0xe0, 0, 16] + Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0]
            + [0xff, 0xc0, 0, 11, 8, 0, 16, 0, 32, 1, 1, 0x11, 0] + [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]
            + [1, 2, 0xff, 0, 3, 0xff, 0xd9],
        "webp": Array("RIFF".utf8) + [18, 0, 0, 0] + Array("WEBPVP8L".utf8) + [5, 0, 0, 0, 0x2f, 31, 0xc0, 3, 0x10, 0],
    ]

    @Test("JPEG and WebP carry the same recipe, and it holds for their pixels alone", arguments: ["jpeg", "webp"])
    func otherFormats(_ format: String) throws {
        let plain = try #require(Self.others[format])
        let key = try #require(SigningKey(seed: Array(repeating: 7, count: 32)))
        let signer = Signer(author: Hash32(words: (1, 2, 3, 4)), device: key)
        let made = PictureRecipe(
            plan: try Samples.plan(prompt: "蜂 🐝 ü <lora:lora-1-1:0.5>"), models: Samples.models(1, loras: 1), index: 0,
            engine: "test")
        let bytes = try made.written(into: plain, signer: signer, created: 1_772_323_200)
        let texts = PictureText.all(in: bytes)
        #expect(Recipe(texts: texts)?.prompt == "蜂 🐝 ü <lora:lora-1-1:0.5>")
        #expect(DigitalSourceType(in: texts) == .trainedAlgorithmicMedia)
        #expect(
            try SignedRecipe(picture: bytes)?.statement.picture == SHA256.hash(#require(PictureText.bare(plain))).hex)
        #expect(PictureText.bare(bytes) == PictureText.bare(plain), "what is written can be taken out again")
        #expect(try made.written(into: bytes, signer: signer, created: 1_772_323_200) == bytes, "once is enough")
        var other = bytes
        let last = try #require(other.firstRange(of: format == "jpeg" ? [1, 2, 0xff, 0, 3] : [0x2f, 31, 0xc0]))
            .lowerBound
        other[last] ^= 2
        #expect(SignedRecipe(picture: other) == nil, "other pixels")
        // Taken out for a visitor, the mark stays.
        let shown = try #require(PictureText.stripped(bytes))
        #expect(DigitalSourceType(in: PictureText.all(in: shown)) == .trainedAlgorithmicMedia)
        #expect(SignedRecipe(picture: shown) == nil && Recipe(texts: PictureText.all(in: shown)) == nil)
        // A prompt that a segment of JPEG has no room for.
        let long = PictureRecipe(
            plan: try Samples.plan(prompt: String(repeating: "bee ", count: 4000)), models: Samples.models(), index: 0,
            engine: "test")
        if format == "webp" {
            #expect(throws: Never.self) { try long.written(into: plain, signer: signer, created: 1) }
        }
        #expect(
            PictureText.write([PictureText("parameters", String(repeating: "b", count: 40_000))], into: plain) == nil
                || format == "webp")
        #expect(PictureText.write([PictureText("unheard of", "x")], into: plain) == nil)
    }

    @Test("prompts of any script survive")
    func scripts() throws {
        for prompt in ["Biene über Wiese, \"groß\"", "蜂 🐝\nzweite Zeile", "Steps: 3, a: b, c: d"] {
            let recipe = try #require(Recipe(texts: PictureText.all(in: try written(prompt: prompt).bytes)))
            // The LoRA's tag is added where the prompt has none.
            #expect(recipe.prompt.lowercased() == prompt.lowercased() + " <lora:lora-1-1:1>")
            #expect(SignedRecipe(picture: try written(prompt: prompt).bytes)?.statement.prompt == prompt)
        }
    }
}

extension PNGMetadata {
    /// A `pHYs` chunk: one pixel a metre.
    fileprivate static let pixelDensity: [UInt8] = {
        let body = Array("pHYs".utf8) + [0, 0, 0, 1, 0, 0, 0, 1, 1]
        var checksum = CRC32()
        body.withUnsafeBytes { checksum.update($0) }
        return [0, 0, 0, 9] + body + withUnsafeBytes(of: checksum.value.bigEndian) { Array($0) }
    }()
}
