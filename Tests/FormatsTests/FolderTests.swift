import Testing
import WaggleProtocol

@testable import Formats

@Suite("Model folders")
struct FolderTests {
    @Test("models are told by their extension in any case, and nothing hidden is one")
    func names() {
        for name in ["a.safetensors", "A.SafeTensors", "x.gguf", "é.ckpt", "v.pt", "u.pth", "a.b.bin"] {
            #expect(ModelFileName.isModel(Array(name.utf8)), "\(name)")
        }
        for name in ["a.png", "safetensors", ".safetensors", ".hidden.safetensors", "a.safetensors.part", "", "a."] {
            #expect(!ModelFileName.isModel(Array(name.utf8)), "\(name)")
        }
        #expect(ModelFileName.isModel([0xff, 0xfe] + Array(".safetensors".utf8)), "a name need not be UTF-8")
    }

    @Test("a folder's name says what is in it, on the way to the file from outside in, in any case")
    func types() {
        #expect(FolderLayout.comfyui.type(of: ["models", "loras", "vae"]) == .lora)
        #expect(FolderLayout.comfyui.type(of: ["Checkpoints", "SDXL"]) == .checkpoint)
        #expect(FolderLayout.comfyui.type(of: ["clip"]) == .textEncoder)
        #expect(FolderLayout.a1111.type(of: ["models", "Stable-diffusion"]) == .checkpoint)
        #expect(FolderLayout.a1111.type(of: ["embeddings"]) == .textualInversion)
        #expect(FolderLayout.comfyui.type(of: ["mine"]) == nil)
        #expect(FolderLayout.flat.type(of: ["loras"]) == nil)
    }

    @Test("what is put into a layout is found there as the same kind, or as the kind that shares its folder")
    func roundTrip() throws {
        for layout in [FolderLayout.comfyui, .a1111] {
            for entry in layout.entries {
                let folder = try #require(layout.folder(for: entry.type))
                let found = try #require(layout.type(of: folder.split(separator: "/").map(String.init)))
                #expect(found == entry.type || layout.folder(for: found) == folder)
            }
        }
        #expect(FolderLayout.a1111.folder(for: .lora) == "models/Lora")
        #expect(FolderLayout.comfyui.folder(for: .other) == nil, "an unknown kind goes nowhere unasked")
    }

    @Test("a folder tells its layout")
    func detect() {
        #expect(FolderLayout.detect { $0 == "models/checkpoints" } == .comfyui)
        #expect(FolderLayout.detect { $0 == "Stable-diffusion" } == .a1111)
        #expect(FolderLayout.detect { _ in false } == .flat)
    }
}

@Suite("extra_model_paths.yaml")
struct ExtraModelPathsTests {
    @Test("the forms of ComfyUI's own example are read")
    func example() throws {
        let list = try ExtraModelPaths(
            yaml: """
                #Rename this to extra_model_paths.yaml

                comfyui:
                     base_path: /data/sd   # the disk
                     # is_default: true
                     checkpoints: models/checkpoints/
                     loras: |
                          models/loras

                          models/LyCORIS
                     vae: "models/my \\\\ vae"
                     clip: ~/clip

                other_ui:
                    base_path: 'it''s/here'
                    loras: lora # mine
                    embeddings: /whole
                    configs:
                """)
        #expect(
            list.folders.map { "\($0.category)=\($0.path)" } == [
                "checkpoints=/data/sd/models/checkpoints/", "loras=/data/sd/models/loras",
                "loras=/data/sd/models/LyCORIS", "vae=/data/sd/models/my \\ vae", "clip=~/clip",
                "loras=it's/here/lora", "embeddings=/whole",
            ])
    }

    @Test(
        "what is not of these forms is refused by its line",
        arguments: [
            ("a: b\n", 1), ("  a: b\n", 1), ("a:\n\tb: c\n", 2), ("a:\n  b: [c, d]\n", 2), ("a:\n  b: &x c\n", 2),
            ("a:\n  b: c\n    d: e\n", 3), ("a:\n  nothing\n", 2), ("a:\n  b: \"c\n", 2), ("a:\n  b: >\n    c\n", 2),
            ("a:\n  b: {c: d}\n", 2), ("a:\n  b: *x\n", 2),
        ])
    func refused(_ yaml: String, _ line: Int) {
        do throws(ExtraModelPathsError) {
            Issue.record("\(try ExtraModelPaths(yaml: yaml).folders)")
        } catch {
            guard case .line(line, _) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test("hostile lists end with an error or a list, and soon")
    func hostile() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "a:", " ", "\n", "\t", "|", ">", "'", "\"", "#", ": ", "\r\n", "\u{301}", "\0", "- ", "{", "base_path: /",
        ]
        for _ in 0..<2000 {
            let text = (0..<40).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            _ = try? ExtraModelPaths(yaml: text)
        }
        #expect(throws: ExtraModelPathsError.tooLarge) {
            try ExtraModelPaths(yaml: String(repeating: "\n", count: Limits.Library.pathListBytes + 1))
        }
        let many = "a:\n" + (0...Limits.Library.extraFolders).map { "  k\($0): v\n" }.joined()
        #expect(throws: ExtraModelPathsError.tooLarge) { try ExtraModelPaths(yaml: many) }
        #expect(throws: Never.self) { try ExtraModelPaths(yaml: "") }
    }
}

