public import Formats
import FoundationEssentials
import Glibc
public import Sandbox
import SystemPackage
import WaggleProtocol

/// Decodes a picture with libvips' tools in the sandbox, to know that it can be, and what it looks like.
public struct PictureDecoder: Sendable {
    /// What came of it.
    public enum Decoded: Sendable, Hashable {
        /// What it looks like.
        case picture(PDQ)
        /// No decoder makes a picture of it.
        case refused(String)
    }

    /// The largest file that is tried.
    public static let sourceBytes = Limits.Thumbnail.sourceBytes

    private let sandbox = Sandbox()

    public init() {}

    /// - Throws: `unavailable`, `noProgram` and `failed` for what is no picture's fault.
    public func decode(_ bytes: [UInt8]) async throws(SandboxError) -> Decoded {
        if let why = ThumbnailMaker.refusal(of: bytes) { return .refused(why) }
        guard Sandbox.has("vips") else { throw .noProgram("vips") }
        let folder = FilePath(FileManager.default.temporaryDirectory.path)
            .appending("waggle-decode-\(UInt64.random(in: .min ... .max))")
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
        let bounds = Sandbox.Bounds(
            memory: Limits.Thumbnail.memory, processorSeconds: Limits.Thumbnail.seconds,
            seconds: Limits.Thumbnail.seconds + Limits.Thumbnail.secondsPerPicture,
            fileBytes: Limits.Thumbnail.decodedBytes, scratchBytes: Limits.Thumbnail.scratchBytes)
        let outcome: Sandbox.Outcome
        do throws(SandboxError) {
            outcome = try await sandbox.run(
                "vips",
                // Whoever compares pictures wants the pixels as they are, and none made up for those that are missing.
                [
                    "thumbnail", "/in", "/out/picture.ppm[strip]", "2048", "--height", "2048", "--size", "down",
                    "--fail-on", "error",
                ],
                bindings: [
                    Sandbox.Binding(folder.appending("in"), as: "/in"),
                    Sandbox.Binding(output, as: "/out", writable: true),
                ],
                environment: ["VIPS_BLOCK_UNTRUSTED": "1", "VIPS_CONCURRENCY": "1", "VIPS_WARNING": "0"], bounds: bounds
            )
        } catch .timedOut(let seconds) {
            return .refused("its decoder took longer than \(seconds) seconds")
        } catch .killed(let signal) {
            return .refused("its decoder was stopped (signal \(signal))")
        }
        let limit = Int(Limits.Thumbnail.decodedBytes)
        guard outcome.exitCode == 0, let made = ThumbnailMaker.read(output.appending("picture.ppm"), limit: limit),
            let map = PixelMap(netpbm: made, side: 2048),
            let pdq = PDQ(pixels: map.pixels, width: map.width, height: map.height)
        else {
            let line = outcome.output.split(separator: "\n").last.map { ": \($0.prefix(160))" } ?? ""
            return .refused("it cannot be decoded\(line)")
        }
        return .picture(pdq)
    }
}
