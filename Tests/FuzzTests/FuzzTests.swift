import Digests
import Foundation
import Testing

/// Inputs for every parser of peers' bytes, damaged from a seed.
///
/// `FUZZ_SECONDS` runs each target for so long instead of a fixed number of inputs, `FUZZ_SEED` says where it begins, and
/// `FUZZ_KEEP` names a folder where each target leaves the input that it is at: after a crash, the one that did it.
@Suite("Bytes that peers send")
struct FuzzTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let inputs = 4000

    private static func corpus(_ name: String, here: String = #filePath) throws -> [[UInt8]] {
        let url = URL(filePath: here).deletingLastPathComponent().appending(path: "Corpus/\(name).hex")
        let lines = try String(contentsOf: url, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        return try lines.map { try #require(Hex.decode($0)) }
    }

    @Test("every input of the corpus, and many damaged ones, are read or refused", arguments: FuzzTarget.all)
    func damaged(_ target: FuzzTarget) throws {
        let corpus = try Self.corpus(target.corpus)
        #expect(corpus.count > 3)
        for input in corpus { #expect(target.check(input) == nil, "\(Hex.encode(input))") }

        let seconds = Self.environment["FUZZ_SECONDS"].flatMap { Double($0) }
        let seed = Self.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        let keep = Self.environment["FUZZ_KEEP"].map { URL(filePath: $0).appending(path: target.name + ".hex") }
        let deadline = ContinuousClock.now + .seconds(seconds ?? 0)
        var mutator = Mutator(seed: seed, corpus: corpus)
        var count = 0
        while seconds == nil ? count < Self.inputs : count % 256 != 0 || ContinuousClock.now < deadline {
            let input = mutator.input()
            if let keep { try Data(Hex.encode(input).utf8).write(to: keep) }
            if let problem = target.check(input) {
                Issue.record("\(target.name), seed \(seed), input \(count): \(problem)\n\(Hex.encode(input))")
                return
            }
            count += 1
        }
        if seconds != nil { print("\(target.name): \(count) inputs from seed \(seed)") }
    }
}
