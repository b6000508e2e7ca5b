import Formats
import Testing
import WaggleProtocol

@testable import Generation

@Suite("Workflows of somebody's own for ComfyUI")
struct ComfyWorkflowTests {
    private static let sound = """
        {"1": {"class_type": "X", "inputs": {"a": "{{prompt}}", "b": "{{model}}", "c": ["2", 0], "d": "{{seed}}"}},
         "2": {"class_type": "Y", "inputs": {"w": "{{width}}", "h": "{{height}}", "n": "size {{width}}x{{height}}, {{other}}",
               "l": "{{lora2}}", "s": NaN}}}
        """

    @Test("a place that stands alone becomes the value, one within a text becomes text, and what is typed is no place")
    func fills() throws {
        let workflow = try ComfyWorkflow(Array(Self.sound.utf8))
        #expect(workflow.loras == 2)
        let filled = workflow.filled([
            "prompt": .string("a {{seed}} \"bee\""), "model": .string("m.safetensors"),
            "seed": .number("18446744073709551615"), "width": .number("64"), "height": .number("128"),
        ])
        #expect(filled["1"]?["inputs"]?["a"] == .string("a {{seed}} \"bee\""))
        #expect(filled["1"]?["inputs"]?["d"] == .number("18446744073709551615"), "no digit is lost")
        #expect(filled["1"]?["inputs"]?["c"]?.array?.count == 2)
        #expect(filled["2"]?["inputs"]?["w"] == .number("64"))
        #expect(filled["2"]?["inputs"]?["n"] == .string("size 64x128, {{other}}"))
    }

    @Test("what cannot be drawn as pictures would say is refused, and says why")
    func refuses() {
        let refused = [
            "", "[]", "{}", "null", "{\"1\": 5}", "{\"1\": {\"class_type\": \"X\"}}",
            Self.sound.replacing("{{seed}}", with: "5"), Self.sound.replacing("{{model}}", with: "x"),
            Self.sound.replacing("inputs", with: "widgets_values"), String(repeating: "[", count: 100_000),
            Self.sound + String(repeating: " ", count: Limits.Generation.workflowBytes),
        ]
        for text in refused {
            let error = #expect(throws: GenerationError.self, "\(text.prefix(60))") {
                try ComfyWorkflow(Array(text.utf8))
            }
            #expect(error?.message.contains("generation.workflow") == true)
        }
    }
}
