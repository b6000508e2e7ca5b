import Formats
import FoundationEssentials
import Glibc
import SystemPackage
import WaggleProtocol

/// Looks at what an engine left in its folder. The engine may have been taken over by a file, so nothing that lies there is
/// followed, and everything is bounded.
enum PictureCheck {
    /// The picture, when it is what was asked for.
    ///
    /// - Parameters:
    ///   - pixels: the same picture as a portable pixmap, which shows its pixels without a decoder; nil where the engine
    ///     makes none.
    /// - Throws: `badReply`, `wrongSize`, `flatPicture`.
    static func read(png: FilePath, pixels: FilePath?, plan: GenerationPlan) throws(GenerationError) -> [UInt8] {
        if let pixels {
            guard let map = bytes(of: pixels, at: Limits.Generation.pictureBytes) else {
                throw .badReply("there is no picture")
            }
            guard !isFlat(map) else { throw .flatPicture }
        }
        guard let file = bytes(of: png, at: Limits.Generation.pictureBytes) else {
            throw .badReply("there is no picture")
        }
        return try checked(file, plan: plan)
    }

    /// How far a picture is; nil when the next one is being written, or for anything else that lies there.
    static func preview(_ path: FilePath) -> [UInt8]? { bytes(of: path, at: UInt64(Limits.Generation.previewBytes)) }

    /// A PNG file from anywhere, without texts, when it has the size that was asked for.
    static func checked(_ file: [UInt8], plan: GenerationPlan) throws(GenerationError) -> [UInt8] {
        let picture: PNGMetadata
        do {
            picture = try PNGMetadata(file)
        } catch {
            throw .badReply("the picture is no PNG file that can be read")
        }
        guard picture.width == plan.width, picture.height == plan.height else {
            throw .wrongSize(width: picture.width, height: picture.height, asked: "\(plan.width)x\(plan.height)")
        }
        return picture.stripped()
    }

    /// Whether all pixels after the header of a binary pixmap (P6) are equal.
    static func isFlat(_ map: [UInt8]) -> Bool {
        // "P6", width, height, 255, one white space, then three bytes a pixel.
        var (offset, fields) = (0, 0)
        while fields < 4, offset < map.count {
            while offset < map.count, map[offset] > 0x20 { offset += 1 }
            fields += 1
            if fields < 4 { while offset < map.count, map[offset] <= 0x20 { offset += 1 } }
        }
        offset += 1
        guard map.count >= offset + 3 else { return true }
        return map.withUnsafeBytes { bytes in
            let (red, green, blue) = (bytes[offset], bytes[offset + 1], bytes[offset + 2])
            for place in stride(from: offset, to: bytes.count - 2, by: 3)
            where bytes[place] != red || bytes[place + 1] != green || bytes[place + 2] != blue { return false }
            return true
        }
    }

    /// A regular file of a sane size; nil for anything else that may lie there.
    private static func bytes(of path: FilePath, at limit: UInt64) -> [UInt8]? {
        let opened = try? FileDescriptor.open(path, .readOnly, options: [.noFollow, .nonBlocking, .closeOnExec])
        guard let descriptor = opened else { return nil }
        defer { try? descriptor.close() }
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size > 0, status.st_size <= limit
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