@Suite("Templates for names")
struct FileTemplateTests {
    private func path(_ template: String, _ value: String) throws -> [String] {
        try FileTemplate(template).path { $0 == .ext ? "safetensors" : value }
    }

    @Test("fields become their values, and the extension is never left out")
    func fields() throws {
        let values: [FileTemplate.Field: String] = [
            .base: "SDXL 1.0", .name: "Film", .version: "1.1", .ext: "safetensors", .creator: "anna",
        ]
        let template = try FileTemplate("{base}/{creator}/{name} {version}.{ext}")
        #expect(template.path { values[$0] ?? "" } == ["SDXL 1.0", "anna", "Film 1.1.safetensors"])
        #expect(try path("{name}", "a") == ["a.safetensors"])
        #expect(try path("{name}_{hash}", "a") == ["a_a.safetensors"])
    }

    @Test(
        "no value leaves its part of the path",
        arguments: ["..", "../../etc/passwd", "/", "a/b", "", ".", "\0", "a\0b", ".hidden", "~", "CON", "\u{202e}gpj"])
    func hostile(_ value: String) throws {
        for template in ["{base}/{name}.{ext}", "x/{name}/{base}", "{name}{version}/f.{ext}"] {
            let parts = try path(template, value)
            #expect(parts.count == template.split(separator: "/").count)
            for part in parts {
                #expect(!part.isEmpty && part != "." && part != ".." && !part.hasPrefix("."), "\(part)")
                #expect(!part.contains("/") && !part.unicodeScalars.contains("\0") && !part.contains("\u{202e}"))
                #expect(part.utf8.count <= Limits.Blob.fileNameBytes)
            }
        }
        let long = try path("{base}/{name}.{ext}", String(repeating: "ä", count: 5000))
        #expect(long.allSatisfy { $0.utf8.count <= Limits.Blob.fileNameBytes })
        #expect(long.last?.hasSuffix(".safetensors") == true)
    }

    @Test("templates that leave the folder, or name what there is not, are refused")
    func refused() {
        for text in ["", "/a", "a//b", "../a", "a/./b", "a/", "1/2/3/4/5/6/7/8/9"] {
            #expect(throws: FileTemplateError.notRelative, "\(text)") { try FileTemplate(text) }
        }
        #expect(throws: FileTemplateError.unknownField("nme")) { try FileTemplate("{nme}") }
        #expect(throws: FileTemplateError.unclosed) { try FileTemplate("{name") }
    }

    @Test("a mark goes before the extension and keeps the name within its limit")
    func marks() {
        #expect(FileTemplate.marked("film.safetensors", "3f2a") == "film-3f2a.safetensors")
        #expect(FileTemplate.marked("film", "3f2a") == "film-3f2a")
        let long = FileTemplate.marked(String(repeating: "x", count: 243) + ".safetensors", "0123456789")
        #expect(long.utf8.count == 255 && long.hasSuffix("-0123456789.safetensors"))
    }
}
