import WaggleProtocol

/// Reads the two vocabularies of safetensors metadata that people's tools write: ModelSpec (`modelspec.*`) and kohya's
/// trainers (`ss_*`).
struct MetadataClaims {
    private let metadata: [String: String]

    init(_ metadata: [String: String]) {
        self.metadata = metadata
    }

    // MARK: Single values

    /// A ModelSpec value, cut to `limit` bytes; nil when absent or empty.
    func modelSpec(_ field: String, limit: Int) -> Drafted<String>? {
        value("modelspec." + field, source: "modelspec." + field, limit: limit)
    }

    /// A kohya value, cut to `limit` bytes; nil when absent, empty or Python's `None`.
    func kohya(_ key: String, limit: Int) -> Drafted<String>? {
        value(key, source: "kohya " + key, limit: limit)
    }

    private func value(_ key: String, source: String, limit: Int) -> Drafted<String>? {
        // Cut first: white space is looked for in what is kept, not in a value of many megabytes.
        guard let text = metadata[key]?.cut(toUTF8: limit).trimmed, !text.isEmpty, !text.sameUTF8(as: "None") else {
            return nil
        }
        return Drafted(text, source: source)
    }

    /// `modelspec.title`, unless kohya made it up from the time (`LoRA@1690000000.0`).
    var title: Drafted<String>? {
        guard let title = modelSpec("title", limit: Limits.Text.nameBytes) else { return nil }
        let isMadeUp = ["LoRA@", "Checkpoint@", "TextualInversion@"].contains { title.value.utf8HasPrefix($0) }
        return isMadeUp ? nil : title
    }

    var triggerPhrase: Drafted<String>? {
        modelSpec("trigger_phrase", limit: Limits.Text.triggerWordBytes)
    }

    /// `modelspec.tags`, at its commas.
    var tags: [Drafted<String>] {
        guard let list = modelSpec("tags", limit: Limits.Text.tags * (Limits.Text.tagBytes + 2)) else { return [] }
        var tags: [String] = []
        for part in list.value.unicodeScalars.split(separator: ",") {
            let tag = String(part).trimmed
            guard !tag.isEmpty, tag.utf8.count <= Limits.Text.tagBytes, !tags.contains(tag) else { continue }
            tags.append(tag)
        }
        return tags.prefix(Limits.Text.tags).map { Drafted($0, source: list.source) }
    }

    // MARK: Type and base model

    /// True for `networks.lora` without convolution arguments.
    var isPlainKohyaLoRA: Bool {
        guard let module = metadata["ss_network_module"], module.utf8HasPrefix("networks.lora") else { return false }
        return !(metadata["ss_network_args"] ?? "").cut(toUTF8: Limits.Draft.detailBytes).utf8Contains("conv_dim")
    }

    /// The type that `modelspec.architecture` names after its slash.
    var type: Drafted<ModelType>? {
        guard let architecture = modelSpec("architecture", limit: Limits.Text.nameBytes) else { return nil }
        let part = architecture.value.unicodeScalars.split(separator: "/").dropFirst().first.map { String($0) }
        switch part?.lowercased() {
        case "lora": return Drafted(.lora, source: architecture.source)
        case "textual-inversion": return Drafted(.textualInversion, source: architecture.source)
        default: return nil
        }
    }

    /// The most exact base model that is claimed.
    var baseModel: Drafted<String>? {
        let broad = broadBaseModel
        // Pony, Illustrious and NoobAI are SDXL by architecture; only the name of the trained-on file tells.
        if broad == nil || BaseModel.lineage(of: broad?.value ?? "") == .sdxl {
            let sources = [kohya("ss_sd_model_name", limit: Limits.Draft.detailBytes), mergedFrom]
            for source in sources.compactMap(\.self) {
                if let name = BaseModel.descendant(mentionedIn: source.value) {
                    return Drafted(name, source: source.source)
                }
            }
        }
        return broad
    }

    /// The base model by architecture.
    var broadBaseModel: Drafted<String>? {
        if let architecture = modelSpec("architecture", limit: Limits.Text.nameBytes),
            let name = BaseModel.named(architecture: architecture.value)
        {
            return Drafted(name, source: architecture.source)
        }
        if let version = kohya("ss_base_model_version", limit: Limits.Text.nameBytes),
            let name = BaseModel.named(kohyaVersion: version.value)
        {
            return Drafted(name, source: version.source)
        }
        return nil
    }

    private var mergedFrom: Drafted<String>? {
        modelSpec("merged_from", limit: Limits.Draft.detailBytes)
    }

    // MARK: Training

    var training: [TrainingDetail] {
        Self.trainingKeys.compactMap { key, name in
            kohya(key, limit: Limits.Draft.detailBytes).map {
                TrainingDetail(name: name, value: $0.value, source: $0.source)
            }
        }
    }

    private static let trainingKeys: [(key: String, name: String)] = [
        ("ss_sd_model_name", "Trained on"),
        ("ss_network_module", "Network module"),
        ("ss_network_dim", "Network dimension"),
        ("ss_network_alpha", "Network alpha"),
        ("ss_network_args", "Network arguments"),
        ("ss_resolution", "Resolution"),
        ("ss_num_train_images", "Training images, repeats included"),
        ("ss_num_reg_images", "Regularisation images"),
        ("ss_epoch", "Epoch"),
        ("ss_num_epochs", "Epochs planned"),
        ("ss_steps", "Steps"),
        ("ss_max_train_steps", "Steps planned"),
        ("ss_total_batch_size", "Batch size"),
        ("ss_gradient_accumulation_steps", "Gradient accumulation steps"),
        ("ss_learning_rate", "Learning rate"),
        ("ss_unet_lr", "UNet learning rate"),
        ("ss_text_encoder_lr", "Text encoder learning rate"),
        ("ss_lr_scheduler", "Learning rate schedule"),
        ("ss_lr_warmup_steps", "Warm-up steps"),
        ("ss_optimizer", "Optimizer"),
        ("ss_mixed_precision", "Mixed precision"),
        ("ss_clip_skip", "Clip skip"),
        ("ss_noise_offset", "Noise offset"),
        ("ss_min_snr_gamma", "Min-SNR gamma"),
        ("ss_loss_type", "Loss"),
        ("ss_seed", "Seed"),
        ("ss_training_comment", "Comment"),
    ]
}
