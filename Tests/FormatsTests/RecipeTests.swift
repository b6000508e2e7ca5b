import Formats
import FoundationEssentials
import Testing

@Suite("recipes")
struct RecipeTests {
    private func recipe(_ text: String) throws -> Recipe {
        try #require(Recipe(texts: [PictureText("parameters", text)]))
    }

    @Test("an A1111 picture's recipe has its models with their hashes")
    func a1111() throws {
        let recipe = try recipe(
            """
            a bee <lora:neon-film v1:0.8>, <lyco:deep:1>
            Negative prompt: EasyNegative
            Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 18446744073709551615, Size: 512x768, \
            Model hash: 6CE0161689, Model: v1-5, VAE hash: 735e4c3a44, VAE: vae-ft.safetensors, Clip skip: 2, RNG: CPU, \
            Lora hashes: "neon-film v1: aabbccddeeff, other: 0123456789", TI hashes: "EasyNegative: c74b4e810b03", Version: v1.10.1
            """)
        #expect(recipe.seed == .max)
        #expect(recipe.steps == 20)
        #expect(recipe.sampler == "Euler a")
        #expect(recipe.scheduler == "Karras")
        #expect(recipe.cfgScale == 7)
        #expect(recipe.width == 512 && recipe.height == 768)
        #expect(recipe.clipSkip == 2)
        #expect(recipe.rng == "CPU")
        #expect(recipe.engine == "v1.10.1")
        #expect(
            recipe.resources == [
                RecipeResource(kind: .checkpoint, name: "v1-5", hashes: ["AutoV2": "6ce0161689"]),
                RecipeResource(kind: .vae, name: "vae-ft", hashes: ["AutoV2": "735e4c3a44"]),
                RecipeResource(kind: .lora, name: "neon-film v1", hashes: ["AutoV3": "aabbccddeeff"], weight: 0.8),
                RecipeResource(kind: .locon, name: "deep", weight: 1),
                RecipeResource(kind: .lora, name: "other", hashes: ["AutoV2": "0123456789"]),
                RecipeResource(kind: .textualInversion, name: "EasyNegative", hashes: ["AutoV2": "c74b4e810b"]),
            ])
    }

    @Test("what is missing has A1111's meaning")
    func defaults() throws {
        let recipe = try recipe("a\nSteps: 20, Seed: 1, Schedule type: Automatic")
        #expect(recipe.clipSkip == 1)
        #expect(recipe.rng == nil)
        #expect(recipe.scheduler == nil)
        #expect(recipe.width == nil)
    }

    @Test(
        "nonsense in a number leaves it out",
        arguments: ["x", "-1", "1e999", "nan", "0x10", "99999999999999999999", ""])
    func badNumbers(_ text: String) throws {
        let recipe = try recipe("a\nSteps: \(text), Seed: \(text), CFG scale: \(text), Size: \(text)x\(text)")
        #expect(recipe.seed == nil)
        #expect(recipe.cfgScale == nil || text == "-1" || text == "99999999999999999999")
        #expect(recipe.width == nil)
    }

    @Test("the Hashes object and the fields describe the same resources")
    func hashes() throws {
        let full = String(repeating: "ab", count: 32)
        let recipe = try recipe(
            #"a <lora:x:1>\nSteps: 1, Seed: 2, Model hash: aaaaaaaaaa, Model: m, Lora hashes: "x: aabbccddeeff", "#
                .replacing("\\n", with: "\n")
                + #"Hashes: {"model": "\#(full)", "lora:x": "\#(full)", "embed:e": "1234567890", "lora:z": "nothex", "what:x": "aa"}"#
        )
        #expect(
            recipe.resources == [
                RecipeResource(kind: .checkpoint, name: "m", hashes: ["AutoV2": "aaaaaaaaaa", "SHA256": full]),
                RecipeResource(kind: .lora, name: "x", hashes: ["AutoV3": "aabbccddeeff", "SHA256": full], weight: 1),
                RecipeResource(kind: .textualInversion, name: "e", hashes: ["AutoV2": "1234567890"]),
                RecipeResource(kind: .lora, name: "z"),
            ])
    }

    @Test("Additional Networks fields are LoRAs")
    func addNet() throws {
        let recipe = try recipe(
            "a\nSteps: 1, Seed: 2, AddNet Enabled: True, AddNet Module 1: LoRA, AddNet Model 1: neon(film)(aabbccddeeff), "
                + "AddNet Weight A 1: 0.7, AddNet Weight B 1: 1, AddNet Module 2: LoRA, AddNet Model 2: plain, AddNet Weight 2: 0.5"
        )
        #expect(
            recipe.resources == [
                RecipeResource(kind: .lora, name: "neon(film)", hashes: ["AutoV3": "aabbccddeeff"], weight: 0.7),
                RecipeResource(kind: .lora, name: "plain", weight: 0.5),
            ])
    }

    @Test("Civitai's resources join the ones that the text names")
    func civitai() throws {
        let recipe = try recipe(
            "a\nSteps: 1, Seed: 2, Size: 8x8, Model: m, Civitai resources: "
                + #"[{"type":"checkpoint","modelVersionId":1,"modelName":"Site Name"},{"type":"lora","weight":0.8,"modelVersionId":2},"#
                + #"{"air":"urn:air:sdxl:embedding:civitai:3@4","weight":1},7,{"type":"odd"}]"#)
        #expect(
            recipe.resources == [
                RecipeResource(kind: .checkpoint, name: "m", modelVersionID: 1),
                RecipeResource(kind: .lora, weight: 0.8, modelVersionID: 2),
                RecipeResource(
                    kind: .textualInversion, weight: 1, modelVersionID: 4, air: "urn:air:sdxl:embedding:civitai:3@4"),
                RecipeResource(kind: .other),
                RecipeResource(kind: ModelType(rawValue: "odd")),
            ])
    }

    @Test("the number of resources is bounded")
    func bounded() throws {
        let tags = (0..<1000).map { "<lora:n\($0):1>" }.joined()
        #expect(try recipe(tags).resources.count == 256)
        let hashes = (0..<1000).map { "\"lora:n\($0)\": \"aabbccddeeff\"" }.joined(separator: ", ")
        #expect(try recipe("a\nSteps: 1, Seed: 2, Size: 8x8, Hashes: {\(hashes)}").resources.count == 256)
    }

    @Test("tags are read from prompts as A1111 reads them")
    func tags() {
        let tags = PromptTag.all(
            in: "<lora:a b.c-d_e:0.5> <lora:x> <hypernet:h:1:2> <lora::1> <lora:y:zz> < lora:z:1> <b:c:1> <<lora:q:-1>",
            limit: 9)
        #expect(tags.map(\.name) == ["a b.c-d_e", "x", "h", "y", "q"])
        #expect(tags.map(\.weight) == [0.5, 1, 1, 1, -1])
    }

    @Test("JSON of another program under the same keyword is not a prompt")
    func foreign() {
        #expect(Recipe(texts: [PictureText("parameters", #"{"another_program": {"prompt": "x"}}"#)]) == nil)
        #expect(Recipe(texts: []) == nil)
        #expect(Recipe(texts: [PictureText("parameters", "")]) == nil)
        #expect(Recipe(texts: [PictureText("prompt", "not a graph")]) == nil)
    }

    @Test("adapters that the prompt does not name get a tag")
    func missingTags() {
        let recipe = Recipe(
            prompt: "a <lora:x:0.5>",
            resources: [
                RecipeResource(kind: .lora, name: "x", weight: 0.5),
                RecipeResource(kind: .lora, name: "y", weight: 0.25),
                RecipeResource(kind: .lora, name: "bad:name", weight: 1),
            ])
        #expect(InfotextA1111(recipe).prompt == "a <lora:x:0.5> <lora:y:0.25>")
    }

    @Test("a recipe survives the infotext", arguments: UInt64(1)...300)
    func roundTrip(seed: UInt64) throws {
        var random = Seeded(seed)
        let recipe = randomRecipe(&random)
        let infotext = InfotextA1111(recipe)
        let read = try #require(InfotextA1111(infotext.text))
        #expect(Recipe(read) == recipe, "seed \(seed): \(infotext.text)")
    }

    private func randomRecipe(_ random: inout Seeded) -> Recipe {
        let names = ["neon", "film grain", "v1-5", "naïve 🐝", "x_y.z", "a(b)", "q\"r"].shuffled(using: &random)
        func hashes(_ lengths: [String: Int]) -> [String: String] {
            lengths.mapValues { count in String((0..<count).map { _ in random.pick(Array("0123456789abcdef")) }) }
        }
        var recipe = Recipe(prompt: "a bee", negativePrompt: random.pick(["", "blurry, \"bad\"\nugly"]))
        recipe.seed = random.next()
        recipe.steps = random.below(150)
        recipe.sampler = random.pick(["Euler a", "DPM++ 2M SDE", "x: y, z"])
        recipe.scheduler = random.pick([nil, "Karras"])
        recipe.cfgScale = Double(random.below(300)) / 10
        if random.chance(3, in: 4) { (recipe.width, recipe.height) = (1 + random.below(4096), 1 + random.below(4096)) }
        recipe.clipSkip = 1 + random.below(3)
        recipe.rng = random.pick([nil, "CPU"])
        recipe.engine = random.pick([nil, "waggle 1.0, sd.cpp: abc"])
        let sha256 = hashes(["SHA256": 64])
        recipe.resources.append(
            RecipeResource(
                kind: .checkpoint, name: names[0],
                hashes: sha256.merging(["AutoV2": String((sha256["SHA256"] ?? "").prefix(10))]) { $1 },
                modelVersionID: random.pick([nil, 7])))
        if random.chance(1, in: 2) {
            recipe.resources.append(RecipeResource(kind: .vae, name: names[1], hashes: hashes(["AutoV2": 10])))
        }
        for name in names[2..<2 + random.below(3)] {
            let weight = Double(random.below(20)) / 10
            recipe.prompt += " <lora:\(name):\(weight)>"
            recipe.resources.append(
                RecipeResource(
                    kind: .lora, name: name, hashes: random.pick([[:], hashes(["AutoV3": 12, "SHA256": 64])]),
                    weight: weight,
                    modelVersionID: random.pick([nil, random.next()])))
        }
        if random.chance(1, in: 2) {
            let full = hashes(["SHA256": 64])
            recipe.resources.append(
                RecipeResource(
                    kind: .textualInversion, name: names[5],
                    hashes: full.merging(["AutoV2": String((full["SHA256"] ?? "").prefix(10))]) { $1 }))
        }
        return recipe
    }

    @Test("a recipe survives JSON")
    func codable() throws {
        var random = Seeded(7)
        let recipe = randomRecipe(&random)
        let data = try JSONEncoder().encode(recipe)
        #expect(try JSONDecoder().decode(Recipe.self, from: data) == recipe)
    }

    @Test("a recipe survives a PNG file")
    func throughPNG() throws {
        var random = Seeded(8)
        let recipe = randomRecipe(&random)
        let file = try PNGMetadata(png()).replacing([PictureText("parameters", InfotextA1111(recipe).text)])
        #expect(Recipe(texts: try PNGMetadata(file).texts) == recipe)
    }
}
