import FoundationEssentials
import Sandbox
import SystemPackage
import WaggleProtocol

/// One picture that libvips' `vips` turns into one file, in the sandbox: it is `/in` there, and `/out` may be written to.
struct VipsRun {
    /// Whether nobody waits for it.
    var isIdle = false

    /// - Parameters:
    ///   - words: a command of `vips` with its arguments.
    ///   - name: the file in `/out` that it makes.
    ///   - limit: bytes of that file.
    /// - Returns: nil for the file when there is none; what the program said.
    /// - Throws: `noProgram` where libvips' tools are not installed; `timedOut` and `killed` may be the picture's fault.
    func run(
        _ words: [String], on bytes: [UInt8], makes name: String, limit: UInt64
    ) async throws(SandboxError) -> (file: [UInt8]?, output: String) {
        guard Sandbox.has("vips") else { throw .noProgram("vips") }
        let folder = FilePath(FileManager.default.temporaryDirectory.path)
            .appending("waggle-vips-\(UInt64.random(in: .min ... .max))")
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let output = folder.appending("out")
        do {
            for path in [folder, output] {
                try FileManager.default.createDirectory(
                    atPath: path.string, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            }
            try Data(bytes).write(to: URL(filePath: folder.appending("in").string))
        } catch {
            throw .failed("\(folder): \(error)")
        }
        var bounds = Sandbox.Bounds(
            memory: Limits.Thumbnail.memory, processorSeconds: Limits.Thumbnail.seconds,
            seconds: Limits.Thumbnail.seconds + Limits.Thumbnail.secondsPerPicture, fileBytes: limit,
            scratchBytes: Limits.Thumbnail.scratchBytes)
        bounds.isIdle = isIdle
        let outcome = try await Sandbox().run(
            "vips", words,
            bindings: [
                Sandbox.Binding(folder.appending("in"), as: "/in"),
                Sandbox.Binding(output, as: "/out", writable: true),
            ],
            environment: ["VIPS_BLOCK_UNTRUSTED": "1", "VIPS_CONCURRENCY": "1", "VIPS_WARNING": "0"], bounds: bounds)
        guard outcome.exitCode == 0 else { return (nil, outcome.output) }
        return (ThumbnailMaker.read(output.appending(name), limit: Int(limit)), outcome.output)
    }
}
