public import Formats
public import Sandbox
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

    private let isIdle: Bool

    /// - Parameter isIdle: whether nobody waits for it.
    public init(isIdle: Bool = false) {
        self.isIdle = isIdle
    }

    /// - Throws: `unavailable`, `noProgram` and `failed` for what is no picture's fault.
    public func decode(_ bytes: [UInt8]) async throws(SandboxError) -> Decoded {
        switch try await pixels(bytes) {
        case .success(let map):
            guard let pdq = PDQ(pixels: map.pixels, width: map.width, height: map.height) else {
                return .refused("it cannot be decoded")
            }
            return .picture(pdq)
        case .failure(let refusal): return .refused(refusal.why)
        }
    }

    /// Whether a picture has one colour only: what a damaged model draws. Nil when it cannot be decoded.
    ///
    /// - Throws: `unavailable`, `noProgram` and `failed` for what is no picture's fault.
    public func isFlat(_ bytes: [UInt8]) async throws(SandboxError) -> Bool? {
        guard case .success(let map) = try await pixels(bytes) else { return nil }
        return map.isFlat
    }

    private struct Refusal: Error {
        let why: String
    }

    private func pixels(_ bytes: [UInt8]) async throws(SandboxError) -> Result<PixelMap, Refusal> {
        if let why = ThumbnailMaker.refusal(of: bytes) { return .failure(Refusal(why: why)) }
        do throws(SandboxError) {
            let made = try await VipsRun(isIdle: isIdle).run(
                // Whoever compares pictures wants the pixels as they are, and none made up for those that are missing.
                [
                    "thumbnail", "/in", "/out/picture.ppm[strip]", "2048", "--height", "2048", "--size", "down",
                    "--fail-on", "error",
                ], on: bytes, makes: "picture.ppm", limit: Limits.Thumbnail.decodedBytes)
            guard let file = made.file, let map = PixelMap(netpbm: file, side: 2048) else {
                let line = made.output.split(separator: "\n").last.map { ": \($0.prefix(160))" } ?? ""
                return .failure(Refusal(why: "it cannot be decoded\(line)"))
            }
            return .success(map)
        } catch {
            switch error {
            case .timedOut(let seconds):
                return .failure(Refusal(why: "its decoder took longer than \(seconds) seconds"))
            case .killed(let signal):
                return .failure(Refusal(why: "its decoder was stopped (signal \(signal))"))
            default: throw error
            }
        }
    }
}
