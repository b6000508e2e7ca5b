import Digests
import Formats
import Testing
import WaggleProtocol

/// The texts of the programs that pictures come from, in each kind of file as those programs write it.
@Suite("Recipes of every program in every kind of picture")
struct RecipeCorpusTests {
    enum Carrier: String, CaseIterable, Sendable {
        case png, jpeg, webp
    }

    struct Sample: Sendable, CustomTestStringConvertible {
        let program: String
        /// PNG's keyword.
        let keyword: String
        let text: String
        /// Kinds of files that the program writes it into.
        var carriers = Carrier.allCases

        var testDescription: String { program }
    }

    private static let hash = String(repeating: "ab", count: 32)

    /// Each is a bee of seed 5, drawn in 20 steps.
    static let samples = [
        Sample(
            program: "A1111", keyword: "parameters",
            text: """
                a bee, \u{8702}
                Negative prompt: wasp
                Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 5, Size: 512x640, Model hash: cc6cb27103, \
                Model: base, Lora hashes: "honey: 112233445566", Version: v1.10.1
                """),
        Sample(
            program: "Civitai", keyword: "parameters",
            text: """
                a bee, \u{8702}
                Negative prompt: wasp
                Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x640, Clip skip: 2, \
                Created Date: 2025-01-01T10:00:00.123Z, Hashes: {"model":"cc6cb27103"}, Civitai resources: [{"type":"checkpoint",\
                "modelVersionId":1,"modelName":"base","modelVersionName":"1.0"},{"type":"lora","weight":0.8,"modelVersionId":2}], \
                Civitai metadata: {}
                """),
        Sample(
            program: "stable-diffusion.cpp", keyword: "parameters",
            text: """
                a bee, \u{8702}
                Negative prompt: wasp
                Steps: 20, CFG scale: 7.000000, Guidance: 3.500000, Seed: 5, Size: 512x640, Model: base.safetensors, RNG: cuda, \
                Sampler: euler karras, Version: stable-diffusion.cpp, SDCPP: {"schema": "sdcpp.image.params/v1", "x": "a, b: c"}
                """),
        Sample(
            program: "SwarmUI", keyword: "parameters",
            text: """
                {"sui_image_params": {"prompt": "a bee, \u{8702}", "negativeprompt": "wasp", "model": "base.safetensors", "seed": 5,
                 "steps": 20, "cfgscale": 7, "width": 512, "height": 640, "sampler": "euler", "swarm_version": "0.9.7.0"}}
                """),
        Sample(
            program: "ComfyUI", keyword: "prompt",
            text: """
                {"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}},
                 "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a bee, \u{8702}", "clip": ["1", 1]}},
                 "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "wasp", "clip": ["1", 1]}},
                 "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
                 "5": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 20, "cfg": 7, "sampler_name": "euler",
                       "scheduler": "karras", "denoise": 1, "model": ["1", 0], "positive": ["2", 0], "negative": ["3", 0],
                       "latent_image": ["4", 0]}}}
                """, carriers: [.png, .webp]),
        Sample(
            program: "InvokeAI", keyword: "invokeai_metadata",
            text: """
                {"app_version": "5.6.0", "positive_prompt": "a bee, \u{8702}", "negative_prompt": "wasp", "width": 512,
                 "height": 640, "seed": 5, "cfg_scale": 7, "steps": 20, "scheduler": "euler_a",
                 "model": {"key": "k", "hash": "sha256:\(hash)", "name": "base", "base": "sd-1", "type": "main"}}
                """, carriers: [.png]),
    ]

    @Test("whatever program, whatever file, the same recipe", arguments: samples)
    func reads(_ sample: Sample) throws {
        for carrier in sample.carriers {
            let bytes = try Self.picture(sample.keyword, sample.text, carrier)
            let recipe = try #require(Recipe(texts: PictureText.all(in: bytes)), "\(carrier)")
            #expect(recipe.prompt == "a bee, \u{8702}" && recipe.negativePrompt == "wasp", "\(carrier): \(recipe)")
            #expect(recipe.seed == 5 && recipe.steps == 20 && recipe.cfgScale == 7, "\(carrier): \(recipe)")
            #expect(recipe.width == 512 && recipe.height == 640, "\(carrier): \(recipe)")
            // Civitai names what it knows by number.
            #expect(
                sample.program == "Civitai" || recipe.resources.first?.name?.hasPrefix("base") == true,
                "\(carrier): \(recipe.resources)")
            // Nothing of it is left when the picture is shown to others.
            let bare = try #require(PictureText.stripped(bytes))
            #expect(Recipe(texts: PictureText.all(in: bare)) == nil, "\(carrier)")
        }
    }

    @Test(
        "texts that are cut short, nested without end or of 10 MB hurt nobody, in any kind of file", arguments: samples)
    func hostile(_ sample: Sample) throws {
        let text = sample.text
        let hurtful = [
            String(text.prefix(text.count / 2)), text + text, text.replacing("20", with: "1e999"),
            text.replacing("5", with: "99999999999999999999999"), text.replacing(": ", with: ":"),
            String(repeating: "{\"a\":", count: 50_000), String(repeating: "(", count: 50_000) + text,
            String(repeating: text, count: 10_000_000 / text.utf8.count), text.replacing("bee", with: "\0\u{1b}[2J"),
        ]
        for carrier in sample.carriers {
            for (number, text) in hurtful.enumerated() {
                guard let bytes = try? Self.picture(sample.keyword, text, carrier) else { continue }
                let texts = PictureText.all(in: bytes)
                #expect(
                    texts.reduce(0) { $0 + $1.text.utf8.count } <= Limits.PictureText.bytes, "\(carrier) \(number)")
                if let recipe = Recipe(texts: texts) {
                    #expect(recipe.resources.count <= Limits.PictureText.resources, "\(carrier) \(number)")
                    #expect(recipe.cfgScale.map(\.isFinite) ?? true, "\(carrier) \(number)")
                }
            }
        }
    }

    private struct Unfit: Error {}

    private static func picture(_ keyword: String, _ text: String, _ carrier: Carrier) throws -> [UInt8] {
        switch carrier {
        case .png: return png(keyword, text)
        case .jpeg:
            let comment = Array("Exif\0\0".utf8) + MadePicture.exif(comment: MadePicture.utf16(text, isBig: true))
            // A segment has 64 KiB; what is longer no program can write.
            guard comment.count < 65_530 else { throw Unfit() }
            return MadePicture.jpeg(MadePicture.segment(0xe1, comment))
        case .webp:
            let block =
                keyword == "prompt"
                ? MadePicture.exif(main: [(0x0110, Array("prompt:\(text)\0".utf8))])
                : MadePicture.exif(comment: MadePicture.utf16(text, isBig: true))
            return MadePicture.webp(MadePicture.vp8x + MadePicture.vp8l + MadePicture.chunk("EXIF", block))
        }
    }

    /// With an iTXt chunk, as for any text that is not Latin-1.
    private static func png(_ keyword: String, _ text: String) -> [UInt8] {
        func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
            let named = Array(kind.utf8) + body
            var sum = CRC32()
            named.withUnsafeBytes { sum.update($0) }
            return MadePicture.big(body.count, 4) + named + MadePicture.big(Int(sum.value), 4)
        }
        return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
            + chunk("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0])
            + chunk("iTXt", Array(keyword.utf8) + [0, 0, 0, 0, 0] + Array(text.utf8))
            + chunk("IDAT", [0x78, 0x9c, 0x63, 0x00, 0x00, 0x00, 0x04, 0x00, 0x01]) + chunk("IEND", [])
    }
}
