import Formats
public import Sandbox
import WaggleProtocol

/// Makes JPEG and WebP files of pictures, with libvips' tools in the sandbox.
public struct PictureEncoder: Sendable {
    /// What others show that PNG is too large for.
    public enum Format: String, Sendable, Hashable, CaseIterable {
        case jpeg, webp

        /// What libvips calls a file of it, with what is lost of the picture: little.
        fileprivate var file: (name: String, options: String) {
            switch self {
            case .jpeg: ("picture.jpg", "[Q=92,strip,optimize_coding,background=255]")
            case .webp: ("picture.webp", "[Q=90,strip]")
            }
        }

        fileprivate var mediaType: ImageInfo.MediaType {
            switch self {
            case .jpeg: .jpeg
            case .webp: .webp
            }
        }
    }

    public init() {}

    /// The same picture in another format, without texts.
    ///
    /// - Returns: nil when no decoder makes a picture of it.
    /// - Throws: `unavailable`, `noProgram` and `failed` for what is no picture's fault.
    public func encode(_ bytes: [UInt8], as format: Format) async throws(SandboxError) -> [UInt8]? {
        guard ThumbnailMaker.refusal(of: bytes) == nil else { return nil }
        let file = format.file
        do throws(SandboxError) {
            let made = try await VipsRun().run(
                ["copy", "/in", "/out/" + file.name + file.options], on: bytes, makes: file.name,
                limit: Limits.Thumbnail.fileBytes)
            return made.file.flatMap { ImageInfo.sniff($0)?.mediaType == format.mediaType ? $0 : nil }
        } catch {
            switch error {
            case .timedOut, .killed, .tooManyFiles: return nil
            default: throw error
            }
        }
    }
}
