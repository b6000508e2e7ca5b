import Testing
import WaggleProtocol

@testable import Generation

@Suite("What is asked for")
struct RulesTests {
    private func plan(
        _ request: GenerationRequest, defaults: GenerationDefaults = GenerationDefaults()
    ) throws(GenerationError) -> GenerationPlan {
        try GenerationPlan(request, defaults: defaults, drawSeed: { 42 })
    }

    @Test("what nobody said comes from the model's author, then from the node")
    func defaults() throws {
        let demo = GenerationDefaults(width: 128, height: 128, steps: 1, cfgScale: 1)
        let filled = try plan(GenerationRequest(model: "demo", prompt: "a bee"), defaults: demo)
        #expect(filled.width == 128 && filled.height == 128 && filled.steps == 1 && filled.cfgScale == 1)
        #expect(filled.seed == 42 && filled.batch == 1 && filled.clipSkip == 1)
        let other = try plan(GenerationRequest(model: "other", prompt: "a bee", width: 256), defaults: demo)
        #expect(other.width == 256 && other.height == 128)
        let bare = try plan(GenerationRequest(model: "sd15"))
        #expect(bare.width == 512 && bare.steps == 20 && bare.cfgScale == 7)
    }

    static let refused: [(String, @Sendable (inout GenerationRequest) -> Void)] = [
        ("width", { $0.width = 0 }), ("width", { $0.width = 63 }), ("width", { $0.width = 1_000_000 }),
        ("width", { $0.width = -64 }), ("height", { $0.height = 65 }), ("height", { $0.height = .max }),
        ("width", { $0.width = .min }),
        ("size", { ($0.width, $0.height) = (4096, 4096) }),
        ("steps", { $0.steps = 0 }), ("steps", { $0.steps = -3 }), ("steps", { $0.steps = 151 }),
        ("cfg_scale", { $0.cfgScale = .nan }), ("cfg_scale", { $0.cfgScale = -1 }),
        ("cfg_scale", { $0.cfgScale = .infinity }),
        ("seed", { $0.seed = "18446744073709551616" }), ("seed", { $0.seed = "9223372036854775808" }),
        ("seed", { $0.seed = "-2" }), ("seed", { $0.seed = "1.5" }), ("seed", { $0.seed = "0x10" }),
        ("seed", { ($0.seed, $0.batch) = ("9223372036854775807", 2) }),
        ("batch", { $0.batch = 0 }), ("batch", { $0.batch = 9 }),
        ("clip_skip", { $0.clipSkip = 0 }), ("clip_skip", { $0.clipSkip = 13 }),
        ("strength", { $0.strength = .nan }), ("strength", { $0.strength = 1.01 }),
        ("sampler", { $0.sampler = "Euler z" }), ("scheduler", { $0.scheduler = "sometimes" }),
        ("prompt", { $0.prompt = "a\u{0}b" }), ("prompt", { $0.prompt = "a\u{1b}[2J" }),
        ("prompt", { $0.prompt = "a\u{9b}b" }), ("negative_prompt", { $0.negativePrompt = "\u{7f}" }),
        ("model", { $0.model = "" }), ("init_image", { $0.initImage = "../../etc/passwd" }),
        ("the weight of x", { $0.loras = [NamedLoRA(name: "x", weight: .nan)] }),
        ("the weight of x", { $0.loras = [NamedLoRA(name: "x", weight: 4.5)] }),
        ("the weight of <lora:x>", { $0.prompt = "a bee<lora:x:nan>" }),
        ("the weight of <lora:x>", { $0.prompt = "a bee<lora:x:1e400>" }),
        ("the weight of <lora:x>", { $0.prompt = "a bee<lora:x:>" }),
        ("the weight of x", { $0.prompt = "<lora:x:3><lora:x:3>" }),
        ("a LoRA's name in the prompt", { $0.prompt = "<lora::1>" }),
        ("prompt", { $0.prompt = "<hypernet:x:1>" }),
        // Taken out, the inner tag leaves one that nobody looked at.
        ("prompt", { $0.prompt = "a bee <lo<lora:x:1>ra:/etc/passwd:1>" }),
        ("prompt", { $0.prompt = "a bee <lora:" + String(repeating: "x", count: 9000) }),
    ]

    @Test("a value that cannot be is refused by its name", arguments: refused.indices)
    func refusals(_ index: Int) throws {
        let (field, change) = Self.refused[index]
        var request = GenerationRequest(model: "demo", prompt: "a bee")
        change(&request)
        let error = #expect(throws: GenerationError.self) { try plan(request) }
        guard case .badField(let named, _, _)? = error else {
            Issue.record("\(String(describing: error)) for \(field)")
            return
        }
        #expect(named == field)
        #expect(error?.code == "invalid_request")
    }

