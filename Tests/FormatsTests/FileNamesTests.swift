import Formats
import Testing

@Suite("safe file names")
struct FileNamesTests {
    @Test(
        "names are made safe",
        arguments: [
            ("neonfilm-v1.1.safetensors", "neonfilm-v1.1.safetensors"),
            ("../../etc/passwd", "_.._etc_passwd".replacing("..", with: ".")),
            ("..", "file"), ("", "file"), (".", "file"), ("...", "file"), (" . ", "file"), ("-", "file"),
            ("\u{0}", "file"),
            ("-rf", "rf"), (".bashrc", "bashrc"), ("~root", "root"), ("a\u{0}b\u{7}\n.txt", "ab.txt"),
            ("C:\\x\\y.pt", "C__x_y.pt"), ("a*?\"<>|b", "a______b"), ("x. . ", "x"), ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("Com1.safetensors", "_Com1.safetensors"), ("COM\u{b9}", "_COM\u{b9}"), ("lpt9 .x", "_lpt9 .x"),
            ("CONSOLE", "CONSOLE"),
            ("COM10", "COM10"), ("aux.", "_aux"), ("abc\u{202e}gnp.exe", "abcgnp.exe"), ("a\u{200b}\u{feff}b", "ab"),
            ("a\u{2028}b\u{a0}c", "ab c"), ("日本 🐝.png", "日本 🐝.png"), ("a\u{e0041}b", "ab"), ("a\u{3164}b", "ab"),
        ])
    func examples(_ name: String, _ expected: String) {
        #expect(FileNames.sanitised(name) == expected)
    }

    @Test("long names keep their extension and end at a character")
    func long() {
        let name = FileNames.sanitised(String(repeating: "é", count: 300) + ".safetensors")
        #expect(name.hasSuffix("é.safetensors"))
        #expect(name.utf8.count == 254 || name.utf8.count == 255)
        #expect(FileNames.sanitised(String(repeating: "👩🏽", count: 100)).utf8.count == 248)
        let stacked = FileNames.sanitised("a" + String(repeating: "\u{301}", count: 1000) + ".png")
        #expect(stacked.utf8.count <= 255 && stacked.hasSuffix(".png"))
        #expect(FileNames.sanitised("x." + String(repeating: "y", count: 300)).utf8.count == 255)
        #expect(FileNames.sanitised("CON" + String(repeating: " ", count: 300) + ".txt") == "_CON.txt")
    }

    @Test("an accent on a dot does not hide a device name")
    func accentedDot() {
        #expect(FileNames.sanitised("CON.\u{301}txt").hasPrefix("_"))
    }

    @Test("any name becomes one that every file system takes, and stays it", arguments: UInt64(1)...100)
    func properties(seed: UInt64) {
        var random = Seeded(seed)
        let alphabet: [Unicode.Scalar] = [
            ".", ".", " ", "-", "/", "\\", "a", "C", "O", "N", "1", "é", "\u{301}", "🐝", "\u{200d}", "\u{202e}",
            "\u{0}", "\n", "~",
            "_", ":",
        ]
        for _ in 0..<50 {
            let name = random.text(upTo: random.pick([4, 12, 400]), from: alphabet)
            let safe = FileNames.sanitised(name)
            #expect(!safe.isEmpty && safe.utf8.count <= 255, "seed \(seed)")
            #expect(!safe.unicodeScalars.contains { "/\\:\u{0}\n\u{202e}".unicodeScalars.contains($0) }, "seed \(seed)")
            #expect(!safe.utf8.starts(with: ".".utf8) && !safe.utf8.starts(with: "-".utf8), "seed \(seed)")
            #expect(safe.utf8.last != UInt8(ascii: ".") && safe.utf8.last != UInt8(ascii: " "), "seed \(seed)")
            #expect(
                !Array(safe.utf8).indices.dropLast().contains { Array(safe.utf8)[$0...($0 + 1)] == [0x2e, 0x2e] },
                "seed \(seed)")
            let again = FileNames.sanitised(safe)
            #expect(
                again.utf8.elementsEqual(safe.utf8),
                "seed \(seed): \(safe.debugDescription) became \(again.debugDescription)")
        }
    }
}
