import Digests
import Formats
import Foundation

/// Random bytes that a seed makes again (SplitMix64).
struct SeededBytes {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// No two pages are the same. A page of 16 KiB is made once and stamped again and again: tests of this size run without
    /// the optimiser.
    mutating func bytes(_ count: Int) -> [UInt8] {
        let page = (0..<2048).map { _ in next() }
        var words: [UInt64] = []
        words.reserveCapacity(count / 8 + page.count)
        while words.count * 8 < count {
            words.append(next())
            words += page.dropFirst()
        }
        return words.withUnsafeBytes { Array($0.prefix(count)) }
    }
}

/// Files as people publish them.
enum Samples {
    /// A LoRA of about so many MiB as kohya's trainer writes it: pairs of low-rank matrices with alphas, and metadata.
    static func lora(mebibytes: Int, seed: UInt64) throws -> [UInt8] {
        let (rank, width): (UInt64, UInt64) = (32, 1280)
        let pairBytes = Int(2 * rank * width) * 2 + 2
        var tensors: [SafetensorsWriter.Tensor] = []
        for block in 0..<max(1, mebibytes << 20 / pairBytes) {
            let name = "lora_unet_input_blocks_\(block / 10)_1_transformer_blocks_\(block % 10)_attn1_to_q"
            tensors.append(.init(name + ".alpha", .f16, []))
            tensors.append(.init(name + ".lora_down.weight", .f16, [rank, width]))
            tensors.append(.init(name + ".lora_up.weight", .f16, [width, rank]))
        }
        let output = try SafetensorsWriter.header(
            tensors: SafetensorsWriter.aligned(tensors),
            metadata: [
                "ss_output_name": "honeycomb-style", "ss_network_module": "networks.lora",
                "ss_network_dim": "\(rank)", "ss_network_alpha": "16", "ss_base_model_version": "sdxl_base_v1-0",
                "ss_sd_model_name": "sd_xl_base_1.0.safetensors", "ss_num_train_images": "40", "ss_steps": "1200",
                "ss_num_epochs": "10", "ss_resolution": "(1024, 1024)",
                "ss_tag_frequency": #"{"10_honeycomb style": {"honeycomb style": 40, "a bee": 21, "a meadow": 9}}"#,
            ])
        var random = SeededBytes(seed)
        return output.bytes + random.bytes(Int(output.header.fileSize) - output.bytes.count)
    }

    /// The same safetensors file with numbers of 16 bits that are all finite: engines are given no others.
    static func finite(_ file: [UInt8]) -> [UInt8] {
        var file = file
        let start = 8 + file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        for place in stride(from: start + 1, to: file.count, by: 2) { file[place] &= 0xbb }
        return file
    }

    /// A checkpoint of a few tensors, under names of SD 1.5's: enough to be published and looked through.
    static func checkpoint(seed: UInt64) throws -> [UInt8] {
        let names = [
            "model.diffusion_model.input_blocks.0.0", "first_stage_model.decoder.conv_in", "cond_stage_model.x",
        ]
        let tensors = names.map { SafetensorsWriter.Tensor($0 + ".weight", .f16, [64, 64]) }
        let output = try SafetensorsWriter.header(tensors: tensors, metadata: [:])
        var random = SeededBytes(seed)
        return output.bytes + random.bytes(Int(output.header.fileSize) - output.bytes.count)
    }

    /// A square picture of noise with the text that AUTOMATIC1111 leaves in it, which names the model's file by hash.
    static func picture(
        side: Int, seed: UInt64, usesFile sha256: Hash32? = nil, isFlat: Bool = false
    ) throws -> [UInt8] {
        var random = SeededBytes(seed)
        var rows: [UInt8] = []
        for _ in 0..<side { rows += [0] + (isFlat ? Array(repeating: 9, count: side * 3) : random.bytes(side * 3)) }
        let number = withUnsafeBytes(of: UInt32(side).bigEndian) { Array($0) }
        let plain =
            [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + chunk("IHDR", number + number + [8, 2, 0, 0, 0])
            + chunk("IDAT", stored(rows)) + chunk("IEND", [])
        var text = "a bee in a meadow, honeycomb style <lora:honeycomb-style:0.8>\nNegative prompt: blurry\n"
        text += "Steps: 24, Sampler: Euler a, CFG scale: 6.5, Seed: \(seed), Size: \(side)x\(side)"
        if let sha256 { text += ", Lora hashes: \"honeycomb-style: \(sha256.hex.prefix(10))\"" }
        return try PNGMetadata(plain).replacing([PictureText("parameters", text + ", Version: v1.10.1")])
    }

    private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        var checksum = CRC32()
        body.withUnsafeBytes { checksum.update($0) }
        return withUnsafeBytes(of: UInt32(data.count).bigEndian) { Array($0) } + body
            + withUnsafeBytes(of: checksum.value.bigEndian) { Array($0) }
    }

    /// A zlib stream (RFC 1950) of stored blocks.
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: bytes.count, by: 65535) {
            let block = bytes[start..<min(start + 65535, bytes.count)]
            let length = UInt16(block.count)
            stream.append(start + block.count == bytes.count ? 1 : 0)
            for word in [length, ~length] { stream += withUnsafeBytes(of: word.littleEndian) { Array($0) } }
            stream += block
        }
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            low = (low + UInt32(byte)) % 65521
            high = (high + low) % 65521
        }
        return stream + withUnsafeBytes(of: (high << 16 | low).bigEndian) { Array($0) }
    }
}
