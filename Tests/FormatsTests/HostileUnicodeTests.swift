import Formats
import Testing

/// Swift puts a run of combining marks in order before it compares or hashes a text, in a time that grows with the
/// square of its length. Where a stranger's text is compared so, these tests do not fail: they do not end.
@Suite("texts that are slow to compare")
struct HostileUnicodeTests {
    /// 200,000 marks of two classes, in the worst order.
    private let marks = String(repeating: "\u{301}\u{323}", count: 100_000)
    /// The same of marks that count as letters.
    private let letters = String(repeating: "\u{5b7}\u{5b0}", count: 60_000)

    @Test("in headers")
    func headers() throws {
        #expect(throws: SafetensorsError.self) { try header("{\"\(marks)\":{}}", data: 0) }
        #expect(throws: SafetensorsError.self) { try header("{\"__metadata__\":{\"\(marks)\":\"\"}}", data: 0) }
        #expect(throws: SafetensorsError.self) { try header("{\"t\":{\"dtype\":\"\(marks)\"}}", data: 0) }
        #expect(throws: SafetensorsError.self) { try header("{\"t\":{\"\(marks)\":1}}", data: 0) }
        let name = String(marks.unicodeScalars.prefix(480))
        let tensors = (0..<5000).map { ("lora_unet\(name)\($0).lora_down.weight", [UInt64(0), 1]) }
        _ = ModelLint.check(try header(tensors))
    }

    @Test("in metadata")
    func metadata() throws {
        let keys = [
            "ss_output_name", "ss_network_module", "ss_sd_model_name", "modelspec.title", "modelspec.description",
            "modelspec.tags", "modelspec.architecture", "modelspec.hash_sha256", "ss_network_args",
        ]
        _ = ModelLint.check(try header([], metadata: Dictionary(uniqueKeysWithValues: keys.map { ($0, "a" + marks) })))
        let word = String(marks.unicodeScalars.prefix(250))
        let tags = (0..<5000).map { "\"\(word)\($0)\":1" }.joined(separator: ",")
        let json = ["ss_tag_frequency": "{\"\(marks)\":{\(tags)}}", "ss_datasets": "[{\"\(marks)\":1}]"]
        #expect(ModelDraft(try header([], metadata: json)).triggerCandidates.count == 64)
    }

    @Test(
        "in infotexts",
        arguments: [
            "a<%:x:1> <lora:%:1> <lora:%:2>", "%\nNegative prompt: %\nSteps: 1, Seed: 2, Size: 3x3",
            "a\nSteps: 1, Seed: 2, %: 3, %: 4", "a\nSteps: 1, Seed: 2, Schedule type: %, RNG: %, Size: %x%, Model: %",
            "a\nSteps: 1, Seed: 2, Hashes: {\"%\": \"%\", \"lora:%\": \"%\"}, Lora hashes: \"%: %, %: %\"",
            "a\nSteps: 1, Seed: 2, Civitai resources: [{\"type\": \"%\", \"air\": \"%:%\", \"modelName\": \"%\", \"%\": 1}]",
            "a\nSteps: 1, Seed: 2, AddNet Model 1: %(%), AddNet Module 1: %", "{%",
            "a\nSteps: 1, Seed: 2, Model: %, VAE: %.pt",
        ])
    func infotexts(_ pattern: String) throws {
        for hostile in [marks, letters] {
            let share = String(hostile.unicodeScalars.prefix(100_000 / pattern.utf8.count(where: { $0 == 0x25 })))
            let infotext = try #require(InfotextA1111(pattern.replacing("%", with: "a" + share)))
            let recipe = Recipe(infotext)
            _ = InfotextA1111(recipe).text
        }
    }

    @Test("in graphs")
    func graphs() throws {
        let text = """
            {"1":{"class_type":"%","inputs":{"positive":["%",0],"latent_image":["2",0],"%":["1",0],"model":["3",0]}},
             "%":{"class_type":"C","inputs":{"text":"embedding:%"}},"2":{"%":1,"class_type":"%"},
             "3":{"class_type":"L","inputs":{"lora_name":"%","ckpt_name":"%","x":{"lora":"%","%":1}}}}
            """
        let share = String(marks.unicodeScalars.prefix(40_000))
        #expect(try ComfyGraph(text.replacing("%", with: "a" + share).bytes).recipe != nil)
    }

    @Test("in file names")
    func fileNames() {
        #expect(FileNames.sanitised("a" + marks + ".png").utf8.count <= 255)
        #expect(FileNames.sanitised(marks).utf8.count <= 255)
    }
}
