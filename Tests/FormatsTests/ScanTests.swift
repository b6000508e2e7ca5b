import Digests
import Glibc
import Testing

@testable import Formats

/// Pickles put together opcode by opcode.
private enum Opcodes {
    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    static func text(_ text: String) -> [UInt8] { [0x8c, UInt8(text.utf8.count)] + Array(text.utf8) }
    static func stackGlobal(_ module: String, _ name: String) -> [UInt8] { text(module) + text(name) + [0x93] }
    /// A tuple of one text, and `REDUCE`.
    static let call: [UInt8] = text("id") + [0x85, 0x52]
    static func pickle(_ body: [UInt8], protocol version: UInt8 = 4) -> [UInt8] { [0x80, version] + body + [0x2e] }
    static func storage(_ key: String, elements: UInt8) -> [UInt8] {
        [0x28] + text("storage") + global("torch", "FloatStorage") + text(key) + text("cpu") + [
            0x4b, elements, 0x74, 0x51,
        ]
    }
}

private func scan(_ bytes: [UInt8], name: String = "") throws -> FileScanReport {
    try FileScan.scan(BytesInMemory(bytes), name: name)
}

@Suite("What scanners say of files")
struct ScanTests {
    static let evil = Opcodes.pickle(Opcodes.stackGlobal("os", "system") + Opcodes.call)

    @Test("a name that is not allowed is danger, however it is reached")
    func names() throws {
        let system = Opcodes.text("system")
        let bodies: [[UInt8]] = [
            Opcodes.global("os", "system") + Opcodes.call,
            Opcodes.stackGlobal("os", "system") + Opcodes.call,
            // The name lies in the memo, put there twice.
            Opcodes.text("path") + [0x71, 5, 0x30] + system + [0x71, 5, 0x30] + Opcodes.text("os") + [0x68, 5, 0x93]
                + Opcodes.call,
            // What is popped with a mark is not what is used.
            [0x28] + Opcodes.text("collections") + [0x31] + Opcodes.text("os") + system + [0x93] + Opcodes.call,
            // A good name before, and the bad one used.
            Opcodes.stackGlobal("collections", "OrderedDict") + [0x94, 0x30] + Opcodes.stackGlobal("os", "system")
                + [0x94, 0x30, 0x68, 1] + Opcodes.call,
            // A part of a good name.
            Opcodes.stackGlobal("collections", "OrderedDict.fromkeys") + Opcodes.call,
        ]
        for body in bodies {
            let report = try scan(Opcodes.pickle(body))
            #expect(report.verdict == .danger)
            #expect(report.findings.contains { $0.code == .globalNotAllowed })
        }
        // Protocol 0 has no mark.
        #expect(try scan(Array("cos\nsystem\n(S'id'\ntR.".utf8)).verdict == .danger)
        #expect(try scan(Array("(S'id'\nios\nsystem\n.".utf8)).verdict == .danger)
    }

    @Test("a name that is computed, an extension code, and a persistent id that nobody answers are danger")
    func hidden() throws {
        let computed = Opcodes.stackGlobal("builtins", "complex") + Opcodes.call + Opcodes.text("system") + [0x93]
        for (body, code) in [
            (computed, ScanFinding.Code.computedGlobal), ([0x82, 1], .extensionCode), ([0x4e, 0x51], .persistentID),
            (Opcodes.storage("0", elements: 4), .persistentID),
        ] {
            let report = try scan(Opcodes.pickle(body))
            #expect(report.verdict == .danger)
            #expect(report.findings.first?.code == code)
        }
    }

    @Test("what is only named in good files is not called, and what is called gets good arguments")
    func calls() throws {
        let big: [UInt8] = [0x8a, 6, 0, 0, 0, 0, 0, 1]
        for body in [
            Opcodes.global("torch", "FloatStorage") + big + [0x85, 0x52],
            Opcodes.global("builtins", "bytearray") + big + [0x85, 0x52],
            Opcodes.global("builtins", "set") + Opcodes.global("builtins", "range") + big + [0x85, 0x52, 0x85, 0x52],
            Opcodes.global("collections", "OrderedDict") + [0x7d, 0x62],
            Opcodes.global("builtins", "list") + Opcodes.text("x") + [0x61],
        ] {
            #expect(try scan(Opcodes.pickle(body)).verdict == .danger)
        }
        let good = Opcodes.global("collections", "OrderedDict") + [0x29, 0x52, 0x7d, 0x62]
        #expect(try scan(Opcodes.pickle(good)).verdict == .safe)
    }

