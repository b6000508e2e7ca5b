import Digests
import Foundation
import Testing

/// The harness as a process, spoken to in lines.
private final class HarnessProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var pending = Data()

    /// The program beside the test bundle, where the package manager puts both.
    private static let program: URL = {
        let folders = [
            URL(filePath: "/proc/self/exe").resolvingSymlinksInPath(), URL(filePath: CommandLine.arguments[0]),
        ]
        let programs = folders.map { $0.deletingLastPathComponent().appending(path: "negentropy-harness") }
        return programs.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? programs[1]
    }()

    init(frameLimit: Int) throws {
        process.executableURL = Self.program
        process.environment = frameLimit == 0 ? [:] : ["FRAMESIZELIMIT": "\(frameLimit)"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit { process.terminate() }

    func say(_ lines: [String]) throws {
        try input.fileHandleForWriting.write(contentsOf: Data(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Nil at the end of its output.
    func line() -> String? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending = Data(pending[pending.index(after: end)...]) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            pending += more
        }
    }

    func exitCode() throws -> Int32 {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

@Suite("The negentropy harness")
struct NegentropyHarnessTests {
    private static let limits = [0, 0, 4096, 5000, 20_000]

    @Test("two processes come to know exactly what each lacks, with and without frame limits", arguments: 0..<24)
    func converges(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let limits = try (0..<2).map { _ in try #require(Self.limits.randomElement(using: &random)) }
        let sides = try limits.map { try HarnessProcess(frameLimit: $0) }
        var sets: [Set<String>] = [[], []]
        var items: [[String]] = [[], []]
        let share = [0, 1, 50, 98].randomElement(using: &random) ?? 0
        for _ in 0..<Int.random(in: 0...3000, using: &random) {
            let id = Hex.encode(random.bytes(32))
            let item = "item,\(1_677_970_534 + UInt64.random(in: 0..<2000, using: &random)),\(id)"
            let draw = Int.random(in: 0..<100, using: &random)
            for side in 0..<2 where draw < share || draw % 2 == side {
                sets[side].insert(id)
                items[side].append(item)
            }
        }
        for side in 0..<2 { try sides[side].say(items[side].shuffled(using: &random) + ["seal"]) }
        let union = sets[0].union(sets[1])

        try sides[0].say(["initiate"])
        var rounds = 0
        exchange: while true {
            let line = try #require(sides[0].line())
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            switch fields[0] {
            case "have": sets[1].insert(fields[1])
            case "need": sets[0].insert(fields[1])
            case "done": break exchange
            default:
                rounds += 1
                #expect(limits[0] == 0 || fields[1].count / 2 <= limits[0])
                try sides[1].say([line])
                let answer = try #require(sides[1].line())
                #expect(answer.hasPrefix("msg,"))
                #expect(limits[1] == 0 || (answer.count - 4) / 2 <= limits[1])
                try sides[0].say([answer])
            }
        }
        #expect(sets[0] == union, "seed \(seed), limits \(limits), \(rounds) rounds")
        #expect(sets[1] == union, "seed \(seed), limits \(limits), \(rounds) rounds")
        #expect(try sides.map { try $0.exitCode() } == [0, 0])
    }

    @Test("a responder answers another version with its own; nonsense ends the process with status 1")
    func refusals() throws {
        let responder = try HarnessProcess(frameLimit: 0)
        try responder.say(["seal", "msg,62"])
        #expect(responder.line() == "msg,61")
        #expect(try responder.exitCode() == 0)
        for nonsense in ["msg,", "msg,6101", "item,1,00", "sing"] {
            let harness = try HarnessProcess(frameLimit: 0)
            try harness.say(["seal", nonsense])
            #expect(harness.line() == nil)
            #expect(try harness.exitCode() == 1, "\(nonsense)")
        }
    }
}
