/// Marks gathered from tensor names in one pass, and the conclusions from them.
struct TensorMarks {
    private enum Mark: Hashable {
        case diffusionModel, firstStage, textEncoderInside
        case control, motion, taesd, vaeDecoder, upscaler, clipText, clipVision, t5
        case embedding, embeddingL, embeddingG
        case sdxlText, sd1Text, sd2Text
        case doubleBlocks, singleTransformer, fluxGuidance, jointBlocks, jointSecondAttention
        case chroma, tokenRefiner, flux2
    }

    private enum Place { case start, inside, whole }

    /// Every `.` of a name counts as `_`, because kohya flattens module names so.
    private static let table: [(mark: Mark, place: Place, text: String)] = [
        (.diffusionModel, .start, "model_diffusion_model_"),
        (.diffusionModel, .start, "input_blocks_"),
        (.diffusionModel, .start, "down_blocks_"),
        (.diffusionModel, .start, "double_blocks_"),
        (.diffusionModel, .start, "joint_blocks_"),
        (.diffusionModel, .start, "transformer_blocks_"),
        (.firstStage, .start, "first_stage_model_"),
        (.firstStage, .start, "vae_"),
        (.textEncoderInside, .start, "cond_stage_model_"),
        (.textEncoderInside, .start, "conditioner_"),
        (.textEncoderInside, .start, "text_encoders_"),
        (.control, .start, "control_model_"),
        (.control, .inside, "controlnet_cond_embedding_"),
        (.control, .start, "controlnet_"),
        (.control, .inside, "input_hint_block_"),
        (.control, .start, "lora_controlnet"),
        (.control, .start, "zero_convs_"),
        (.motion, .inside, "motion_modules_"),
        (.taesd, .start, "decoder_layers_"),
        (.taesd, .start, "encoder_layers_"),
        (.vaeDecoder, .start, "decoder_conv_in_"),
        (.vaeDecoder, .start, "decoder_conv_out_"),
        (.vaeDecoder, .start, "post_quant_conv_"),
        (.upscaler, .inside, "_rdb1_"),
        (.upscaler, .inside, "_RDB1_"),
        (.upscaler, .inside, "residual_group_"),
        (.upscaler, .start, "conv_first_"),
        (.clipText, .start, "text_model_encoder_"),
        (.clipVision, .start, "vision_model_"),
        (.clipVision, .start, "visual_"),
        (.t5, .start, "encoder_block_0_"),
        (.embedding, .whole, "emb_params"),
        (.embeddingL, .whole, "clip_l"),
        (.embeddingG, .whole, "clip_g"),
        (.sdxlText, .inside, "conditioner_embedders_1_"),
        (.sdxlText, .start, "lora_te2_"),
        (.sdxlText, .start, "text_encoder_2_"),
        (.sd1Text, .start, "cond_stage_model_transformer_text_model_"),
        (.sd2Text, .start, "cond_stage_model_model_transformer_"),
        (.doubleBlocks, .inside, "double_blocks_"),
        (.singleTransformer, .inside, "single_transformer_blocks_"),
        (.fluxGuidance, .inside, "guidance_in_"),
        (.jointBlocks, .inside, "joint_blocks_"),
        (.jointSecondAttention, .inside, "x_block_attn2_"),
        (.chroma, .inside, "distilled_guidance_layer_"),
        (.tokenRefiner, .inside, "token_refiner_"),
        (.flux2, .inside, "double_stream_modulation"),
    ]

    private var marks: Set<Mark> = []
    /// Width of the text that cross-attention looks at.
    private var contextWidth: UInt64?
    /// Width of a kohya LoRA's text encoder.
    private var textWidth: UInt64?
    /// Width of a transformer's stream.
    private var streamWidth: UInt64?
    /// Width of an embedding's vectors.
    private var embeddingWidth: UInt64?
    private var isEmbeddingShaped = true

