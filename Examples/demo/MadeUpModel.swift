import Formats
import Foundation

/// A model that nobody trained: a true file of its kind with random numbers inside, so that lists and filters have
/// something to tell apart.
struct MadeUpModel {
    let slug: String
    let name: String
    let type: String
    let base: String
    let tags: [String]
    var triggers: [String] = []
    var level = "PG"
    var licence = "CC0-1.0"
    /// The short name of a model before it in the list.
    var mergeOf: String?
    let about: String
    let colours: (Int, Int, Int)
    let size: (width: Int, height: Int)
    /// Goes into the names of its files.
    var edition = ""

    static let all: [MadeUpModel] = [
        MadeUpModel(
            slug: "wax-lines", name: "Wax Lines", type: "LORA", base: "SDXL 1.0",
            tags: ["style", "line art", "honeycomb"],
            triggers: ["wax lines"], about: "Thick, even lines as if drawn with a warm needle.",
            colours: (0x2b1703, 0xd98a1e, 0xfff1d0), size: (320, 400)),
        MadeUpModel(
            slug: "night-hive", name: "Night Hive", type: "LORA", base: "Flux.1 D", tags: ["style", "night", "light"],
            triggers: ["night hive"], licence: "Apache-2.0", about: "Deep blues with small warm lights.",
            colours: (0x05060f, 0x22358a, 0xf6c667), size: (400, 320)),
        MadeUpModel(
            slug: "clover-field", name: "Clover Field", type: "LoCon", base: "SD 1.5",
            tags: ["landscape", "plants"], triggers: ["clover field"], about: "Soft greens, low horizon.",
            colours: (0x10240f, 0x4f9a3f, 0xe7f3c1), size: (384, 384)),
        MadeUpModel(
            slug: "amber-glass", name: "Amber Glass", type: "DoRA", base: "SDXL 1.0",
            tags: ["material", "light"], triggers: ["amber glass"], licence: "OpenRAIL++",
            about: "Everything as if cast in amber.", colours: (0x3a1200, 0xe07a00, 0xffe2a8), size: (320, 440)),
        MadeUpModel(
            slug: "smoker-grain", name: "Smoker Grain", type: "TextualInversion", base: "SD 1.5",
            tags: ["style", "grain"], triggers: ["smoker-grain"], about: "A grey, grainy haze.",
            colours: (0x18181a, 0x77777c, 0xeeeeee), size: (320, 320)),
        MadeUpModel(
            slug: "royal-mix", name: "Royal Mix", type: "Checkpoint", base: "SD 1.5", tags: ["general", "merge"],
            licence: "CreativeML OpenRAIL-M", mergeOf: "clover-field",
            about: "A general checkpoint with Clover Field merged into it.",
            colours: (0x1b0a2a, 0x8a4fb0, 0xf3d9ff), size: (400, 400)),
        MadeUpModel(
            slug: "pollen-vae", name: "Pollen VAE", type: "VAE", base: "SDXL 1.0", tags: ["decoder"],
            about: "Warmer colours out of the same latents.", colours: (0x4a3b00, 0xe3c416, 0xfffbe0),
            size: (320, 320)),
        MadeUpModel(
            slug: "comb-edges", name: "Comb Edges", type: "Controlnet", base: "SDXL 1.0", tags: ["edges", "control"],
            licence: "Apache-2.0", about: "Follows hexagonal outlines.", colours: (0x000000, 0x555555, 0xffffff),
            size: (384, 320)),
        MadeUpModel(
            slug: "wing-upscaler", name: "Wing Upscaler", type: "Upscaler", base: "Other", tags: ["upscaling", "4x"],
            about: "Four times larger, veins included.", colours: (0x07262b, 0x3aa5b0, 0xe6fbff), size: (440, 320)),
        MadeUpModel(
            slug: "waggle-motion", name: "Waggle Motion", type: "MotionModule", base: "SD 1.5",
            tags: ["animation"], about: "Moves in figures of eight.", colours: (0x2a0714, 0xc23b6b, 0xffe0ea),
            size: (400, 360)),
        MadeUpModel(
            slug: "drone-detector", name: "Drone Detector", type: "Detection", base: "Other", tags: ["masks", "bees"],
            licence: "AGPL-3.0", about: "Finds bees in pictures and masks them.",
            colours: (0x0b1f0b, 0x8fae2d, 0xffffd8), size: (320, 320)),
        MadeUpModel(
            slug: "thorn-study", name: "Thorn Study", type: "LORA", base: "Pony", tags: ["study", "plants"],
            triggers: ["thorn study"], level: "R", about: "Marked R, so that visitors can see that they do not see it.",
            colours: (0x1f0505, 0xa02020, 0xffd8c8), size: (320, 400)),
    ]

