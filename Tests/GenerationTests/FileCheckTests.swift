import Formats
import Testing

@testable import Generation

@Suite("Files that no engine is given")
struct FileCheckTests {
    private func check(_ bytes: [UInt8], as role: ModelFile.Role, size: UInt64? = nil) async -> GenerationError? {
        let check = FileCheck(name: "file", size: size ?? UInt64(bytes.count)) { range in
            Array(bytes[Int(range.lowerBound)..<min(bytes.count, Int(range.upperBound))])
        }
        do throws(GenerationError) {
            try await check.run(as: role)
            return nil
        } catch {
            return error
        }
    }

    /// A file of F32 tensors, all with the same number.
    private func file(_ tensors: [(String, [UInt64])], value: Float = 0.5) throws -> [UInt8] {
        let listed = tensors.map { SafetensorsWriter.Tensor($0.0, .f32, $0.1) }
        let output = try SafetensorsWriter.header(tensors: listed, metadata: [:])
        let count = tensors.reduce(0) { $0 + Int($1.1.reduce(1, *)) }
        let number = withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        return output.bytes + (0..<count).flatMap { _ in number }
    }

    private static let module = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_q"

    private func lora(down: [UInt64] = [4, 320], up: [UInt64]? = [320, 4], value: Float = 0.5) throws -> [UInt8] {
        var tensors: [(String, [UInt64])] = [("\(Self.module).lora_down.weight", down)]
        if let up { tensors.append(("\(Self.module).lora_up.weight", up)) }
        return try file(tensors, value: value)
    }

    @Test("a sound LoRA and a sound model pass, each as what it is")
    func sound() async throws {
        let model = try file([("model.diffusion_model.input_blocks.0.0.weight", [4, 4])])
        #expect(await check(try lora(), as: .lora) == nil)
        #expect(await check(model, as: .checkpoint) == nil)
        #expect(await check(try lora(), as: .checkpoint)?.code == "model_invalid")
        #expect(await check(model, as: .lora)?.code == "model_invalid")
    }

    @Test("what hangs, aborts or blackens an engine is refused")
    func hostile() async throws {
        let good = try lora()
        let refused: [(String, [UInt8])] = [
            ("cut short", Array(good.dropLast(50))),
            ("longer than it says", good + [0]),
            ("half missing", try lora(up: nil)),
            ("ranks differ", try lora(up: [320, 8])),
            ("NaN", try lora(value: .nan)),
            ("infinite", try lora(value: .infinity)),
            ("an entry that is a string", raw(#"{"a":"b"}"#)),
            ("an unknown type", raw(#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#, data: 4)),
            ("offsets past the end", raw(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4000]}}"#, data: 4)),
            ("a negative shape", raw(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, data: 4)),
            ("no tensors", raw("{}")),
            ("brackets", raw(String(repeating: "[", count: 4096))),
            ("a header of 2^60 bytes", [0, 0, 0, 0, 0, 0, 0, 0x10] + Array(repeating: 0x20, count: 64)),
            ("a pickle", [0x80, 2, 0x7d, 0x71] + Array(repeating: 0x2e, count: 64)),
            (
                "a ZIP with a pickle",
                [0x50, 0x4b, 3, 4] + Array("archive/data.pkl".utf8) + Array(repeating: 0, count: 64)
            ),
            ("nothing", []),
        ]
        for (name, bytes) in refused {
            #expect(await check(bytes, as: .lora)?.code == "model_invalid", "\(name)")
        }
        #expect(
            await check(good, as: .lora, size: UInt64(good.count) + 999)?.code == "model_invalid", "shorter on disk")
    }

    private func raw(_ json: String, data: Int = 0) -> [UInt8] {
        withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Array($0) } + Array(json.utf8)
            + Array(repeating: 0, count: data)
    }

    @Test("half numbers are looked at by their exponent")
    func exponents() {
        #expect(FileCheck.isFinite([0xff, 0x7b, 0x00, 0x80], .f16))
        #expect(!FileCheck.isFinite([0x00, 0x00, 0x00, 0x7c], .f16))
        #expect(!FileCheck.isFinite([0x80, 0x7f], .bf16))
        #expect(FileCheck.isFinite([0x7f, 0x7f], .bf16))
        #expect(FileCheck.isFinite([0xff, 0xff, 0xff, 0xff], .i32))
    }

    @Test("a picture of one colour is flat; one pixel makes the difference")
    func flat() {
        let head = Array("P6\n2 2\n255\n".utf8)
        #expect(PictureCheck.isFlat(head + Array(repeating: 7, count: 12)))
        #expect(!PictureCheck.isFlat(head + Array(repeating: 7, count: 11) + [8]))
        #expect(PictureCheck.isFlat(head))
        #expect(PictureCheck.isFlat([]))
    }
}