    @Test("a prompt of a megabyte is refused without being looked through")
    func longPrompts() {
        let long = String(repeating: "bee ", count: 1 << 18)
        #expect(throws: GenerationError.tooLong(field: "prompt", bytes: 1 << 20, limit: Limits.Generation.promptBytes))
        {
            try plan(GenerationRequest(model: "demo", prompt: long))
        }
        #expect(throws: GenerationError.self) { try plan(GenerationRequest(model: "demo", negativePrompt: long)) }
    }

    @Test(
        "a LoRA is called by name, never by path",
        arguments: [
            "../../etc/passwd", "/etc/passwd", "..", "a/b", "~/x", "a\\b", "@a/b/c", "@a/", "./x", "~root",
        ])
    func paths(_ name: String) {
        #expect(throws: GenerationError.nameIsPath(name)) {
            try plan(GenerationRequest(model: "demo", prompt: "x <lora:\(name):1>"))
        }
        #expect(throws: GenerationError.nameIsPath(name)) { try plan(GenerationRequest(model: name)) }
    }

    @Test("tags become files and leave the prompt that engines are given")
    func tags() throws {
        let plan = try plan(
            GenerationRequest(
                model: "demo", prompt: "a bee <lora:sepia:0.5>, (red:1.2) <b> a < b: c > <lora:@me/blue> <LORA:x:-1>",
                loras: [NamedLoRA(name: "sepia", weight: 0.25)]))
        #expect(
            plan.loras == [
                NamedLoRA(name: "sepia", weight: 0.75), NamedLoRA(name: "@me/blue", weight: 1),
                NamedLoRA(name: "x", weight: -1),
            ])
        #expect(plan.enginePrompt == "a bee , (red:1.2) <b> a < b: c >  ")
        #expect(plan.prompt.contains("<lora:sepia:0.5>"))
    }

    @Test("seventeen LoRAs are too many")
    func manyLoRAs() {
        let prompt = (0..<17).map { "<lora:l\($0):1>" }.joined()
        #expect(throws: GenerationError.tooMany(what: "LoRAs", count: 17, limit: 16)) {
            try plan(GenerationRequest(model: "demo", prompt: prompt))
        }
    }

    @Test("samplers are known by every name that the field has for them")
    func samplers() {
        for sampler in Sampler.allCases {
            for name in [sampler.rawValue, sampler.title, sampler.comfyName].compactMap({ $0 }) {
                #expect(Sampler.named(name)?.sampler == sampler, "\(name)")
                #expect(Sampler.named(name.uppercased())?.sampler == sampler, "\(name)")
            }
        }
        #expect(Sampler.named("DPM++ 2M Karras")?.sampler == .dpmpp2m)
        #expect(Sampler.named("DPM++ 2M Karras")?.scheduler == .karras)
        #expect(Sampler.named("k_euler") == nil)
        for scheduler in Scheduler.allCases {
            #expect(Scheduler.named(scheduler.title) == scheduler)
            #expect(Scheduler.named(scheduler.rawValue) == scheduler)
        }
        #expect(Scheduler.isAutomatic("Automatic"))
    }

    @Test("picture i of a batch has seed + i")
    func batchSeeds() throws {
        let plan = try plan(GenerationRequest(model: "demo", seed: "100", batch: 4))
        #expect((0..<4).map { plan.seed(of: $0) } == [100, 101, 102, 103])
        let drawn = try self.plan(GenerationRequest(model: "demo", seed: "-1"))
        #expect(drawn.seed == 42)
    }

    @Test("the price follows the work, and nothing else")
    func price() throws {
        let small = GenerationPrice.milliunits(try Samples.plan(), models: Samples.models())
        let batch = GenerationPrice.milliunits(try Samples.plan(batch: 4), models: Samples.models())
        let large = GenerationPrice.milliunits(
            try Samples.plan(width: 512, height: 512, steps: 20, cfgScale: 7), models: Samples.models())
        #expect(0 < small && small < batch && batch < large)
        #expect(GenerationPrice.buzz(milliunits: 1, perUnit: 1) == 1)
        #expect(GenerationPrice.buzz(milliunits: 1500, perUnit: 2) == 3)
        #expect(GenerationPrice.buzz(milliunits: 1_000_000, perUnit: 0) == 0)
    }
}
