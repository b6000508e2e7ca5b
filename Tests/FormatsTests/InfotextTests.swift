import Formats
import Testing
import WaggleProtocol

@Suite("A1111 infotext")
struct InfotextTests {
    private func read(_ text: String) throws -> InfotextA1111 {
        try #require(InfotextA1111(text))
    }

    private func pairs(_ infotext: InfotextA1111) -> [String] {
        infotext.parameters.map { "\($0.key)=\($0.value)" }
    }

    @Test("prompt, negative prompt and parameters are read")
    func reads() throws {
        let infotext = try read(
            """
            a bee, (flying:1.2)
              second line\u{20}
            Negative prompt: blurry,
            ugly
            Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 42, Size: 512x768, Model hash: 6ce0161689, Model: v1-5, Version: v1.10.1
            """)
        #expect(infotext.prompt == "a bee, (flying:1.2)\nsecond line")
        #expect(infotext.negativePrompt == "blurry,\nugly")
        #expect(infotext["Sampler"] == "DPM++ 2M Karras")
        #expect(infotext["Version"] == "v1.10.1")
        #expect(infotext.size("Size").map { [$0.width, $0.height] } == [512, 768])
        #expect(infotext.size("Model") == nil)
    }

    @Test("quoted values are JSON strings; what only looks quoted is not")
    func quoting() throws {
        let infotext = try read(
            #"Steps: 1, Hires prompt: "a, b: \"c\"\n\u00e9", Model: "half, Style: 6" blade, Empty: , X1: "", Last: "x" y"#
        )
        #expect(
            pairs(infotext) == [
                "Steps=1", "Hires prompt=a, b: \"c\"\né", "Model=\"half", "Style=6\" blade", "Empty=", "X1=\"\"",
                "Last=\"x\" y",
            ])
    }

    @Test("a last line with fewer than three pairs belongs to the prompt")
    func threePairs() throws {
        #expect(try read("a\nSampler: x, Seed: 1").prompt == "a\nSampler: x, Seed: 1")
        #expect(try read("a\nSampler: x, Seed: 1, Size: 1x1").prompt == "a")
        #expect(try read("just words").parameters.isEmpty)
        #expect(try read("").prompt.isEmpty)
    }

    @Test("text after a line of `Steps: ` does not hide it")
    func trailingLines() throws {
        let infotext = try read("a\nSteps: 20, Seed: 1, Size: 8x8\nTemplate: __animal__\nmore\nNegative Template: x")
        #expect(infotext.prompt == "a")
        #expect(infotext["Seed"] == "1")
        #expect(try read("a\nSteps: 2, Seed: 1\nsome note").parameters.count == 2)
    }

    @Test("templates before the parameters are dropped up to the next label")
    func templates() throws {
        let infotext = try read(
            "a\nTemplate: __x__\nsecond\nNegative prompt: b\nNegative Template: y\nSteps: 1, Seed: 2, Size: 8x8")
        #expect(infotext.prompt == "a")
        #expect(infotext.negativePrompt == "b")
        #expect(infotext["Seed"] == "2")
    }

    @Test("weights in a template after the parameters are no parameters")
    func weightedTemplate() throws {
        let infotext = try read(
            "a\nSteps: 20, Seed: 1, Size: 8x8\nTemplate: x\n(word:1.2), (other:1.3), (third:1.1), (fourth:1)")
        #expect(infotext["Seed"] == "1")
        #expect(infotext.prompt == "a")
    }

    @Test("a parameter named Template does not make a template of its line")
    func templateParameter() throws {
        let parameters = try ["Template", "Seed", "Size"].map { try #require(InfotextParameter($0, "1")) }
        let infotext = InfotextA1111(prompt: "a", parameters: parameters)
        #expect(infotext.text == "a\nClip skip: 1, Template: 1, Seed: 1, Size: 1")
        #expect(try read(infotext.text)["Template"] == "1")
    }

    @Test("plain JSON is taken out whole before the line is split")
    func json() throws {
        let infotext = try read(
            #"a"# + "\n"
                + #"Steps: 20, Seed: 3, Hashes: {"model": "6ce0161689", "lora:x, y": "aabbccddeeff"}, Civitai resources: "#
                + #"[{"type":"lora","weight":0.8,"modelVersionId":2,"modelName":"a: {b}, [c]"},{"air":"urn:air:sdxl:lora:civitai:5@77","weight":1}]"#
                + #", Civitai metadata: {"x":[1,NaN]}, Size: 8x8, SDCPP: {"a":{"b":1}}"#)
        #expect(pairs(infotext) == ["Steps=20", "Seed=3", "Size=8x8"])
        #expect(infotext.hashes == ["model": "6ce0161689", "lora:x, y": "aabbccddeeff"])
        #expect(
            infotext.civitaiResources == [
                CivitaiResource(type: "lora", weight: 0.8, modelVersionID: 2, modelName: "a: {b}, [c]"),
                CivitaiResource(type: "lora", weight: 1, modelVersionID: 77, air: "urn:air:sdxl:lora:civitai:5@77"),
            ])
        #expect(infotext.civitaiMetadata?["x"]?.array?.count == 2)
        #expect(infotext.engineMetadata?["a"]?["b"]?.uint64 == 1)
    }

    @Test("JSON inside quotes is the same JSON")
    func quotedJSON() throws {
        let infotext = try read(#"Steps: 20, Seed: 3, Hashes: "{\"model\": \"6ce0161689\"}", Size: 8x8"#)
        #expect(infotext.hashes == ["model": "6ce0161689"])
        #expect(infotext["Hashes"] == nil)
    }

    @Test(
        "broken JSON stays text and harms nothing after it",
        arguments: ["{", "{\"a\":", "[{]", "{}}", "{\"a\": \"b\"", "{} x"])
    func brokenJSON(_ text: String) throws {
        let infotext = try read("a\nSteps: 20, Seed: 3, Hashes: \(text), Size: 8x8")
        #expect(infotext.hashes.isEmpty)
        #expect(infotext["Seed"] == "3")
        #expect(infotext["Size"] == "8x8")
    }

    @Test("what comes after a label of an old extension is dropped")
    func finalLabels() throws {
        let infotext = try read("Steps: 1, Seed: 2, Size: 8x8, Hashed prompt: abc, Model: x")
        #expect(pairs(infotext) == ["Steps=1", "Seed=2", "Size=8x8"])
    }

    @Test("dates with colons are one value")
    func dates() throws {
        #expect(
            try read("Steps: 1, Seed: 2, Created Date: 2024-01-02T03:04:05Z")["Created Date"] == "2024-01-02T03:04:05Z")
    }

    @Test("a short parameter line is filled up so that readers recognise it")
    func padding() throws {
        var infotext = InfotextA1111(prompt: "a", parameters: [try #require(InfotextParameter("Seed", "5"))])
        #expect(infotext.text == "a\nSeed: 5, Clip skip: 1, RNG: GPU")
        #expect(try read(infotext.text)["Seed"] == "5")
        infotext.parameters = []
        #expect(infotext.text == "a")
        infotext.prompt = "xx: 1, yy: 2, zz: 3"
        #expect(try read(infotext.text).prompt == infotext.prompt)
    }

    @Test("prompt lines that would be taken for something else lose a capital")
    func harmless() throws {
        let infotext = InfotextA1111(
            prompt: "a\nNegative prompt: b\nSteps: 20, Seed: 1", negativePrompt: "Template: c\nNegative prompt: d")
        let read = try read(infotext.text)
        #expect(read.prompt == "a\nnegative prompt: b\nsteps: 20, Seed: 1")
        #expect(read.negativePrompt == "template: c\nnegative prompt: d")
    }

    @Test("an accent on a label's last letter does not hide it from this reader, as it does not from A1111's")
    func accentedLabel() throws {
        #expect(try read("a\nNegative prompt:\u{301}b").negativePrompt == "\u{301}b")
    }

    @Test(
        "keys that the grammar cannot carry are refused",
        arguments: ["", "a", "a:", "a,b", " ab", "ab ", "-ab", "a\nb", "a.b"])
    func badKeys(_ key: String) {
        #expect(InfotextParameter(key, "x") == nil)
    }

    @Test("texts over the limit are not read")
    func tooLong() {
        #expect(InfotextA1111(String(repeating: "a", count: Limits.PictureText.infotextBytes + 1)) == nil)
    }

    private let alphabet: [Unicode.Scalar] = [
        "a", "B", "0", " ", " ", ",", ":", "\"", "\\", "\n", "{", "}", "[", "]", "<", ">", "é", "🐝", "\u{301}", "-",
        "(", ")", "\r", "\t",
    ]

    /// A prompt as readers give it back: no white space at the ends of lines, no label at a line's start.
    private func prompt(_ random: inout Seeded) -> String {
        InfotextA1111(prompt: random.text(upTo: 40, from: alphabet)).normalisedPrompt
    }

    @Test("what is written is read back", arguments: UInt64(1)...500)
    func roundTrip(seed: UInt64) throws {
        var random = Seeded(seed)
        var infotext = InfotextA1111(prompt: prompt(&random), negativePrompt: prompt(&random))
        let keys = ["Steps", "Sampler", "Hires/x", "Clip skip", "a1", "Größe", "VAE hash", "_x-y", "Negative"]
        infotext.parameters = (0..<3 + random.below(6)).compactMap { _ in
            InfotextParameter(random.pick(keys), random.text(upTo: 12, from: alphabet))
        }
        for _ in 0..<random.below(3) {
            infotext.hashes[random.text(upTo: 6, from: alphabet)] = random.text(upTo: 6, from: alphabet)
        }
        infotext.civitaiResources = (0..<random.below(3)).map { _ in
            CivitaiResource(
                type: random.pick(["lora", "checkpoint"]), weight: Double(random.below(30)) / 10 - 1,
                modelVersionID: random.next(), modelName: random.text(upTo: 6, from: alphabet))
        }
        if random.chance(1, in: 4) {
            infotext.civitaiMetadata = .array([.string(random.text(upTo: 6, from: alphabet))])
        }
        if random.chance(1, in: 4) { infotext.engineMetadata = .object([]) }
        #expect(try read(infotext.text) == infotext, "seed \(seed): \(infotext.text)")
    }

    @Test("random edits and random texts never crash, and reading is stable", arguments: UInt64(1)...40)
    func fuzz(seed: UInt64) throws {
        var random = Seeded(seed)
        let base =
            #"a <lora:x:1>\nNegative prompt: b\nSteps: 20, Seed: 3, Hashes: {"model": "6ce0161689"}, Lora hashes: "x: aabbccddeeff", Size: 8x8"#
            .replacing("\\n", with: "\n").bytes
        for _ in 0..<100 {
            let text = String(decoding: random.mutated(base), as: UTF8.self)
            guard let infotext = InfotextA1111(text) else { continue }
            let again = try read(infotext.text)
            #expect(
                again.prompt == InfotextA1111(prompt: infotext.prompt).normalisedPrompt,
                "seed \(seed): \(text.debugDescription)")
            #expect(again.hashes == infotext.hashes, "seed \(seed): \(text.debugDescription)")
            _ = Recipe(infotext)
        }
    }
}

extension InfotextA1111 {
    /// The prompt after one trip through the text.
    fileprivate var normalisedPrompt: String {
        InfotextA1111(InfotextA1111(prompt: prompt).text)?.prompt ?? ""
    }
}
