import CZstd
import Foundation
import Testing
import ledger_replay

@Suite("The reference model's traces")
struct TraceTests {
    /// One trace after another; each begins with its charter. Half are calm and half hostile, with f = 0, 1 and 2.
    private static func traces() throws -> [[Substring]] {
        let path = #filePath.replacing(
            "Tests/LedgerTests/TraceTests.swift", with: "Protocol/vectors/buzz-traces.jsonl.zst")
        let packed = try Array(Data(contentsOf: URL(filePath: path)))
        let size = ZSTD_getFrameContentSize(packed, packed.count)
        try #require(size < 64 << 20)
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { memory, count in
            count = ZSTD_decompress(memory.baseAddress, memory.count, packed, packed.count)
        }
        try #require(bytes.count == Int(size))
        var traces: [[Substring]] = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("{\"charter\"") { traces.append([]) }
            traces[traces.count - 1].append(line)
        }
        return traces
    }

    @Test("every reply and every final state of 204 traces is the model's")
    func replay() async throws {
        let traces = try Self.traces()
        #expect(traces.count >= 200)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for trace in traces {
                group.addTask {
                    var replay = try TraceReplay(charterLine: String(trace[0]))
                    for (number, line) in trace.enumerated().dropFirst() {
                        do {
                            try replay.feed(String(line))
                        } catch {
                            Issue.record("\(trace[0].suffix(40)) line \(number + 1): \(error)")
                            break
                        }
                    }
                    let isFinished = replay.isFinished
                    #expect(isFinished)
                    return replay.inputs
                }
            }
            let inputs = try await group.reduce(0, +)
            #expect(inputs > 30_000)
        }
    }

    @Test("a reply that is not the model's is told apart")
    func difference() throws {
        let trace = try Self.traces()[0]
        let place = try #require(trace.firstIndex { $0.contains("\"INSUFFICIENT\"") })
        var replay = try TraceReplay(charterLine: String(trace[0]))
        for line in trace[1..<place] { try replay.feed(String(line)) }
        let error = #expect(throws: TraceError.self) {
            try replay.feed(String(trace[place]).replacing("\"INSUFFICIENT\"", with: "\"FROZEN\""))
        }
        #expect(error?.isDifference == true)
    }
}
