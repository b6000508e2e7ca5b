/// The architecture that several of Civitai's base models share. Files of one lineage fit each other; files of two do
/// not.
public enum BaseLineage: Hashable, Sendable {
    case sd1, sd2, sdxl, sd3, flux
    /// Known by name only.
    case other
}

/// Civitai's base model names and the claims trainers write for them.
///
/// Names are data: an unknown one is of lineage `other` and passes through.
public enum BaseModel {
    public static let sd15 = "SD 1.5"
    public static let sd21 = "SD 2.1"
    public static let sdxl = "SDXL 1.0"
    public static let pony = "Pony"
    public static let illustrious = "Illustrious"
    public static let noobAI = "NoobAI"
    public static let sd3 = "SD 3"
    public static let sd35Medium = "SD 3.5 Medium"
    public static let sd35Large = "SD 3.5 Large"
    public static let flux1D = "Flux.1 D"
    public static let flux1S = "Flux.1 S"
    public static let chroma = "Chroma"

    /// The lineage of a base model name.
    public static func lineage(of name: String) -> BaseLineage {
        if name == pony || name == illustrious || name == noobAI || name.utf8HasPrefix("SDXL") { return .sdxl }
        if name.utf8HasPrefix("SD 1") { return .sd1 }
        if name.utf8HasPrefix("SD 2") { return .sd2 }
        if name.utf8HasPrefix("SD 3") { return .sd3 }
        if name.utf8HasPrefix("Flux.1") { return .flux }
        return .other
    }

    /// The base model of a ModelSpec `architecture`; nil for an unknown one. A part after `/` (`/lora`) does not count.
    public static func named(architecture: String) -> String? {
        let name = String(architecture.unicodeScalars.prefix { $0 != "/" }).lowercased()
        return architectures.first { name.utf8HasPrefix($0.prefix) }?.name
    }

    /// The base model of kohya's `ss_base_model_version`; nil for an unknown one.
    public static func named(kohyaVersion: String) -> String? {
        let version = kohyaVersion.lowercased()
        return kohyaVersions.first { version.utf8HasPrefix($0.prefix) }?.name
    }

    /// A descendant of SDXL that only its name tells from SDXL itself (`ponyDiffusionV6XL.safetensors`).
    public static func descendant(mentionedIn text: String) -> String? {
        let text = text.lowercased()
        return descendants.first { text.utf8Contains($0.word) }?.name
    }

    private typealias Row = (prefix: String, name: String)

    /// Longer prefixes first.
    private static let architectures: [Row] = [
        ("stable-diffusion-v1", sd15),
        ("stable-diffusion-v2-768", "SD 2.1 768"),
        ("stable-diffusion-v2-unclip", "SD 2.1 Unclip"),
        ("stable-diffusion-v2", sd21),
        ("stable-diffusion-xl-v0", "SDXL 0.9"),
        ("stable-diffusion-xl-turbo", "SDXL Turbo"),
        ("stable-diffusion-xl", sdxl),
        ("stable-diffusion-3-5-large", sd35Large),
        ("stable-diffusion-3-5-medium", sd35Medium),
        ("stable-diffusion-3", sd3),
        ("stable-diffusion-v3.5-large", sd35Large),
        ("stable-diffusion-v3.5-medium", sd35Medium),
        ("stable-diffusion-v3", sd3),
        ("flux-1-schnell", flux1S),
        ("flux.1-schnell", flux1S),
        ("flux-1", flux1D),
        ("flux.1", flux1D),
        ("chroma", chroma),
        ("sdxs-512", sd15),
    ]

    private static let kohyaVersions: [Row] = [
        ("sd_v1", sd15),
        ("sd_v2_v", "SD 2.1 768"),
        ("sd_v2_768", "SD 2.1 768"),
        ("sd_v2", sd21),
        ("sdxl_base_v0", "SDXL 0.9"),
        ("sdxl", sdxl),
        ("sd3-5-large", sd35Large),
        ("sd3-5-medium", sd35Medium),
        ("sd3", sd3),
        ("flux1", flux1D),
        ("chroma", chroma),
    ]

    private static let descendants: [(word: String, name: String)] = [
        ("pony", pony), ("noobai", noobAI), ("illustrious", illustrious),
    ]
}