    @Test("a finding stands when the stream breaks after it, and what follows STOP is looked at")
    func around() throws {
        let call = Opcodes.stackGlobal("os", "system") + Opcodes.call
        #expect(try scan([0x80, 4] + call + [0xff]).verdict == .danger)
        #expect(try scan([0x80, 4] + call).verdict == .danger)
        #expect(try scan(Opcodes.pickle([0x4e]) + Self.evil).verdict == .danger)
        let junk = try scan(Opcodes.pickle([0x4e]) + [0, 0, 0])
        #expect(junk.verdict == .malformed)
        #expect(junk.findings.map(\.code) == [.trailingBytes])
    }

    @Test("bombs, deep streams and broken ones end in a finding")
    func broken() throws {
        #expect(try scan(Opcodes.pickle([0x4e, 0x72, 0xff, 0xff, 0xff, 0x7f])).verdict == .danger)
        let deep = [UInt8](repeating: 0x28, count: 200_000)
        #expect(try scan(Opcodes.pickle(deep)).verdict == .malformed)
        #expect(try scan(Opcodes.pickle([UInt8](repeating: 0x5d, count: 200_000))).verdict == .safe)
        for body: [UInt8] in [
            [0x52], [0x30, 0x30], [0x68, 3], [0x58, 0xff, 0xff, 0xff, 0xff], [0x95, 9, 0, 0, 0, 0, 0, 0, 1],
        ] {
            #expect(try scan(Opcodes.pickle(body)).verdict == .malformed)
        }
        let refused = [UInt8](Array(repeating: Opcodes.global("a", "b"), count: 30_000).joined())
        let report = try scan(Opcodes.pickle(refused))
        #expect(report.verdict == .danger && report.findings.count <= 100)
    }

    @Test("texts and pictures are no pickles, unless they are executed as one")
    func texts() throws {
        for text in [
            "", "# A model\n\nIt makes bees.\n", "I am a text.", "cats\nand\ndogs\n", "{\"a\": 1}", "(c) 2026\n.",
        ] {
            #expect(try scan(Array(text.utf8)).verdict == .safe, "\(text)")
        }
        #expect(try scan(Array("no pickle".utf8), name: "model.ckpt").verdict == .malformed)
    }

    @Test("a header whose length begins like a pickle is a header")
    func lengthLikeAPickle() throws {
        let header = Array(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.utf8)
        for length in [0x80, 0x280, 0x480] {
            let padding = [UInt8](repeating: 0x20, count: length - header.count)
            let prefix = [UInt8(length & 0xff), UInt8(length >> 8), 0, 0, 0, 0, 0, 0]
            let report = try scan(prefix + header + padding + [UInt8](repeating: 0, count: 8), name: "a.safetensors")
            #expect(report.format == .safetensors && report.verdict == .safe, "\(length): \(report)")
        }
    }

    @Test("safetensors files are what their header says")
    func safetensors() throws {
        func file(_ json: String, data: Int) -> [UInt8] {
            let length = UInt64(json.utf8.count)
            return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(json.utf8)
                + [UInt8](repeating: 0, count: data)
        }
        let good = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        #expect(try scan(file(good, data: 8)).verdict == .safe)
        for (json, data) in [
            (good, 9), (good, 7), (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
            (
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#,
                6
            ),
            (
                #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                8
            ),
        ] {
            let report = try scan(file(json, data: data))
            #expect(report.verdict == .malformed)
            #expect(report.format == .safetensors)
        }
        #expect(
            try scan([UInt8](repeating: 0xff, count: 8) + Array("{}".utf8), name: "a.safetensors").verdict == .malformed
        )
    }

