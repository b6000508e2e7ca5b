/// How a program arranges its models folder. One table says what the folders' names mean, for reading a folder and for
/// putting files into it.
public enum FolderLayout: String, Sendable, Codable, CaseIterable {
    /// ComfyUI: `models/checkpoints`, `models/loras`, …
    case comfyui
    /// Stable Diffusion WebUI and Forge: `models/Stable-diffusion`, `models/Lora`, `embeddings`, …
    case a1111
    /// All files side by side, in whatever folders.
    case flat

    /// A folder and the kind of models in it. The path counts from the program's own folder.
    struct Entry {
        let path: String
        let type: ModelType

        init(_ path: String, _ type: ModelType) {
            self.path = path
            self.type = type
        }

        /// The folder's own name, as it is compared.
        var name: String { path.split(separator: "/").last.map { $0.lowercased() } ?? "" }
    }

    /// The first entry of a type is where new files go.
    var entries: [Entry] {
        switch self {
        case .comfyui:
            [
                Entry("models/checkpoints", .checkpoint), Entry("models/loras", .lora), Entry("models/loras", .locon),
                Entry("models/loras", .dora), Entry("models/embeddings", .textualInversion),
                Entry("models/hypernetworks", .hypernetwork), Entry("models/vae", .vae),
                Entry("models/vae_approx", .vae), Entry("models/diffusion_models", .unet), Entry("models/unet", .unet),
                Entry("models/text_encoders", .textEncoder), Entry("models/clip", .textEncoder),
                Entry("models/clip_vision", .clipVision), Entry("models/controlnet", .controlnet),
                Entry("models/t2i_adapter", .controlnet), Entry("models/upscale_models", .upscaler),
                Entry("models/animatediff_models", .motionModule),
            ]
        case .a1111:
            [
                Entry("models/Stable-diffusion", .checkpoint), Entry("models/Stable-diffusion", .unet),
                Entry("models/Lora", .lora), Entry("models/Lora", .locon), Entry("models/Lora", .dora),
                Entry("models/LyCORIS", .locon), Entry("embeddings", .textualInversion),
                Entry("models/hypernetworks", .hypernetwork), Entry("models/VAE", .vae),
                Entry("models/VAE-approx", .vae), Entry("models/text_encoder", .textEncoder),
                Entry("models/ControlNet", .controlnet), Entry("models/ESRGAN", .upscaler),
                Entry("models/RealESRGAN", .upscaler), Entry("models/SwinIR", .upscaler),
                Entry("models/DAT", .upscaler),
            ]
        case .flat: []
        }
    }

    /// What the models in a folder are, by the first name on the way to it that the layout knows; nil when none is. Names
    /// are compared without regard to case, as people rename them.
    public func type(of folders: some Sequence<String>) -> ModelType? {
        for folder in folders {
            let name = folder.lowercased()
            if let entry = entries.first(where: { $0.name == name }) { return entry.type }
        }
        return nil
    }

    /// Where files of a type go, from the program's own folder; nil for a type that the layout has no place for. `flat`
    /// puts all of them into the folder itself: "".
    public func folder(for type: ModelType) -> String? {
        if self == .flat { return "" }
        return entries.first { $0.type == type }?.path
    }

    /// Folders of a program's own folder that hold models; the others hold its code. Empty: the folder itself.
    public var modelFolders: [String] {
        switch self {
        case .comfyui: ["models"]
        case .a1111: ["models", "embeddings", "extensions/sd-webui-controlnet/models"]
        case .flat: []
        }
    }

    /// The layout that a folder with these subfolders has.
    ///
    /// - Parameter exists: whether there is a folder at a path that counts from the folder in question.
    public static func detect(exists: (String) -> Bool) -> FolderLayout {
        for prefix in ["", "models/"] {
            if exists(prefix + "Stable-diffusion") { return .a1111 }
            if exists(prefix + "checkpoints") || exists(prefix + "diffusion_models") { return .comfyui }
        }
        return .flat
    }
}
