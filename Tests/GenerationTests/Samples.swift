import Digests

@testable import Generation

enum Samples {
    static func plan(
        prompt: String = "a bee", batch: Int = 1, width: Int = 128, height: Int = 128, steps: Int = 1,
        cfgScale: Double = 1
    ) throws -> GenerationPlan {
        try GenerationPlan(
            GenerationRequest(
                model: "demo", prompt: prompt, width: width, height: height, steps: steps, cfgScale: cfgScale,
                seed: "7", batch: batch),
            defaults: GenerationDefaults(), drawSeed: { 1 })
    }

    static func models(_ number: UInt64 = 1, loras: Int = 0) -> ModelSet {
        func file(_ role: ModelFile.Role, _ salt: UInt64) -> ModelFile {
            ModelFile(
                role: role, name: "\(role.rawValue)-\(number)-\(salt)", sha256: Hash32(words: (number, salt, 0, 9)),
                size: 882_586_886, weight: role == .lora ? 1 : nil)
        }
        return ModelSet(
            checkpoint: file(.checkpoint, 0), loras: (0..<loras).map { file(.lora, UInt64($0) + 1) })
    }

    static func job(
        _ id: String, owner: String = "a", price: Int64 = 0, batch: Int = 1, models: ModelSet? = nil, weight: Int = 1,
        milliunits: Int64 = 1000
    ) throws -> Job {
        Job(
            id: id, owner: owner, plan: try plan(batch: batch), models: models ?? Samples.models(), created: 1,
            milliunits: milliunits, price: price, weight: weight)
    }

    static func picture(_ index: Int) -> JobPicture {
        JobPicture(
            index: index, seed: 7 + UInt64(index), sha256: String(repeating: "a", count: 64), size: 10,
            mediaType: "image/png", width: 128, height: 128)
    }
}
