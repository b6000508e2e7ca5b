import WaggleProtocol

extension GenerationPlan {
    /// What is drawn where neither request nor model says anything: SD 1.5's habits.
    public static let fallback = GenerationDefaults(width: 512, height: 512, steps: 20, cfgScale: 7, clipSkip: 1)

    /// Checks a request and makes its open choices.
    ///
    /// - Parameters:
    ///   - defaults: what the model's author recommends.
    ///   - drawSeed: a new seed below `Limits.Generation.drawnSeedEnd`.
    /// - Throws: `badField`, `tooLong`, `tooMany`, `nameIsPath`: nothing was done.
    public init(
        _ request: GenerationRequest, defaults: GenerationDefaults, drawSeed: () -> UInt64
    ) throws(GenerationError) {
        typealias Bounds = Limits.Generation
        prompt = try Self.text(request.prompt, "prompt")
        negativePrompt = try Self.text(request.negativePrompt, "negative_prompt")
        guard !request.model.isEmpty else {
            throw .badField(field: "model", value: "", expected: "the name of a model; `waggle gen models` lists them")
        }
        try PromptReading.check(name: request.model, field: "model")
        model = request.model
        let fallback = Self.fallback
        width = try Self.side(request.width ?? defaults.width ?? fallback.width ?? 512, "width")
        height = try Self.side(request.height ?? defaults.height ?? fallback.height ?? 512, "height")
        guard width * height <= Bounds.pixels else {
            throw .badField(
                field: "size", value: "\(width)x\(height)", expected: "at most \(Bounds.pixels >> 20) megapixels")
        }
        steps = try Self.whole(request.steps ?? defaults.steps ?? fallback.steps ?? 20, Bounds.steps, "steps")
        cfgScale = try Self.number(
            request.cfgScale ?? defaults.cfgScale ?? fallback.cfgScale ?? 7, Bounds.cfgScale, "cfg_scale")
        clipSkip = try Self.whole(request.clipSkip ?? defaults.clipSkip ?? 1, Bounds.clipSkip, "clip_skip")
        batch = try Self.whole(request.batch ?? 1, Bounds.batch, "batch")
        strength = try Self.number(request.strength ?? 0.75, 0...1, "strength")
        format = try request.format.map { name throws(GenerationError) in
            guard let format = PictureFormat(named: name) else {
                throw .badField(field: "format", value: name, expected: "png, jpeg or webp")
            }
            return format
        }
        (sampler, scheduler) = try Self.method(request, defaults)
        seed = try Self.seed(request.seed, batch: batch, drawSeed)
        loras = try Self.loras(request)
        if let name = request.vae, !name.isEmpty {
            try PromptReading.check(name: name, field: "vae")
            vae = name
        } else {
            vae = nil
        }
        if let hash = request.initImage, !hash.isEmpty {
            guard hash.utf8.count == 64, hash.utf8.allSatisfy({ Self.hexadecimal.contains($0) }) else {
                throw .badField(field: "init_image", value: hash, expected: "64 hexadecimal digits")
            }
            initImage = hash.lowercased()
        } else {
            initImage = nil
        }
    }

    private static let hexadecimal = Set("0123456789abcdefABCDEF".utf8)

    /// A prompt has lines and words; other control characters are somebody's attempt at something.
    private static func text(_ text: String, _ field: String) throws(GenerationError) -> String {
        guard text.utf8.count <= Limits.Generation.promptBytes else {
            throw .tooLong(field: field, bytes: text.utf8.count, limit: Limits.Generation.promptBytes)
        }
        let control = text.unicodeScalars.first {
            ($0.value < 0x20 && $0 != "\n" && $0 != "\t" && $0 != "\r") || (0x7f...0x9f).contains($0.value)
        }
        if let control {
            throw .badField(
                field: field, value: "U+" + String(control.value, radix: 16, uppercase: true),
                expected: "text without control characters")
        }
        return text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    }

    private static func side(_ side: Int, _ field: String) throws(GenerationError) -> Int {
        let (range, step) = (Limits.Generation.side, Limits.Generation.sideStep)
        guard range.contains(side), side.isMultiple(of: step) else {
            let near = min(
                max((min(side, range.upperBound) + step / 2) / step * step, range.lowerBound), range.upperBound)
            throw .badField(
                field: field, value: "\(side)",
                expected: "a multiple of \(step) from \(range.lowerBound) to \(range.upperBound); \(near) is next")
        }
        return side
    }

    private static func whole(_ value: Int, _ range: ClosedRange<Int>, _ field: String) throws(GenerationError) -> Int {
        guard range.contains(value) else {
            throw .badField(
                field: field, value: "\(value)", expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func number(
        _ value: Double, _ range: ClosedRange<Double>, _ field: String
    ) throws(GenerationError) -> Double {
        guard value.isFinite, range.contains(value) else {
            throw .badField(
                field: field, value: "\(value)", expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func method(
        _ request: GenerationRequest, _ defaults: GenerationDefaults
    ) throws(GenerationError) -> (Sampler?, Scheduler?) {
        var (sampler, scheduler): (Sampler?, Scheduler?)
        if let text = request.sampler, !Scheduler.isAutomatic(text) {
            guard let named = Sampler.named(text) else {
                throw .badField(
                    field: "sampler", value: text,
                    expected: "one of " + Sampler.allCases.map(\.title).joined(separator: ", "))
            }
            (sampler, scheduler) = named
        } else if let named = defaults.sampler.flatMap({ Sampler.named($0) }) {
            // What an author recommends may be a sampler that only other engines have.
            (sampler, scheduler) = named
        }
        if let text = request.scheduler, !Scheduler.isAutomatic(text) {
            guard let named = Scheduler.named(text) else {
                throw .badField(
                    field: "scheduler", value: text,
                    expected: "Automatic or one of " + Scheduler.allCases.map(\.title).joined(separator: ", "))
            }
            scheduler = named
        } else if scheduler == nil, request.scheduler == nil {
            scheduler = defaults.scheduler.flatMap { Scheduler.named($0) }
        }
        return (sampler, scheduler)
    }

    /// - Returns: a seed of which all of the batch are below the end.
    private static func seed(
        _ text: String?, batch: Int, _ draw: () -> UInt64
    ) throws(GenerationError) -> UInt64 {
        let end = Limits.Generation.seedEnd
        guard let text, !text.isEmpty, text != "-1" else { return draw() % Limits.Generation.drawnSeedEnd }
        guard text.utf8.count <= 20, let seed = UInt64(text), seed <= end - UInt64(batch) else {
            throw .badField(field: "seed", value: text, expected: "-1 for a new one, or a number from 0 to \(end - 1)")
        }
        return seed
    }

    private static func loras(_ request: GenerationRequest) throws(GenerationError) -> [NamedLoRA] {
        var loras = try PromptReading.loras(in: request.prompt)
        for lora in request.loras {
            try PromptReading.check(name: lora.name, field: "a LoRA's name")
            try PromptReading.check(weight: lora.weight, of: lora.name)
            loras.append(lora)
        }
        guard loras.count <= Limits.Generation.loras else {
            throw .tooMany(what: "LoRAs", count: loras.count, limit: Limits.Generation.loras)
        }
        // The same twice is the sum, as in A1111.
        var once: [NamedLoRA] = []
        for lora in loras {
            if let index = once.firstIndex(where: { $0.name == lora.name }) {
                once[index].weight += lora.weight
                try PromptReading.check(weight: once[index].weight, of: lora.name)
            } else {
                once.append(lora)
            }
        }
        return once
    }
}
