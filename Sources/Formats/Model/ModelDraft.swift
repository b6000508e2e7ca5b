import WaggleProtocol

/// A value that was found rather than typed, and where: `modelspec.title`, `kohya ss_base_model_version`,
/// `tensor names`.
public struct Drafted<Value: Hashable & Sendable>: Hashable, Sendable {
    public let value: Value
    public let source: String

    public init(_ value: Value, source: String) {
        self.value = value
        self.source = source
    }
}

/// A fact about the training, as the trainer wrote it.
public struct TrainingDetail: Hashable, Sendable {
    /// What it is, in words: `Learning rate`.
    public let name: String
    public let value: String
    /// `kohya ss_learning_rate`.
    public let source: String
}

/// What a release form can be filled in with before the creator types anything.
///
/// Tensor names and shapes are evidence; metadata are claims of whoever wrote the file. Where they disagree about the
/// base model the evidence wins, and `ModelLint` says so.
public struct ModelDraft: Hashable, Sendable {
    public let name: Drafted<String>?
    public let type: Drafted<ModelType>?
    /// Civitai's name of the base model.
    public let baseModel: Drafted<String>?
    public let author: Drafted<String>?
    public let description: Drafted<String>?
    public let usageHint: Drafted<String>?
    public let license: Drafted<String>?
    /// As written; ModelSpec asks for ISO 8601.
    public let date: Drafted<String>?
    /// `WIDTHxHEIGHT` as written.
    public let resolution: Drafted<String>?
    public let tags: [Drafted<String>]
    public let triggerWords: [Drafted<String>]
    /// Words of the training captions for the creator to choose from, the most frequent first.
    public let triggerCandidates: [TriggerCandidate]
    /// `fp32`, `fp16`, `bf16`, `fp8`, `int8`: the type of most bytes.
    public let precision: Drafted<String>?
    public let training: [TrainingDetail]
    /// What the tensors alone say: type, family, adapter modules and ranks, number of parameters.
    public let survey: TensorSurvey

    public init(_ header: SafetensorsHeader) {
        let claims = MetadataClaims(header.metadata)
        let survey = TensorSurvey(header.tensors)
        self.survey = survey
        type = Self.type(survey, claims)
        baseModel = Self.baseModel(survey, claims)
        name = claims.title ?? claims.kohya("ss_output_name", limit: Limits.Text.nameBytes)
        author = claims.modelSpec("author", limit: Limits.Text.nameBytes)
        description = claims.modelSpec("description", limit: Limits.Text.descriptionBytes)
        usageHint = claims.modelSpec("usage_hint", limit: Limits.Draft.detailBytes)
        license = claims.modelSpec("license", limit: Limits.Text.nameBytes)
        date = claims.modelSpec("date", limit: Limits.Text.nameBytes)
        resolution =
            claims.modelSpec("resolution", limit: Limits.Text.nameBytes)
            ?? claims.kohya("ss_resolution", limit: Limits.Text.nameBytes)
        tags = claims.tags
        triggerWords = claims.triggerPhrase.map { [$0] } ?? []
        triggerCandidates = TagFrequency.candidates(header.metadata)
        precision = survey.dominantDType?.precision.map { Drafted($0, source: "tensor types") }
        training = claims.training
    }

    private static func type(_ survey: TensorSurvey, _ claims: MetadataClaims) -> Drafted<ModelType>? {
        // kohya's plain LoRA may train convolutions too; its users and Civitai call that LORA unless it was asked for.
        if survey.adapter?.kind == .locon, claims.isPlainKohyaLoRA {
            return Drafted(.lora, source: "kohya ss_network_module")
        }
        if let type = survey.type { return Drafted(type, source: "tensor names") }
        return claims.type
    }

    private static func baseModel(_ survey: TensorSurvey, _ claims: MetadataClaims) -> Drafted<String>? {
        let claimed = claims.baseModel
        guard let evident = survey.baseModel else { return claimed }
        // Within one lineage only the claim can be more exact (Pony, SD 2.1 768, Flux.1 S).
        if let claimed, BaseModel.lineage(of: claimed.value) == BaseModel.lineage(of: evident) { return claimed }
        return Drafted(evident, source: "tensor names")
    }
}