    @Test("GGUF headers are read to their end")
    func gguf() throws {
        func little(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count), 8) + Array(text.utf8) }
        func file(template: String = "{{ x }}", offset: UInt64 = 32, data: Int = 40, type: UInt64 = 0) -> [UInt8] {
            var bytes = Array("GGUF".utf8) + little(3, 4) + little(2, 8) + little(2, 8)
            bytes += text("tokenizer.chat_template") + little(8, 4) + text(template)
            bytes += text("general.alignment") + little(4, 4) + little(32, 4)
            bytes += text("a") + little(1, 4) + little(3, 8) + little(type, 4) + little(0, 8)
            bytes += text("b") + little(1, 4) + little(2, 8) + little(0, 4) + little(offset, 8)
            while bytes.count % 32 != 0 { bytes.append(0) }
            return bytes + [UInt8](repeating: 0, count: data)
        }
        #expect(try scan(file()).verdict == .safe)
        #expect(try scan(file(template: "{{ ''.__class__.__mro__ }}")).verdict == .danger)
        for bad in [
            file(offset: 0), file(offset: 64), file(offset: 33), file(data: 39), file(data: 400), file(type: 99),
        ] {
            #expect(try scan(bad).verdict == .malformed)
        }
        for length in 0..<file().count {
            #expect(try scan(Array(file().prefix(length)), name: "a.gguf").verdict == .malformed)
        }
    }

    @Test("no damage to a file stops a scanner, and none makes a bad pickle safe by cutting it")
    func damaged() throws {
        var random = Seeded(10)
        for round in 0..<3000 {
            let body =
                Opcodes.stackGlobal("collections", "OrderedDict") + Opcodes.call + [0x94] + Opcodes.text("x") + [0x85]
            _ = try scan(random.mutated(round.isMultiple(of: 2) ? Opcodes.pickle(body) : Self.evil))
        }
    }
}

@Suite("PDQ")
struct PDQTests {
    private static func picture(_ width: Int, _ height: Int, _ value: (Int, Int) -> Double) -> [UInt8] {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width { pixels += [UInt8](repeating: UInt8(max(0, min(255, value(x, y)))), count: 3) }
        }
        return pixels
    }

    /// Soft spots in places without any order.
    private static func spots(_ x: Int, _ y: Int) -> Double {
        var value = 40.0
        for (column, row, size) in [
            (30, 200, 50), (90, 40, 35), (170, 150, 60), (230, 70, 25), (120, 220, 30), (60, 110, 20),
        ] {
            let (across, down) = (Double(x - column), Double(y - row))
            value += 180 * exp(-(across * across + down * down) / Double(size * size))
        }
        return value
    }

    @Test("half the bits are set, and a smaller copy is near")
    func near() throws {
        let large = try #require(PDQ(pixels: Self.picture(256, 256, Self.spots), width: 256, height: 256))
        let small = try #require(
            PDQ(pixels: Self.picture(128, 128) { Self.spots($0 * 2, $1 * 2) }, width: 128, height: 128))
        #expect(large.hash.words.bytes.reduce(0) { $0 + $1.nonzeroBitCount } == 128)
        #expect(large.hash.distance(to: small.hash) <= 31)
        #expect(PDQHash(hex: large.hash.hex) == large.hash)
        #expect(large.quality > 0)
    }

    @Test("a mirrored or turned picture is one of the eight")
    func turned() throws {
        func hash(_ turn: (Int, Int) -> (Int, Int)) throws -> PDQ {
            let pixels = Self.picture(64, 64) { x, y in
                let place = turn(x, y)
                return Self.spots(place.0 * 4, place.1 * 4)
            }
            return try #require(PDQ(pixels: pixels, width: 64, height: 64))
        }
        let dihedral = try hash { ($0, $1) }.dihedral
        for turn: (Int, Int) -> (Int, Int) in [
            { (63 - $0, $1) }, { ($0, 63 - $1) }, { ($1, $0) }, { (63 - $1, $0) }, { ($1, 63 - $0) },
        ] {
            let turned = try hash(turn).hash
            #expect((dihedral.map { $0.distance(to: turned) }.min() ?? 256) <= 4)
        }
    }

    @Test("a flat picture says nothing")
    func flat() throws {
        #expect(try #require(PDQ(pixels: Self.picture(100, 100) { _, _ in 90 }, width: 100, height: 100)).quality == 0)
        #expect(try #require(PDQ(pixels: Self.picture(2, 2) { _, _ in 90 }, width: 2, height: 2)).quality == 0)
    }
}