    /// What its page says.
    var description: String {
        about + "\n\n**Made up for the demonstration:** the file is a true safetensors file of its kind with random "
            + "numbers inside. It draws nothing, and its picture was drawn by the demonstration program."
    }

    /// The next version of the same model: other numbers.
    func version(_ number: Int) -> MadeUpModel {
        var model = self
        model.edition = "-\(number)"
        return model
    }

    /// Writes the model file and its picture.
    func write(into folder: String) throws -> (file: String, picture: String) {
        let stem = slug + edition
        let (file, picture) = (folder + "/\(stem).safetensors", folder + "/\(stem).png")
        var random = Random(state: stem.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 })
        let header = try SafetensorsWriter.header(tensors: tensors, metadata: ["modelspec.title": name])
        var bytes = Data(header.bytes)
        for tensor in tensors {
            let count = tensor.shape.reduce(1, *)
            // Halves between −0.25 and 0.25: sign and low exponents only.
            for _ in 0..<count {
                let half = UInt16(truncatingIfNeeded: random.next()) & 0x8fff | 0x2000
                bytes.append(contentsOf: [UInt8(half & 255), UInt8(half >> 8)])
            }
        }
        try bytes.write(to: URL(filePath: file))
        let drawn = DrawnPicture(
            width: size.width, height: size.height, colours: colours, cell: Double(26 + random.next() % 40),
            seed: random.next())
        try drawn.png().write(to: URL(filePath: picture))
        return (file, picture)
    }

    /// Tensors by the names that files of this kind have, each a few kilobytes.
    private var tensors: [SafetensorsWriter.Tensor] {
        func half(_ name: String, _ shape: UInt64...) -> SafetensorsWriter.Tensor {
            SafetensorsWriter.Tensor(name, .f16, shape)
        }
        switch type {
        case "LORA", "LoCon", "DoRA":
            return (0..<4).flatMap { block in
                let place = "lora_unet_down_blocks_\(block)_attentions_0_transformer_blocks_0_attn1_to_q"
                return [half("\(place).lora_down.weight", 8, 320), half("\(place).lora_up.weight", 320, 8)]
                    + (type == "DoRA" ? [half("\(place).dora_scale", 320, 1)] : [])
            }
        case "TextualInversion": return [half("emb_params", 2, 768)]
        case "VAE": return [half("decoder.conv_in.weight", 32, 4, 3, 3), half("encoder.conv_in.weight", 32, 3, 3, 3)]
        case "Controlnet": return [half("control_model.input_hint_block.0.weight", 16, 3, 3, 3)]
        case "Upscaler": return [half("conv_first.weight", 64, 3, 3, 3), half("conv_last.weight", 3, 64, 3, 3)]
        case "MotionModule":
            return [half("down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight", 64, 64)]
        case "Checkpoint": return [half("model.diffusion_model.input_blocks.0.0.weight", 320, 4, 3, 3)]
        default: return [half("model.0.conv.weight", 32, 3, 3, 3)]
        }
    }

    /// splitmix64: the same file on every machine.
    private struct Random {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }
}
