import Digests
import Formats
import FoundationEssentials
import Glibc
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
    /// Whether nobody waits for what it makes.
    var isIdle = false

    /// The larger copy first, because everything else is quickly made from it. A picture that says nothing of its colours is
    /// sRGB: without that word, libvips takes them for something else on the way and moves them. Shades of grey fit no profile
    /// of colours, and are in sRGB what they are.
    private static let script = """
        vipsthumbnail "$@" --size '640x1280>' --import-profile srgb --export-profile srgb -o '/out/%s-full.tif'
        for file; do
          [ -e "/out/${file##*/}-full.tif" ] && continue
          case "$(vipsheader -f interpretation "$file" 2>/dev/null)" in
            *B_W*|*GREY16*) vipsthumbnail "$file" --size '640x1280>' -o '/out/%s-full.tif';;
          esac
        done
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

    /// Makes the thumbnails of some pictures, in folders of their own inside `folder`.
    ///
    /// A picture that stops the tools takes those after it along; so what is missing is tried again, each by itself, before
    /// it is refused.
    ///
    /// - Throws: `unavailable`, `noProgram` and `failed` for what is no picture's fault.
    func make(_ sources: [Source], in folder: FilePath) async throws(SandboxError) -> [Hash32: Made] {
        var made = try await tried(sources, in: folder)
        guard sources.count > 1 else { return made }
        for source in sources {
            if case .done? = made[source.hash] { continue }
            made.merge(try await tried([source], in: folder)) { $1 }
        }
        return made
    }

    private func tried(_ sources: [Source], in folder: FilePath) async throws(SandboxError) -> [Hash32: Made] {
        let why: String
        do throws(SandboxError) {
            return try await run(sources, in: folder)
        } catch .timedOut(let seconds) {
            why = "its decoder took longer than \(seconds) seconds"
        } catch .killed(let signal) {
            why = "its decoder was stopped (signal \(signal))"
        } catch .tooManyFiles(let limit) {
            why = "its decoder made more than \(limit) files"
        }
        return sources.reduce(into: [:]) { $0[$1.hash] = .refused(why) }
    }

    /// Two folders that nothing wrote to before: a decoder that was taken over may leave anything in the one that it may
    /// write to, links too.
    private func folders(in folder: FilePath) throws(SandboxError) -> (input: FilePath, output: FilePath) {
        let name = "\(UInt64.random(in: .min ... .max))"
        let (input, output) = (folder.appending(name + "-in"), folder.appending(name + "-out"))
        do {
            for path in [input, output] {
                try FileManager.default.createDirectory(
                    atPath: path.string, withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700])
            }
        } catch {
            throw .failed("\(folder): \(error)")
        }
        return (input, output)
    }

    private func run(_ sources: [Source], in folder: FilePath) async throws(SandboxError) -> [Hash32: Made] {
        guard Sandbox.has("vipsthumbnail") else { throw .noProgram("vipsthumbnail") }
        let (input, output) = try folders(in: folder)
        do {
            // Numbers for names: what a picture is called says nothing to the tools.
            for (index, source) in sources.enumerated() {
                try Data(source.bytes).write(to: URL(filePath: input.appending("\(index)").string))
            }
        } catch {
            throw .failed("\(input): \(error)")
        }
        var bounds = Sandbox.Bounds(
            memory: Limits.Thumbnail.memory,
            processorSeconds: Limits.Thumbnail.seconds,
            seconds: Limits.Thumbnail.seconds + sources.count * Limits.Thumbnail.secondsPerPicture,
            fileBytes: Limits.Thumbnail.fileBytes, files: Limits.Thumbnail.files,
            scratchBytes: Limits.Thumbnail.scratchBytes)
        bounds.isIdle = isIdle
        let outcome = try await sandbox.run(
            "sh", ["-c", Self.script, "sh"] + sources.indices.map { "/in/\($0)" },
            bindings: [Sandbox.Binding(input, as: "/in"), Sandbox.Binding(output, as: "/out", writable: true)],
            environment: ["VIPS_BLOCK_UNTRUSTED": "1", "VIPS_CONCURRENCY": "1", "VIPS_WARNING": "0"], bounds: bounds)
        var made: [Hash32: Made] = [:]
        for (index, source) in sources.enumerated() {
            made[source.hash] = Self.result(index, source.hash, output, outcome.output)
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

    /// A regular file of a sane size; nil for anything else that may lie there.
    static func read(_ file: FilePath, limit: Int = Int(Limits.Thumbnail.fileBytes)) -> [UInt8]? {
        let opened = try? FileDescriptor.open(file, .readOnly, options: [.noFollow, .nonBlocking, .closeOnExec])
        guard let descriptor = opened else { return nil }
        defer { try? descriptor.close() }
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= limit
        else { return nil }
        return try? [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, filled in
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
