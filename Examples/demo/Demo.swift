import ArgumentParser
import Foundation
import UnixSignals

/// `make demo`: two nodes on this machine that publish, mirror and talk, through the same commands that anybody types.
@main
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waggle-demo", abstract: "Starts two nodes with something to look at.")

    @Option(help: "The waggle program.", completion: .file())
    var waggle: String

    @Option(help: "The folder Examples.", completion: .directory)
    var examples = "Examples"

    @Option(help: "Where the homes are made. [default: a new folder for temporary files, removed at the end]")
    var folder: String?

    @Flag(help: "Stop when everything is there, instead of waiting for Ctrl-C.")
    var once = false

    func run() async throws {
        // Trapped before anything starts, so that Ctrl-C at any time ends both nodes and leaves nothing behind.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let root = folder ?? FileManager.default.temporaryDirectory.path + "/waggle-demo-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        let isTemporary = folder == nil
        let stage = try Stage(waggle: waggle, examples: examples, root: root)
        let result: Result<Void, any Error> = await withTaskGroup(of: Result<Void, any Error>.self) { group in
            group.addTask {
                do {
                    try await Script(stage).play()
                    try await Script(stage).end(staysUp: !once)
                    if !once { try await Task.sleep(for: .seconds(1 << 40)) }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                for await _ in signals { break }
                return .success(())
            }
            let first = await group.next() ?? .success(())
            group.cancelAll()
            return first
        }
        tell("\nStopping both nodes …")
        await stage.stop()
        if isTemporary { try? FileManager.default.removeItem(atPath: root) }
        if case .failure(let error) = result {
            FileHandle.standardError.write(Data("waggle-demo: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }
}
