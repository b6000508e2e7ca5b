/// How noise becomes a picture, under the three names that the field has for each method.
public enum Sampler: String, CaseIterable, Codable, Hashable, Sendable {
    // Raw values are stable-diffusion.cpp's names.
    case euler = "euler"
    case eulerAncestral = "euler_a"
    case heun = "heun"
    case dpm2 = "dpm2"
    case dpmpp2sAncestral = "dpm++2s_a"
    case dpmpp2m = "dpm++2m"
    case dpmpp2mV2 = "dpm++2mv2"
    case ipndm = "ipndm"
    case ipndmV = "ipndm_v"
    case lcm = "lcm"
    case ddim = "ddim_trailing"
    case tcd = "tcd"

    /// As A1111 and pictures call it.
    public var title: String {
        switch self {
        case .euler: "Euler"
        case .eulerAncestral: "Euler a"
        case .heun: "Heun"
        case .dpm2: "DPM2"
        case .dpmpp2sAncestral: "DPM++ 2S a"
        case .dpmpp2m: "DPM++ 2M"
        case .dpmpp2mV2: "DPM++ 2M v2"
        case .ipndm: "IPNDM"
        case .ipndmV: "IPNDM V"
        case .lcm: "LCM"
        case .ddim: "DDIM"
        case .tcd: "TCD"
        }
    }

    /// As ComfyUI calls it; nil where it has none.
    public var comfyName: String? {
        switch self {
        case .euler: "euler"
        case .eulerAncestral: "euler_ancestral"
        case .heun: "heun"
        case .dpm2: "dpm_2"
        case .dpmpp2sAncestral: "dpmpp_2s_ancestral"
        case .dpmpp2m: "dpmpp_2m"
        case .dpmpp2mV2: nil
        case .ipndm: "ipndm"
        case .ipndmV: "ipndm_v"
        case .lcm: "lcm"
        case .ddim: "ddim"
        case .tcd: nil
        }
    }

    /// Any of its names, in any case; A1111's older names that end in a schedule ("DPM++ 2M Karras") give that too.
    public static func named(_ text: String) -> (sampler: Sampler, scheduler: Scheduler?)? {
        guard text.utf8.count <= 64 else { return nil }
        let key = Self.key(text)
        if let sampler = names[key] { return (sampler, nil) }
        for scheduler in Scheduler.allCases where key.hasSuffix(Self.key(scheduler.title)) {
            let rest = String(key.dropLast(Self.key(scheduler.title).count))
            if let sampler = names[rest] { return (sampler, scheduler) }
        }
        return nil
    }

    private static let names: [String: Sampler] = {
        var names: [String: Sampler] = [:]
        for sampler in allCases {
            for name in [sampler.rawValue, sampler.title, sampler.comfyName].compactMap({ $0 }) {
                names[key(name)] = sampler
            }
        }
        return names
    }()

    /// Letters, digits and `+`; `pp` is how file systems and ComfyUI write `++`.
    static func key(_ text: String) -> String {
        String(
            text.lowercased().unicodeScalars.filter {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789+".unicodeScalars.contains($0))
            }
        )
        .replacing("++", with: "pp")
    }
}

/// How the strength of the noise falls from step to step.
public enum Scheduler: String, CaseIterable, Codable, Hashable, Sendable {
    case discrete, karras, exponential, ays, gits
    case sgmUniform = "sgm_uniform"
    case simple, smoothstep
    case klOptimal = "kl_optimal"
    case lcm

    public var title: String {
        switch self {
        case .discrete: "Uniform"
        case .karras: "Karras"
        case .exponential: "Exponential"
        case .ays: "Align Your Steps"
        case .gits: "GITS"
        case .sgmUniform: "SGM Uniform"
        case .simple: "Simple"
        case .smoothstep: "Smoothstep"
        case .klOptimal: "KL Optimal"
        case .lcm: "LCM"
        }
    }

    /// As ComfyUI calls it; nil where it has none.
    public var comfyName: String? {
        switch self {
        case .discrete: "normal"
        case .karras, .exponential, .simple: rawValue
        case .sgmUniform: "sgm_uniform"
        case .klOptimal: "kl_optimal"
        default: nil
        }
    }

    public static func named(_ text: String) -> Scheduler? {
        guard text.utf8.count <= 64 else { return nil }
        let key = Sampler.key(text)
        return allCases.first {
            Sampler.key($0.rawValue) == key || Sampler.key($0.title) == key || $0.comfyName.map(Sampler.key) == key
        }
    }

    /// A1111's word for "whatever the sampler takes".
    public static func isAutomatic(_ text: String) -> Bool {
        let key = Sampler.key(text)
        return key.isEmpty || key == "automatic" || key == "auto" || key == "default"
    }
}
