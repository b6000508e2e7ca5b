import Digests
import Formats
import Testing
import WaggleProtocol

/// Metadata that is there to hurt whoever reads it.
@Suite("Hostile metadata of pictures")
struct HostilePictureTextTests {
    private func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
        func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        let named = Array(kind.utf8) + body
        return number(UInt32(body.count)) + named + number(checksum(named))
    }

    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum = CRC32()
        bytes.withUnsafeBytes { sum.update($0) }
        return sum.value
    }

    private func png(_ chunks: [[UInt8]]) -> [UInt8] {
        [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
            + chunk("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]) + chunks.flatMap { $0 }
            + chunk("IDAT", [0x78, 0x9c, 0x63, 0x00, 0x00, 0x00, 0x04, 0x00, 0x01]) + chunk("IEND", [])
    }

    private func text(_ keyword: String, _ text: String) -> [UInt8] {
        chunk("tEXt", Array(keyword.utf8) + [0] + Array(text.utf8))
    }

    @Test("10 MB of metadata are not read, and the picture's own part is what is left without them")
    func large() throws {
        let much = String(repeating: "steps and more steps, ", count: 10_000_000 / 22)
        for keyword in ["parameters", "prompt", "workflow"] {
            let bytes = png([text(keyword, much)])
            #expect(PictureText.all(in: bytes).reduce(0) { $0 + $1.text.utf8.count } <= Limits.PictureText.bytes)
            #expect(Recipe(texts: PictureText.all(in: bytes)) == nil)
            if let bare = PictureText.stripped(bytes) { #expect(bare.count < 200) }
        }
    }

    @Test("graphs without end, loops and depth are left alone")
    func graphs() {
        let deep = String(repeating: "[", count: 100_000)
        let loop = """
            {"1":{"class_type":"KSampler","inputs":{"model":["2",0],"positive":["1",0]}},
             "2":{"class_type":"LoraLoader","inputs":{"model":["2",0],"lora_name":"a.safetensors"}}}
            """
        let many =
            "{" + (0..<20_000).map { "\"\($0)\":{\"class_type\":\"KSampler\",\"inputs\":{}}" }.joined(separator: ",")
            + "}"
        for graph in [deep, loop, many, "{\"1\":NaN}", "null", ""] {
            _ = Recipe(texts: PictureText.all(in: png([text("prompt", graph)])))
        }
    }

    @Test("many small chunks are bounded as few large ones are")
    func many() {
        let bytes = png((0..<70_000).map { _ in text("k", "v") })
        #expect(PictureText.all(in: bytes).count <= Limits.PictureText.chunks)
    }
}
