import ArgumentParser
import BlobStore
import CWaggleSystem
import Digests
import Glibc
import SystemPackage

/// The cost of the names that the background pass gives to a file, in bytes a second of processor time.
struct NamesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "names",
        abstract: "Hash a file as the background pass does, and its parts alone; prints GB/s of processor time.")

    @Argument(help: "The file.")
    var file: String

    @Argument(help: "A folder for the store; made when missing.")
    var home: String

    func run() async throws {
        let chunk = [UInt8](unsafeUninitializedCapacity: 64 << 20) { bytes, count in
            for index in 0..<64 << 20 { bytes[index] = UInt8(truncatingIfNeeded: index &* 0x9E37_79B9 >> 16) }
            count = 64 << 20
        }
        for (name, allowed) in [("BLAKE3", 1), ("BLAKE3 without vector instructions", 0)] as [(String, CInt)] {
            waggle_allow_instructions(allowed)
            measure(name, bytes: 8 * chunk.count) {
                for _ in 0..<8 { _ = chunk.withUnsafeBytes { BLAKE3.hash($0) } }
            }
        }
        waggle_allow_instructions(1)
        measure("SHA-1 and SHA-256 of pieces", bytes: 8 * chunk.count) {
            var pieces = PieceDigests()
            for _ in 0..<8 { chunk.withUnsafeBytes { pieces.append($0) } }
        }
        let store = try await BlobStore.open(home: FilePath(home))
        let facts = try await store.adopt(path: FilePath(file))
        let start = Self.processorSeconds()
        let done = try await store.computeExtraHashes()
        report("background pass of \(done) file", bytes: Int(facts.size), seconds: Self.processorSeconds() - start)
        try await store.close()
    }

    private func measure(_ name: String, bytes: Int, _ body: () -> Void) {
        let start = Self.processorSeconds()
        body()
        report(name, bytes: bytes, seconds: Self.processorSeconds() - start)
    }

    private func report(_ name: String, bytes: Int, seconds: Double) {
        let rate = (Double(bytes) / seconds / 1e7).rounded() / 100
        print(#"{"name": "\#(name)", "value": \#(rate), "unit": "GB/s"}"#)
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
