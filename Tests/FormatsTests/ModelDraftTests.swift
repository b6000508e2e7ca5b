import Formats
import Testing

@Suite("drafting a release from a model file")
struct ModelDraftTests {
    /// A kohya LoRA module.
    private func lora(_ module: String, in width: UInt64, out: UInt64 = 320, rank: UInt64 = 8) -> [(String, [UInt64])] {
        [
            (module + ".lora_down.weight", [rank, width]), (module + ".lora_up.weight", [out, rank]),
            (module + ".alpha", []),
        ]
    }

    private let attention = "_attentions_0_transformer_blocks_0_attn2_to_k"

    @Test("an SDXL LoRA of kohya's trainer drafts name, type, base, words and training")
    func kohya() throws {
        let metadata = [
            "ss_output_name": "neonfilm-v1.1", "ss_base_model_version": "sdxl_base_v1-0", "ss_network_dim": "16",
            "ss_network_alpha": "8", "ss_network_module": "networks.lora", "ss_num_train_images": "400",
            "ss_resolution": "(1024, 1024)", "ss_learning_rate": "0.0001", "ss_seed": "None",
            "modelspec.title": "LoRA@1690000000.0", "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
            "ss_tag_frequency":
                #"{"10_neon":{"neonfilm":40,"night, rain ":12,"1girl":30},"5_b":{"neonfilm":5,"x":-1}}"#,
            "ss_dataset_dirs": #"{"10_neon":{"n_repeats":10,"img_count":45},"5_b":{"n_repeats":5,"img_count":5}}"#,
            "ss_datasets":
                #"[{"subsets":[{"class_tokens":"neonfilm style","is_reg":false},{"class_tokens":"photo","is_reg":true}]}]"#,
        ]
        let draft = ModelDraft(
            try header(lora("lora_unet_down_blocks_1" + attention, in: 2048), metadata: metadata))
        #expect(
            draft.name == Drafted("neonfilm-v1.1", source: "kohya ss_output_name"), "the made-up title is passed over")
        #expect(draft.type == Drafted(.lora, source: "tensor names"))
        #expect(draft.baseModel == Drafted("SDXL 1.0", source: "modelspec.architecture"))
        #expect(draft.precision == Drafted("fp16", source: "tensor types"))
        #expect(draft.survey.parameters == 8 * 2048 + 320 * 8 + 1)
        #expect(draft.survey.adapter?.ranks == [8])
        #expect(draft.resolution?.value == "(1024, 1024)")
        #expect(draft.triggerCandidates.map(\.word) == ["neonfilm style", "neonfilm", "1girl", "night, rain"])
        #expect(draft.triggerCandidates.map(\.count) == [0, 45, 30, 12])
        #expect(draft.triggerCandidates[1].share == 0.9)
        #expect(
            draft.training.contains {
                $0.name == "Network dimension" && $0.value == "16" && $0.source == "kohya ss_network_dim"
            })
        #expect(!draft.training.contains { $0.value == "None" })
    }

    @Test("ModelSpec fields are taken with their source")
    func modelSpec() throws {
        let metadata = [
            "modelspec.title": "Neon Film", "modelspec.author": "maker", "modelspec.description": "d",
            "modelspec.trigger_phrase": "neonfilm, night", "modelspec.tags": "style, film,, style",
            "modelspec.usage_hint": "0.8", "modelspec.license": "CC0-1.0", "modelspec.date": "2024-01-02",
            "modelspec.resolution": "512x512", "modelspec.architecture": "stable-diffusion-v1/textual-inversion",
        ]
        let draft = ModelDraft(try header([("weights", [3, 3, 3])], metadata: metadata))
        #expect(draft.name == Drafted("Neon Film", source: "modelspec.title"))
        #expect(draft.author?.value == "maker")
        #expect(draft.description?.value == "d")
        #expect(draft.triggerWords == [Drafted("neonfilm, night", source: "modelspec.trigger_phrase")])
        #expect(draft.tags.map(\.value) == ["style", "film"])
        #expect(draft.usageHint?.value == "0.8")
        #expect(draft.license?.value == "CC0-1.0")
        #expect(draft.date?.value == "2024-01-02")
        #expect(draft.resolution?.value == "512x512")
        #expect(draft.type == Drafted(.textualInversion, source: "modelspec.architecture"))
        #expect(draft.baseModel == Drafted("SD 1.5", source: "modelspec.architecture"))
    }

    @Test(
        "Pony and its siblings are told by the file that was trained on",
        arguments: [
            ("ponyDiffusionV6XL.safetensors", "Pony"), ("Illustrious-XL-v0.1", "Illustrious"),
            ("noobaiXLNAI", "NoobAI"),
        ])
    func descendants(_ file: String, _ name: String) throws {
        let draft = ModelDraft(
            try header(
                lora("lora_unet_down_blocks_1" + attention, in: 2048),
                metadata: ["ss_sd_model_name": file, "ss_base_model_version": "sdxl_base_v1-0"]))
        #expect(draft.baseModel == Drafted(name, source: "kohya ss_sd_model_name"))
    }

    @Test("a name that says Pony does not make an SD 1.5 LoRA one")
    func notADescendant() throws {
        let draft = ModelDraft(
            try header(
                lora("lora_unet_down_blocks_1" + attention, in: 768), metadata: ["ss_sd_model_name": "pony.safetensors"]
            ))
        #expect(draft.baseModel == Drafted("SD 1.5", source: "tensor names"))
    }

    @Test("the tensors win over a claim of another family")
    func evidence() throws {
        let header = try header(
            lora("lora_unet_down_blocks_1" + attention, in: 768), metadata: ["ss_base_model_version": "sdxl_base_v1-0"])
        #expect(ModelDraft(header).baseModel == Drafted("SD 1.5", source: "tensor names"))
        #expect(ModelLint.check(header).contains { $0.rule == .baseModelDisagrees })
    }

    @Test("kinds of files are told by their tensors")
    func types() throws {
        func draft(_ tensors: [(String, [UInt64])], _ metadata: [String: String] = [:]) throws -> (String?, String?) {
            let draft = ModelDraft(try header(tensors, metadata: metadata))
            return (draft.type?.value.rawValue, draft.baseModel?.value)
        }
        let unet = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
        let vae: (String, [UInt64]) = ("first_stage_model.decoder.conv_in.weight", [512, 4, 3, 3])
        let cases: [([(String, [UInt64])], String?, String?)] = [
            ([(unet, [320, 768]), vae], "Checkpoint", "SD 1.5"),
            ([(unet, [320, 1024]), vae], "Checkpoint", "SD 2.1"),
            ([(unet, [640, 2048]), vae], "Checkpoint", "SDXL 1.0"),
            ([(unet, [640, 2048])], "UNet", "SDXL 1.0"),
            (
                [
                    ("double_blocks.0.img_attn.qkv.weight", [9216, 3072]),
                    ("guidance_in.in_layer.weight", [3072, 256]),
                ], "UNet", "Flux.1 D"
            ),
            ([("double_blocks.0.img_attn.qkv.weight", [9216, 3072])], "UNet", "Flux.1 S"),
            ([("double_blocks.0.img_attn.qkv.weight", [9, 6144])], "UNet", nil),
            (
                [("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", [4608, 1536]), vae], "Checkpoint",
                "SD 3"
            ),
            ([("joint_blocks.0.x_block.attn.qkv.weight", [1, 2432])], "UNet", "SD 3.5 Large"),
            ([("emb_params", [4, 768])], "TextualInversion", "SD 1.5"),
            ([("clip_l", [4, 768]), ("clip_g", [4, 1280])], "TextualInversion", "SDXL 1.0"),
            ([("decoder.conv_in.weight", [512, 4, 3, 3]), ("post_quant_conv.weight", [4, 4, 1, 1])], "VAE", nil),
            ([("decoder.layers.0.weight", [64, 4, 3, 3])], "VAE", nil),
            ([("control_model.input_hint_block.0.weight", [16, 3, 3, 3])], "Controlnet", nil),
            (
                [
                    ("controlnet_down_blocks.0.weight", [320, 320, 1, 1]),
                    ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", [320, 768]),
                ], "Controlnet", "SD 1.5"
            ),
            ([("body.0.rdb1.conv1.weight", [32, 64, 3, 3]), ("conv_first.weight", [64, 3, 3, 3])], "Upscaler", nil),
            ([("model.1.sub.0.RDB1.conv1.0.weight", [32, 64, 3, 3])], "Upscaler", nil),
            ([("text_model.encoder.layers.0.self_attn.q_proj.weight", [768, 768])], "TextEncoder", nil),
            ([("vision_model.encoder.layers.0.mlp.fc1.weight", [1, 1])], "CLIPVision", nil),
            ([("down_blocks.0.motion_modules.0.temporal_transformer.norm.weight", [320])], "MotionModule", nil),
            ([("something.else", [1])], nil, nil),
            (
                lora("lora_te1_text_model_encoder_layers_0_mlp_fc1", in: 768)
                    + lora("lora_te2_text_model_encoder_layers_0_mlp_fc1", in: 1280), "LORA", "SDXL 1.0"
            ),
            (lora("lora_te_text_model_encoder_layers_0_self_attn_q_proj", in: 1024), "LORA", "SD 2.1"),
            (lora("lora_unet_double_blocks_0_img_attn_qkv", in: 3072), "LORA", "Flux.1 D"),
            (lora("lora_unet_joint_blocks_0_context_block_attn_qkv", in: 1536), "LORA", "SD 3"),
            (
                [
                    ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", [16, 3072]),
                    ("transformer.single_transformer_blocks.0.attn.to_q.lora_B.weight", [3072, 16]),
                ], "LORA", "Flux.1 D"
            ),
            (
                [
                    (
                        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight",
                        [4, 768]
                    ),
                    (
                        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.up.weight",
                        [320, 4]
                    ),
                ], "LORA", "SD 1.5"
            ),
            (
                lora("lora_unet_down_blocks_1" + attention, in: 768) + [
                    ("lora_unet_down_blocks_1" + attention + ".dora_scale", [320, 1])
                ], "DoRA", "SD 1.5"
            ),
        ]
        for (tensors, type, base) in cases {
            let found = try draft(tensors)
            #expect(found.0 == type, "\(tensors)")
            #expect(found.1 == base, "\(tensors)")
        }
    }

    @Test("convolutions make a LoCon, unless kohya's plain trainer made them")
    func convolutions() throws {
        let tensors: [(String, [UInt64])] = [
            ("lora_unet_out_2.lora_down.weight", [8, 320, 3, 3]), ("lora_unet_out_2.lora_up.weight", [4, 8, 1, 1]),
        ]
        #expect(ModelDraft(try header(tensors)).type?.value == .locon)
        let plain = ModelDraft(
            try header(tensors, metadata: ["ss_network_module": "networks.lora", "ss_base_model_version": "sd_v1"]))
        #expect(plain.type == Drafted(.lora, source: "kohya ss_network_module"))
        #expect(plain.baseModel == Drafted("SD 1.5", source: "kohya ss_base_model_version"))
        let asked = try header(
            tensors, metadata: ["ss_network_module": "networks.lora", "ss_network_args": #"{"conv_dim": "4"}"#])
        #expect(ModelDraft(asked).type?.value == .locon)
    }

    @Test("the type of most bytes is the precision")
    func precision() throws {
        let output = try SafetensorsWriter.header(
            tensors: [.init("a", .f32, [1]), .init("b", .f8E4M3, [9]), .init("c", .bf16, [4])], metadata: [:])
        #expect(ModelDraft(output.header).precision?.value == "fp8")
        #expect(ModelDraft(output.header).survey.parameters == 14)
    }

    @Test("values of many megabytes are cut")
    func large() throws {
        let huge = String(repeating: "é", count: 1 << 20)
        let draft = ModelDraft(
            try header(
                [], metadata: ["modelspec.title": huge, "modelspec.description": huge, "ss_network_args": huge]))
        #expect(draft.name?.value.utf8.count == 200)
        #expect(draft.description?.value.utf8.count == 48 << 10)
        #expect(draft.training.map(\.value.utf8.count) == [1024])
    }

    @Test(
        "statistics that are no JSON are left out",
        arguments: [
            "", "[", "[1]", "{\"a\":1}", "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":-1}}", "{\"a\":{\"b\":1e99}}", "NaN",
        ])
    func brokenStatistics(_ text: String) throws {
        let draft = ModelDraft(
            try header([], metadata: ["ss_tag_frequency": text, "ss_datasets": text, "ss_dataset_dirs": text]))
        #expect(draft.triggerCandidates.isEmpty)
    }

    @Test("counts that overflow stay at the largest number")
    func hugeCounts() throws {
        let text = #"{"a":{"x":9223372036854775807},"b":{"x":9223372036854775807}}"#
        let draft = ModelDraft(
            try header([], metadata: ["ss_tag_frequency": text, "ss_dataset_dirs": #"{"a":{"img_count":1}}"#]))
        #expect(draft.triggerCandidates.map(\.count) == [.max])
        #expect(draft.triggerCandidates.map(\.share) == [1])
    }
}
