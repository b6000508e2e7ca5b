import Digests
import Formats
import FoundationEssentials
import Sandbox
import SystemPackage
import WaggleProtocol

/// Makes thumbnails with libvips' tools, apart from everything else: a decoder that a hostile picture takes over has that
/// picture and an empty folder.
struct ThumbnailMaker: Sendable {
    /// A picture to look at.
    struct Source: Sendable {
        let hash: Hash32
        let bytes: [UInt8]
    }

    /// What came of one.
    enum Made: Sendable {
        case done(files: [Thumbnail: FilePath], BlurHash)
        /// Nothing can be made of it, and trying again changes nothing.
        case refused(String)
    }

    let sandbox: Sandbox

    /// The larger copy first, because everything else is quickly made from it.
    private static let script = """
        vipsthumbnail "$@" --size '640x1280>' --export-profile srgb -o '/out/%s-full.tif'
        set -- /out/*-full.tif
        [ -e "$1" ] || exit 0
        vipsthumbnail "$@" --size '640x1280>' -o '/out/%s-640.webp[Q=75,strip,effort=2]'
        vipsthumbnail "$@" --size '640x1280>' -o '/out/%s-640.jpg[Q=80,strip,optimize_coding,background=255]'
        vipsthumbnail "$@" --size '320x640>' -o '/out/%s-320.webp[Q=75,strip,effort=2]'
        vipsthumbnail "$@" --size '320x640>' -o '/out/%s-320.jpg[Q=80,strip,optimize_coding,background=255]'
        vipsthumbnail "$@" --size '32x32>' -o '/out/%s-tiny.ppm'
        exit 0
        """

    /// Why a picture is not even tried; nil for one that is.
    static func refusal(of bytes: [UInt8]) -> String? {
        guard let info = ImageInfo.sniff(bytes) else { return "it is no PNG, JPEG, WebP, GIF or AVIF image" }
        guard bytes.count <= Limits.Thumbnail.sourceBytes else {
            return "it has more than \(Limits.Thumbnail.sourceBytes >> 20) MiB"
        }
        guard let width = info.width, let height = info.height else { return "it does not say how large it is" }
        guard width <= Limits.Thumbnail.side, height <= Limits.Thumbnail.side else {
            return "it is wider or higher than \(Limits.Thumbnail.side) pixels"
        }
        guard width * height <= Limits.Thumbnail.pixels else {
            return "it has more than \(Limits.Thumbnail.pixels / 1_000_000) million pixels"
        }
        return nil
    }

    /// Makes the thumbnails of some pictures, in `folder`, which is empty.
    ///
    /// Each may bring the tools down, and then the others are tried without it.
    ///
    /// - Throws: `unavailable`, `noProgram` and `failed` for what is no picture's fault.
    func make(_ sources: [Source], in folder: FilePath) async throws(SandboxError) -> [Hash32: Made] {
        do throws(SandboxError) {
            return try await run(sources, in: folder)
        } catch .timedOut(let seconds) {
            return try await separately(sources, folder, "its decoder took longer than \(seconds) seconds")
        } catch .killed(let signal) {
            return try await separately(sources, folder, "its decoder was stopped (signal \(signal))")
        }
    }

    private func separately(
        _ sources: [Source], _ folder: FilePath, _ why: String
    ) async throws(SandboxError) -> [Hash32: Made] {
        guard sources.count > 1 else { return sources.reduce(into: [:]) { $0[$1.hash] = .refused(why) } }
        var all: [Hash32: Made] = [:]
        for (index, source) in sources.enumerated() {
            let part = folder.appending("\(index)")
            all.merge(try await make([source], in: part)) { $1 }
        }
        return all
    }

    private func run(_ sources: [Source], in folder: FilePath) async throws(SandboxError) -> [Hash32: Made] {
        let input = folder.appending("in")
        do {
            try FileManager.default.createDirectory(atPath: input.string, withIntermediateDirectories: true)
            // Numbers for names: what a picture is called says nothing to the tools.
            for (index, source) in sources.enumerated() {
                try Data(source.bytes).write(to: URL(filePath: input.appending("\(index)").string))
            }
        } catch {
            throw .failed("\(folder): \(error)")
        }
        let bounds = Sandbox.Bounds(
            memory: Limits.Thumbnail.memory,
            processorSeconds: Limits.Thumbnail.seconds,
            seconds: Limits.Thumbnail.seconds + sources.count * Limits.Thumbnail.secondsPerPicture,
            fileBytes: Limits.Thumbnail.fileBytes, scratchBytes: Limits.Thumbnail.scratchBytes)
        let inside = sources.indices.map { "/in/\($0)" }
        let bindings = [Sandbox.Binding(input, as: "/in"), Sandbox.Binding(folder, as: "/out", writable: true)]
        let outcome = try await sandbox.run(
            "sh", ["-c", Self.script, "sh"] + inside, bindings: bindings,
            environment: ["VIPS_BLOCK_UNTRUSTED": "1", "VIPS_CONCURRENCY": "1", "VIPS_WARNING": "0"], bounds: bounds)
        guard !outcome.output.utf8.starts(with: "sh: 1: vipsthumbnail: not found".utf8) else {
            throw .noProgram("vipsthumbnail")
        }
        var made: [Hash32: Made] = [:]
        for (index, source) in sources.enumerated() {
            made[source.hash] = Self.result(index, source.hash, folder, outcome.output)
        }
        return made
    }

    private static func result(_ index: Int, _ hash: Hash32, _ folder: FilePath, _ output: String) -> Made {
        var files: [Thumbnail: FilePath] = [:]
        for thumbnail in Thumbnail.all(of: hash) {
            let file = folder.appending("\(index)-full-\(thumbnail.size.rawValue).\(thumbnail.format.rawValue)")
            guard let bytes = read(file), ImageInfo.sniff(bytes)?.mediaType.rawValue == thumbnail.format.mediaType
            else {
                return .refused(reason(index, output))
            }
            files[thumbnail] = file
        }
        guard let bytes = read(folder.appending("\(index)-full-tiny.ppm")), let tiny = PixelMap(netpbm: bytes) else {
            return .refused(reason(index, output))
        }
        return .done(files: files, BlurHash(tiny))
    }

    /// The line that the tools printed about a picture.
    private static func reason(_ index: Int, _ output: String) -> String {
        let lines = output.split(separator: "\n")
        guard let place = lines.lastIndex(where: { $0.hasSuffix("/in/\(index)") }), place + 1 < lines.count else {
            return "it cannot be decoded"
        }
        return "it cannot be decoded: \(lines[place + 1].prefix(160))"
    }

    private static func read(_ file: FilePath) -> [UInt8]? {
        guard let descriptor = try? FileDescriptor.open(file, .readOnly, options: [.noFollow, .closeOnExec]) else {
            return nil
        }
        defer { try? descriptor.close() }
        return try? [UInt8](unsafeUninitializedCapacity: Int(Limits.Thumbnail.fileBytes)) { buffer, filled in
            filled = 0
            while filled < buffer.count {
                let got = try descriptor.read(
                    into: UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
                guard got > 0 else { return }
                filled += got
            }
        }
    }
}