    mutating func note(_ tensor: SafetensorsTensor) {
        let name = Self.flattened(tensor.name)
        for (mark, place, text) in Self.table where !marks.contains(mark) {
            let isFound =
                switch place {
                case .start: name.utf8HasPrefix(text)
                case .inside: name.utf8Contains(text)
                case .whole: name.sameUTF8(as: text)
                }
            if isFound { marks.insert(mark) }
        }
        if tensor.shape.count != 2 { isEmbeddingShaped = false }
        guard tensor.shape.count >= 2 else { return }
        noteWidths(name, tensor.shape[1])
        if marks.contains(.embedding) || marks.contains(.embeddingL), embeddingWidth == nil {
            embeddingWidth = tensor.shape[1]
        }
    }

    /// `width` is the input side of a linear layer, or of the down half of its LoRA.
    private mutating func noteWidths(_ name: String, _ width: UInt64) {
        let isInput =
            name.utf8HasSuffix("_weight") && !name.utf8Contains("lora_up") && !name.utf8Contains("lora_B")
            && !name.utf8Contains("lora_mid") && !name.utf8HasSuffix("up_weight")
        guard isInput || name.utf8HasSuffix("hada_w1_b") else { return }
        if contextWidth == nil, name.utf8Contains("attn2_to_k") || name.utf8Contains("attn2_processor_to_k") {
            contextWidth = width
        }
        if textWidth == nil, name.utf8HasPrefix("lora_te_text_model_encoder_"), name.utf8Contains("self_attn_") {
            textWidth = width
        }
        if streamWidth == nil,
            name.utf8Contains("img_attn_qkv") || name.utf8Contains("block_attn_qkv")
                || name.utf8Contains("single_transformer_blocks_0_attn_to_q")
        {
            streamWidth = width
        }
    }

    private static func flattened(_ name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
    }

    func type(adapter: AdapterSurvey?, tensorCount: Int) -> ModelType? {
        if let adapter, !marks.contains(.control) {
            switch adapter.kind {
            case .lora: return .lora
            case .dora: return .dora
            case .locon, .loha, .lokr: return .locon
            }
        }
        if marks.contains(.control) { return .controlnet }
        if marks.contains(.motion) { return .motionModule }
        if marks.contains(.diffusionModel) {
            return marks.contains(.textEncoderInside) || marks.contains(.firstStage) ? .checkpoint : .unet
        }
        if !marks.isDisjoint(with: [.embedding, .embeddingL, .embeddingG]), tensorCount <= 8, isEmbeddingShaped {
            return .textualInversion
        }
        if !marks.isDisjoint(with: [.firstStage, .taesd, .vaeDecoder]) { return .vae }
        if marks.contains(.clipVision) { return .clipVision }
        if !marks.isDisjoint(with: [.clipText, .t5]) { return .textEncoder }
        return marks.contains(.upscaler) ? .upscaler : nil
    }

    func baseModel(isAdapter: Bool) -> String? {
        if marks.contains(.chroma) { return BaseModel.chroma }
        if marks.contains(.jointBlocks) {
            if streamWidth == 2432 { return BaseModel.sd35Large }
            return marks.contains(.jointSecondAttention) ? BaseModel.sd35Medium : BaseModel.sd3
        }
        if !marks.isDisjoint(with: [.doubleBlocks, .singleTransformer]) {
            // Others use the same block names with another width or more parts.
            guard marks.isDisjoint(with: [.tokenRefiner, .flux2]), streamWidth == nil || streamWidth == 3072 else {
                return nil
            }
            return isAdapter || marks.contains(.fluxGuidance) ? BaseModel.flux1D : BaseModel.flux1S
        }
        if marks.contains(.embeddingL), marks.contains(.embeddingG) { return BaseModel.sdxl }
        switch contextWidth ?? textWidth ?? embeddingWidth {
        case 768: return BaseModel.sd15
        case 1024: return BaseModel.sd21
        case 2048: return BaseModel.sdxl
        default: break
        }
        if marks.contains(.sdxlText) { return BaseModel.sdxl }
        if marks.contains(.sd1Text) { return BaseModel.sd15 }
        return marks.contains(.sd2Text) ? BaseModel.sd21 : nil
    }
}
