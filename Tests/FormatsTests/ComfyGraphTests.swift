import Formats
import Testing
import WaggleProtocol

@Suite("ComfyUI graphs")
struct ComfyGraphTests {
    private func recipe(_ json: String) throws -> Recipe? {
        try ComfyGraph(json.bytes).recipe
    }

    private let plain = #"""
        {"3":{"class_type":"KSampler","inputs":{"seed":156680208700286,"steps":20,"cfg":8.0,"sampler_name":"euler",
          "scheduler":"normal","denoise":1,"model":["11",0],"positive":["6",0],"negative":["7",0],"latent_image":["5",0]}},
         "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"sub\\dir/v1-5-pruned.safetensors"}},
         "5":{"class_type":"EmptyLatentImage","inputs":{"width":512,"height":768,"batch_size":1}},
         "6":{"class_type":"CLIPTextEncode","inputs":{"text":"a bee, embedding:good.pt (embedding:soft:1.1)","clip":["12",0]}},
         "7":{"class_type":"CLIPTextEncode","inputs":{"text":"bad","clip":["12",0]},"is_changed":[NaN]},
         "8":{"class_type":"VAEDecode","inputs":{"samples":["3",0],"vae":["13",0]}},
         "10":{"class_type":"LoraLoader","inputs":{"lora_name":"first.safetensors","strength_model":0.8,"strength_clip":1,"model":["4",0],"clip":["4",1]}},
         "11":{"class_type":"LoraLoader","inputs":{"lora_name":"second.safetensors","strength_model":-1,"strength_clip":1,"model":["10",0],"clip":["10",1]}},
         "12":{"class_type":"CLIPSetLastLayer","inputs":{"stop_at_clip_layer":-2,"clip":["11",1]}},
         "13":{"class_type":"VAELoader","inputs":{"vae_name":"ft-mse.ckpt"}},
         "9":{"class_type":"SaveImage","inputs":{"images":["8",0]}}}
        """#

    @Test("the walk from the sampler finds texts, size, models and LoRAs in order")
    func walk() throws {
        let recipe = try #require(try recipe(plain))
        #expect(recipe.prompt == "a bee, embedding:good.pt (embedding:soft:1.1)")
        #expect(recipe.negativePrompt == "bad")
        #expect(recipe.seed == 156_680_208_700_286)
        #expect(recipe.steps == 20)
        #expect(recipe.cfgScale == 8)
        #expect(recipe.sampler == "euler")
        #expect(recipe.scheduler == "normal")
        #expect(recipe.width == 512 && recipe.height == 768)
        #expect(recipe.clipSkip == 2)
        #expect(recipe.engine == "ComfyUI")
        #expect(
            recipe.resources == [
                RecipeResource(kind: .checkpoint, name: "v1-5-pruned"),
                RecipeResource(kind: .lora, name: "first", weight: 0.8),
                RecipeResource(kind: .lora, name: "second", weight: -1),
                RecipeResource(kind: .vae, name: "ft-mse"),
                RecipeResource(kind: .textualInversion, name: "good"),
                RecipeResource(kind: .textualInversion, name: "soft", weight: 1.1),
            ])
        #expect(Recipe(texts: [PictureText("workflow", "{}"), PictureText("prompt", plain)]) == recipe)
    }

    @Test("a sampler made of parts is read through its parts")
    func parts() throws {
        let recipe = try #require(
            try recipe(
                #"""
                {"1":{"class_type":"SamplerCustomAdvanced","inputs":{"noise":["2",0],"guider":["3",0],"sampler":["4",0],"sigmas":["5",0],"latent_image":["6",0]}},
                 "2":{"class_type":"RandomNoise","inputs":{"noise_seed":["9",0]}},
                 "3":{"class_type":"BasicGuider","inputs":{"model":["7",0],"conditioning":["8",0]}},
                 "4":{"class_type":"KSamplerSelect","inputs":{"sampler_name":"euler"}},
                 "5":{"class_type":"BasicScheduler","inputs":{"scheduler":"simple","steps":4,"denoise":1,"model":["7",0]}},
                 "6":{"class_type":"EmptySD3LatentImage","inputs":{"width":["10",0],"height":1024,"batch_size":1}},
                 "7":{"class_type":"UNETLoader","inputs":{"unet_name":"flux1-dev.sft","weight_dtype":"fp8"}},
                 "8":{"class_type":"FluxGuidance","inputs":{"guidance":3.5,"conditioning":["11",0]}},
                 "9":{"class_type":"PrimitiveNode","inputs":{"value":18446744073709551615}},
                 "10":{"class_type":"INTConstant","inputs":{"value":832}},
                 "11":{"class_type":"CLIPTextEncode","inputs":{"text":["12",0]}},
                 "12":{"class_type":"Text Multiline","inputs":{"text":"a hive"}}}
                """#))
        #expect(recipe.seed == .max)
        #expect(recipe.steps == 4)
        #expect(recipe.sampler == "euler")
        #expect(recipe.scheduler == "simple")
        #expect(recipe.prompt == "a hive")
        #expect(recipe.negativePrompt.isEmpty)
        #expect(recipe.width == 832 && recipe.height == 1024)
        #expect(recipe.resources == [RecipeResource(kind: .unet, name: "flux1-dev")])
    }

    @Test("of several samplers the first pass counts, and a ControlNet keeps the two texts apart")
    func twoPasses() throws {
        let recipe = try #require(
            try recipe(
                #"""
                {"9":{"class_type":"KSampler","inputs":{"seed":2,"steps":5,"latent_image":["8",0],"positive":["6",0],"negative":["7",0],"model":["4",0]}},
                 "8":{"class_type":"LatentUpscale","inputs":{"samples":["3",0],"width":1024,"height":1024}},
                 "3":{"class_type":"KSampler","inputs":{"seed":1,"steps":20,"latent_image":["5",0],"positive":["2",0],"negative":["2",1],"model":["4",0]}},
                 "2":{"class_type":"ControlNetApplyAdvanced","inputs":{"positive":["6",0],"negative":["7",0],"control_net":["4",0]}},
                 "4":{"class_type":"Power Lora Loader","inputs":{"lora_1":{"on":true,"lora":"a.safetensors","strength":0.5},"lora_2":{"on":false,"lora":"b.safetensors","strength":1}}},
                 "5":{"class_type":"EmptyLatentImage","inputs":{"width":512,"height":512}},
                 "6":{"class_type":"CLIPTextEncode","inputs":{"text":"yes"}},
                 "7":{"class_type":"CLIPTextEncode","inputs":{"text":"no"}}}
                """#))
        #expect(recipe.seed == 1)
        #expect(recipe.prompt == "yes")
        #expect(recipe.negativePrompt == "no")
        #expect(recipe.width == 512)
        #expect(recipe.resources == [RecipeResource(kind: .lora, name: "a", weight: 0.5)])
    }

    @Test("loops end", arguments: ["model", "positive", "latent_image", "seed"])
    func loops(_ input: String) throws {
        let text = #"""
            {"1":{"class_type":"KSampler","inputs":{"seed":["2",0],"model":["2",0],"positive":["2",0],"latent_image":["2",0]}},
             "2":{"class_type":"X","inputs":{"\#(input)":["3",0],"value":["3",0],"text":["2",0]}},
             "3":{"class_type":"X","inputs":{"\#(input)":["2",0],"value":["2",0],"conditioning":["1",0]}}}
            """#
        #expect(try recipe(text)?.prompt == "")
    }

    @Test("what is no graph is refused")
    func refused() {
        for text in ["[]", "{}", "1", #"{"1":2}"#, #"{"1":{"inputs":{}}}"#] {
            #expect(throws: ComfyGraphError.notAGraph) { try ComfyGraph(text.bytes) }
        }
        #expect(throws: ComfyGraphError.malformedJSON(.unexpectedEnd)) { try ComfyGraph("{".bytes) }
        #expect(throws: ComfyGraphError.malformedJSON(.tooLong(bytes: 1 << 20 + 1, limit: 1 << 20))) {
            try ComfyGraph([UInt8](repeating: 0x20, count: 1 << 20 + 1))
        }
        let many = (0...Limits.PictureText.graphNodes).map { #""\#($0)":{"class_type":"X"}"# }.joined(separator: ",")
        #expect(throws: ComfyGraphError.tooManyNodes(limit: Limits.PictureText.graphNodes)) {
            try ComfyGraph("{\(many)}".bytes)
        }
    }

    @Test("a graph without a sampler has no recipe")
    func noSampler() throws {
        #expect(try recipe(#"{"1":{"class_type":"LoadImage","inputs":{"image":"x.png"}}}"#) == nil)
    }

    @Test("links to nowhere and values of the wrong kind leave fields empty")
    func wrongKinds() throws {
        let recipe = try #require(
            try recipe(
                #"{"1":{"class_type":"KSampler","inputs":{"seed":"x","steps":-1,"cfg":NaN,"model":["99",0],"positive":"text","negative":[1,2],"latent_image":{},"sampler_name":7}}}"#
            ))
        #expect(recipe == Recipe(prompt: "text", engine: "ComfyUI"))
    }

    @Test("random edits of a graph never crash", arguments: UInt64(1)...40)
    func fuzz(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<100 {
            _ = try? ComfyGraph(random.mutated(plain.bytes)).recipe
        }
    }
}
