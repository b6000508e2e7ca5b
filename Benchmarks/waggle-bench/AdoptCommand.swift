import ArgumentParser
import BlobStore
import Digests
import SystemPackage

/// The in-place ingest of a file. The whole process is timed from outside, like the one that it is compared with.
struct AdoptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adopt", abstract: "Index a file where it lies, in a store of its own; prints its SHA-256.")

    @Argument(help: "The file.")
    var file: String

    @Argument(help: "A folder for the store; made when missing.")
    var home: String

    func run() async throws {
        let store = try await BlobStore.open(home: FilePath(home))
        print(try await store.adopt(path: FilePath(file)).sha256.hex)
        try await store.close()
    }
}
