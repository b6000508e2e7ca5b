import Digests
import Formats
import Testing

@Suite("lint of model files")
struct ModelLintTests {
    private func rules(_ tensors: [(String, [UInt64])], _ metadata: [String: String] = [:]) throws -> [LintFinding.Rule]
    {
        ModelLint.check(try header(tensors, metadata: metadata)).map(\.rule)
    }

    @Test(
        "a path of somebody's machine is found and the account named",
        arguments: [
            ("/home/alice/train/img", "alice"), ("C:\\Users\\Bob Smith\\lora", "Bob Smith"),
            ("c:/users/carol/x", "carol"),
            (#"{"dir": "D:\\Users\\dave\\x"}"#, "dave"), ("/Users/erin/Desktop", "erin"),
            ("see file:///home/frank/x", "frank"),
            ("--out=/home/gina/x", nil), ("/mnt/c/Users/heidi/x", "heidi"), ("a /tmp/x then /home/ivan/y", "ivan"),
        ])
    func users(_ value: String, _ user: String?) throws {
        let findings = ModelLint.check(try header([], metadata: ["ss_training_comment": value]))
        #expect(findings.count == 1)
        #expect(findings.first?.severity == .warning)
        #expect(findings.first?.subject == "ss_training_comment")
        if let user {
            #expect(findings.first?.rule == .leakedUserName)
            #expect(findings.first?.text.contains("“\(user)”") == true)
        }
    }

    @Test(
        "a path without an account is found too",
        arguments: [
            "/workspace/data", "E:\\loras\\x", "\\\\nas\\share\\x", #"["\\\\nas\\share"]"#, "/root/x",
            "/content/drive/x",
        ])
    func paths(_ value: String) throws {
        #expect(try rules([], ["k": value]) == [.leakedPath])
    }

    @Test(
        "what only looks like a path is not",
        arguments: [
            "https://example.com/home/page", "a/home/b", "1:/2", "ratio 3:/4", "text\\nmore\\ttext", "and/or",
            "10_homeless",
            "/", "//", "\\", "C:", "C:\\", "/home/", "https://huggingface.co/data/x", "http://x", "{\"a\":\"b\\\\n\"}",
            "",
        ])
    func noPaths(_ value: String) throws {
        #expect(try rules([], ["k": value]).isEmpty)
    }

    @Test("the texts of a picture give away what those of a model do, an account name before all")
    func pictures() {
        let recipe = chunk("tEXt", "parameters\u{0}saved to /tmp/out".bytes)
        let graph = chunk("tEXt", "workflow".bytes + [0] + #"{"dir":"C:\\Users\\dave\\x"}"#.bytes)
        #expect(PictureText.leak(in: png(before: [recipe, graph]))?.user == "dave")
        #expect(PictureText.leak(in: png(before: [recipe]))?.path == "/tmp/out")
        #expect(PictureText.leak(in: png()) == nil)
    }

    @Test("what the strings of a JSON value give away is found as people read it, wherever it is in there")
    func graphs() throws {
        func leak(_ text: String) throws -> PathLeak? {
            PathLeak.find(in: try JSONValue(python: text.bytes, maximumBytes: 1 << 10, depth: 8, values: 64))
        }
        #expect(try leak(#"{"a": ["/tmp/out", {"b": "C:\\Users\\dave\\x"}]}"#)?.user == "dave")
        #expect(try leak(#"{"a": 1, "/tmp/out": null}"#)?.path == "/tmp/out")
        #expect(try leak(#"{"a": "\/home\/erin\/x"}"#)?.user == "erin")
        #expect(try leak(#"["A:\nB", true]"#) == nil)
    }

    @Test("a value that is nothing but paths is read once")
    func manyPaths() throws {
        let value = String(repeating: "/tmp/x ", count: 1 << 20)
        #expect(try rules([], ["k": value]) == [.leakedPath])
    }

    @Test("a hash in the metadata is a claim: unchecked, true, or different")
    func claims() throws {
        let actual = SHA256.hash("x".bytes)
        let other = SHA256.hash("y".bytes)
        func check(_ claim: String, _ autoV3: Hash32?) throws -> [LintFinding.Rule] {
            try ["modelspec.hash_sha256", "sshs_model_hash"].flatMap {
                ModelLint.check(try header([], metadata: [$0: claim]), autoV3: autoV3).map(\.rule)
            }
        }
        #expect(try check("0x" + actual.hex.uppercased(), nil) == [.hashClaimUnchecked, .hashClaimUnchecked])
        #expect(try check("0x" + actual.hex.uppercased(), actual).isEmpty)
        #expect(try check(String(actual.hex.prefix(12)), actual).isEmpty)
        #expect(try check(other.hex, actual) == [.hashClaimDiffers, .hashClaimDiffers])
        #expect(try check(String(actual.hex.prefix(4)), actual) == [.hashClaimDiffers, .hashClaimDiffers])
    }

    private let good: [(String, [UInt64])] = [
        ("lora_unet_a.lora_down.weight", [4, 8]), ("lora_unet_a.lora_up.weight", [8, 4]), ("lora_unet_a.alpha", []),
    ]

    @Test("an adapter without trigger words is noted, with what the captions say")
    func triggerWords() throws {
        let findings = ModelLint.check(
            try header(good, metadata: ["ss_tag_frequency": #"{"a":{"neon":3,"rain":2}}"#]))
        #expect(findings.map(\.rule) == [.missingTriggerWords])
        #expect(findings[0].severity == .note)
        #expect(findings[0].text.contains("“neon”, “rain”"))
        #expect(try rules(good, ["modelspec.trigger_phrase": "neon"]).isEmpty)
        #expect(try rules([("emb_params", [1, 768])]).isEmpty)
    }

    @Test("adapters that crash engines are errors and come first")
    func adapters() throws {
        let phrase = ["modelspec.trigger_phrase": "x"]
        #expect(try rules([good[0], good[2]]) == [.adapterUnpaired, .missingTriggerWords])
        #expect(try rules([good[1]], phrase) == [.adapterUnpaired])
        #expect(try rules([good[0], ("lora_unet_a.lora_up.weight", [8, 5])], phrase) == [.adapterRankMismatch])
        #expect(
            try rules([("lora_unet_a.lora_down.weight", [0, 8]), ("lora_unet_a.lora_up.weight", [8, 0])], phrase) == [
                .adapterRankMismatch
            ])
        #expect(try rules([good[0], ("lora_unet_a.lora_up.weight", [8])], phrase) == [.adapterBadShape])
        #expect(try rules([good[0], good[1], ("lora_unet_a.alpha", [2])], phrase) == [.adapterBadShape])
        #expect(try rules([good[0], good[1], ("lora_unet_a.alpha", [1])], phrase).isEmpty)
        #expect(try rules([("lora_unet_a.alpha", [])]).isEmpty)
    }

    @Test("LoHa, LoKr and Tucker forms are checked by their own rules")
    func relatives() throws {
        let phrase = ["modelspec.trigger_phrase": "x"]
        func module(_ parts: [(String, [UInt64])]) -> [(String, [UInt64])] {
            parts.map { ("lora_unet_a." + $0.0, $0.1) }
        }
        let loha = module([
            ("hada_w1_a", [8, 2]), ("hada_w1_b", [2, 9]), ("hada_w2_a", [8, 2]), ("hada_w2_b", [2, 9]),
        ])
        #expect(try rules(loha, phrase).isEmpty)
        #expect(try rules(Array(loha.prefix(2)), phrase) == [.adapterUnpaired])
        #expect(try rules(Array(loha.dropLast()) + module([("hada_w2_b", [3, 9])]), phrase) == [.adapterRankMismatch])
        let tucker = module([
            ("hada_t1", [2, 2, 3, 3]), ("hada_w1_a", [2, 8]), ("hada_w1_b", [2, 9]), ("hada_t2", [2, 2, 3, 3]),
            ("hada_w2_a", [2, 8]), ("hada_w2_b", [2, 9]),
        ])
        #expect(try rules(tucker, phrase).isEmpty)
        #expect(ModelDraft(try header(tucker)).survey.adapter?.kind == .loha)
        let lokr = module([("lokr_w1", [4, 4]), ("lokr_w2_a", [8, 2]), ("lokr_w2_b", [2, 9])])
        #expect(try rules(lokr, phrase).isEmpty)
        #expect(try rules(Array(lokr.prefix(1)), phrase) == [.adapterUnpaired])
        #expect(ModelDraft(try header(lokr)).survey.adapter?.kind == .lokr)
        let mid = module([
            ("lora_down.weight", [4, 9, 1, 1]), ("lora_mid.weight", [4, 4, 3, 3]), ("lora_up.weight", [8, 4, 1, 1]),
        ])
        #expect(try rules(mid, phrase).isEmpty)
        #expect(ModelDraft(try header(mid)).survey.adapter?.kind == .locon)
    }

    @Test("of ten thousand broken modules a few are named and all are counted")
    func many() throws {
        let tensors = (0..<10_000).map { ("m\($0).lora_down.weight", [UInt64(1), 1]) }
        let findings = ModelLint.check(try header(tensors, metadata: ["modelspec.trigger_phrase": "x"]))
        #expect(findings.count == AdapterSurvey.listed + 1)
        #expect(findings.last?.text == "\(10_000 - AdapterSurvey.listed) more modules have such problems.")
    }

    @Test("pickles are errors, unknown containers warnings")
    func formats() {
        #expect(ModelLint.check(.pickle).map(\.severity) == [.error])
        #expect(ModelLint.check(.torchArchive).map(\.rule) == [.pickle])
        #expect(ModelLint.check(.zip).map(\.severity) == [.warning])
        #expect(ModelLint.check(.safetensors).isEmpty)
        #expect(ModelLint.check(.gguf).isEmpty)
    }

    @Test("containers are recognised by their bytes")
    func sniffing() throws {
        func sniff(_ prefix: [UInt8], _ suffix: [UInt8] = []) -> ModelFormat {
            ModelFormat.sniff(prefix: prefix, suffix: suffix, fileSize: 1000)
        }
        let safetensors = try SafetensorsWriter.header(tensors: [], metadata: [:])
        #expect(sniff(safetensors.bytes) == .safetensors)
        #expect(sniff("GGUF\u{3}".bytes) == .gguf)
        #expect(sniff("PK\u{3}\u{4}....archive/data.pkl".bytes) == .torchArchive)
        #expect(sniff("PK\u{3}\u{4}....archive/x".bytes, "PK\u{1}\u{2}archive/data.pkl".bytes) == .torchArchive)
        #expect(sniff("PK\u{3}\u{4}....img/1.png".bytes) == .zip)
        #expect(sniff([0x80, 2, 0x8a, 10]) == .pickle)
        #expect(sniff([]) == .other)
        #expect(sniff([0x80]) == .other)
        #expect(sniff("<html>".bytes) == .other)
        #expect(sniff([0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x7b]) == .other, "a header longer than the file")
        #expect(ModelFormat.safetensors.word == "SafeTensor")
        #expect(ModelFormat.pickle.word == "PickleTensor")
        #expect(ModelFormat.torchArchive.word == "PickleTensor")
        #expect(ModelFormat.gguf.word == "GGUF")
        #expect(ModelFormat.zip.word == "Other")
    }
}
