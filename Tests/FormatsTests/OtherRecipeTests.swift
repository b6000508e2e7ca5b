import Formats
import Testing

@Suite("recipes of other programs")
struct OtherRecipeTests {
    @Test("SwarmUI")
    func swarm() throws {
        let recipe = try #require(
            Recipe(texts: [
                PictureText(
                    "parameters",
                    """
                    {"sui_image_params": {"prompt": "a bee", "negativeprompt": "wasp", "model": "SDXL/base.safetensors",
                      "seed": 12, "steps": 20, "cfgscale": 6.5, "width": 1024, "height": 768, "sampler": "euler",
                      "scheduler": "karras", "clipstopatlayer": -2, "loras": ["styles/honey"], "loraweights": ["0.8"],
                      "swarm_version": "0.9.7.0"},
                     "sui_extra_data": {"date": "2025-01-01"},
                     "sui_models": [{"name": "SDXL/base.safetensors", "param": "model", "hash": "0xAABBCCDDEEFF\(String(repeating: "0", count: 52))"},
                      {"name": "styles/honey.safetensors", "param": "loras", "hash": "0x112233445566\(String(repeating: "a", count: 52))"}]}
                    """)
            ]))
        #expect(recipe.prompt == "a bee" && recipe.negativePrompt == "wasp")
        #expect(recipe.seed == 12 && recipe.steps == 20 && recipe.cfgScale == 6.5 && recipe.clipSkip == 2)
        #expect(recipe.width == 1024 && recipe.height == 768)
        #expect(recipe.sampler == "euler" && recipe.scheduler == "karras" && recipe.engine == "SwarmUI 0.9.7.0")
        #expect(
            recipe.resources == [
                RecipeResource(kind: .checkpoint, name: "base", hashes: ["AutoV3": "aabbccddeeff"]),
                RecipeResource(kind: .lora, name: "honey", hashes: ["AutoV3": "112233445566"], weight: 0.8),
            ])
    }

    @Test("InvokeAI since 3.0")
    func invoke() throws {
        let hash = String(repeating: "ab", count: 32)
        let recipe = try #require(
            Recipe(texts: [
                PictureText(
                    "invokeai_metadata",
                    """
                    {"app_version": "5.6.0", "positive_prompt": "a hive", "negative_prompt": "", "width": 512, "height": 640,
                     "seed": 3, "rand_device": "cpu", "cfg_scale": 7.5, "steps": 30, "scheduler": "euler_a", "clip_skip": 0,
                     "model": {"key": "k", "hash": "sha256:\(hash)", "name": "dreamy", "base": "sd-1", "type": "main"},
                     "loras": [{"model": {"name": "amber", "hash": "blake3:\(hash)"}, "weight": 0.6}],
                     "vae": {"name": "ft-mse"}}
                    """)
            ]))
        #expect(recipe.prompt == "a hive" && recipe.seed == 3 && recipe.steps == 30 && recipe.cfgScale == 7.5)
        #expect(recipe.sampler == "euler_a" && recipe.rng == "CPU" && recipe.engine == "InvokeAI 5.6.0")
        #expect(
            recipe.resources == [
                RecipeResource(kind: .checkpoint, name: "dreamy", hashes: ["SHA256": hash]),
                RecipeResource(kind: .vae, name: "ft-mse"),
                RecipeResource(kind: .lora, name: "amber", weight: 0.6),
            ])
    }

    @Test("InvokeAI 2")
    func oldInvoke() throws {
        let recipe = try #require(
            Recipe(texts: [
                PictureText(
                    "sd-metadata",
                    """
                    {"model": "stable diffusion", "model_weights": "sd-1.5", "model_hash": "cc6cb27103",
                     "image": {"prompt": [{"prompt": "a meadow", "weight": 1}], "steps": 50, "cfg_scale": 7.5, "height": 512,
                     "width": 512, "seed": 99, "sampler": "k_lms"}}
                    """)
            ]))
        #expect(recipe.prompt == "a meadow" && recipe.seed == 99 && recipe.sampler == "k_lms")
        #expect(
            recipe.resources == [RecipeResource(kind: .checkpoint, name: "sd-1.5", hashes: ["AutoV2": "cc6cb27103"])])
    }

    @Test("stable-diffusion.cpp")
    func engine() throws {
        let recipe = try #require(
            Recipe(texts: [
                PictureText(
                    "parameters",
                    """
                    a comb
                    Negative prompt: blurry
                    Steps: 4, CFG scale: 1.000000, Guidance: 3.500000, Seed: 42, Size: 128x128, Model: waggle-demo.safetensors, \
                    RNG: cuda, Sampler: euler karras, Version: stable-diffusion.cpp, SDCPP: {"schema": "sdcpp.image.params/v1", "x": "a, b: c"}
                    """)
            ]))
        #expect(recipe.seed == 42 && recipe.steps == 4 && recipe.cfgScale == 1 && recipe.width == 128)
        #expect(recipe.sampler == "euler karras" && recipe.engine == "stable-diffusion.cpp")
    }

    @Test("JSON of another program under the same keyword is no recipe")
    func foreign() {
        for text in ["{}", #"{"hello": 1}"#, #"{"sui_image_params": 5}"#, #"{"image": []}"#, "{\"sui_image_params\":"] {
            #expect(Recipe(texts: [PictureText("invokeai_metadata", text)]) == nil)
        }
        #expect(Recipe(texts: [PictureText("parameters", #"{"hello": 1}"#)]) == nil)
    }

    @Test("numbers that are none are left out")
    func wrong() throws {
        let recipe = try #require(
            Recipe(texts: [
                PictureText(
                    "parameters",
                    #"{"sui_image_params": {"prompt": 5, "seed": -1, "steps": "1e9", "cfgscale": NaN, "width": [], "loras": "a,b", "loraweights": "1"}}"#
                )
            ]))
        #expect(recipe.prompt.isEmpty && recipe.seed == nil && recipe.steps == nil && recipe.cfgScale == nil)
        #expect(recipe.resources.map(\.name) == ["a", "b"])
        #expect(recipe.resources.map(\.weight) == [1, nil])
    }
}
