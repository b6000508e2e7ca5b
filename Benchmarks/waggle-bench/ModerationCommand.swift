import ArgumentParser
import Digests
import Formats
import Foundation
import Moderation

/// What lists and scanners cost, each in seconds.
struct ModerationBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moderation", abstract: "Look-ups in a list of 100,000 entries, near pictures, the gate, scanners."
    )

    @Argument(help: "A folder for a database.")
    var folder: String

    func run() async throws {
        let count = 100_000
        let hashes = (0..<count).map { SHA256.hash(Array("\($0)".utf8)) }
        let list = ListID(author: SHA256.hash([1]), slug: "bench")
        let entries = hashes.enumerated().map { number, hash in
            ListEntry(
                subject: number % 2 == 0 ? .exact(.blob(hash)) : .picture(PDQHash(words: hash), distance: 31),
                severity: .block, reason: "spam", basis: .human, post: hash, created: UInt64(number))
        }
        let csv = ListFile.csv(entries.map(ListLine.init))
        measure("read 100,000 lines", per: 1) { _ = try? ListFile.read(csv) }
        let moderation = try Moderation(ceiling: .xxx, path: folder + "/moderation.db")
        let start = ContinuousClock.now
        _ = try await moderation.changePolicy(at: 1) { policy in
            try policy.subscribe(ListSource(id: list), by: "bench", now: 1)
            for entry in entries { policy.take(entry, of: list) }
            try policy.approve(list, by: "bench", now: 1)
        }
        report("approve 100,000 entries, kept", seconds: (ContinuousClock.now - start) / .seconds(1))
        var found = 0
        measure("look-up of a hash", per: count) {
            for hash in hashes where moderation.takedown(of: .blob(hash)) != nil { found += 1 }
        }
        let pictures = hashes.map { PDQHash(words: $0) }
        var effects: [ListSubject: ListEffect] = [:]
        for (number, hash) in pictures.enumerated() {
            effects[.picture(hash, distance: 31)] = ListEffect(action: .block, source: list, entry: entries[number])
        }
        let index = ListEffects(effects) { _ in [] }
        let pixels = (0..<64 * 64 * 3).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 &+ $0 / 192) }
        guard let picture = PDQ(pixels: pixels, width: 64, height: 64) else { return }
        measure("nearest of 100,000 pictures, all eight forms", per: 10) {
            for _ in 0..<10 where index.effect(onPicture: picture) != nil { found += 1 }
        }
        let facts = SubjectFacts(level: .r)
        measure("gate", per: 1_000_000) {
            for _ in 0..<1_000_000 where moderation.visible(.anonymous, facts) == .show { found += 1 }
        }
        let image = [UInt8](repeating: 90, count: 512 * 512 * 3)
        measure("PDQ of 512 x 512", per: 20) {
            for _ in 0..<20 { found += PDQ(pixels: image, width: 512, height: 512)?.quality ?? 0 }
        }
        try scanners()
        print(#"{"name": "found", "value": \#(found), "unit": ""}"#)
    }

    /// A header as large checkpoints have them, and a pickle of arrays with the words between them.
    private func scanners() throws {
        let tensors = (0..<2000).map { SafetensorsWriter.Tensor("model.layers.\($0).weight", .f16, [4]) }
        let file = BytesInMemory(
            try SafetensorsWriter.header(tensors: tensors, metadata: ["title": "bench"]).bytes
                + [UInt8](repeating: 0, count: 2000 * 8))
        measure("safetensors header", per: 20) {
            for _ in 0..<20 { _ = try? FileScan.scan(file, name: "a.safetensors") }
        }
        let pickle = BytesInMemory(Self.pickle)
        let start = ContinuousClock.now
        let isSafe = try FileScan.scan(pickle, name: "a.pkl").verdict == .safe
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print(#"{"name": "pickle scan", "value": \#(isSafe ? Double(pickle.size) / seconds : 0), "unit": "B/s"}"#)
    }

    /// 64 MiB: a list of arrays' bytes, each after a name and some numbers.
    private static let pickle: [UInt8] = {
        var bytes: [UInt8] = [0x80, 3, UInt8(ascii: "]")]
        while bytes.count < 64 << 20 {
            bytes.append(UInt8(ascii: "("))
            for number in 0..<16 {
                let name = Array("layer.\(number).weight".utf8)
                bytes += [UInt8(ascii: "X"), UInt8(name.count), 0, 0, 0] + name
                bytes += [UInt8(ascii: "K"), 64, UInt8(ascii: "K"), 64]
                bytes += [UInt8(ascii: "B"), 0, 0x10, 0, 0] + [UInt8](repeating: UInt8(number), count: 4096)
            }
            bytes.append(UInt8(ascii: "e"))
        }
        return bytes + [UInt8(ascii: ".")]
    }()

    private func measure(_ name: String, per count: Int, _ body: () -> Void) {
        let start = ContinuousClock.now
        body()
        report(name, seconds: (ContinuousClock.now - start) / .seconds(1) / Double(count))
    }

    private func report(_ name: String, seconds: Double) {
        print(#"{"name": "\#(name)", "value": \#(seconds), "unit": "s"}"#)
    }
}
