import BlobStore
import Glibc
import Hummingbird
import NIOCore
import NIOPosix
import SystemPackage
import WaggleProtocol

/// The body of a response that carries a part of a blob: by `sendfile` where that is possible, else in chunks.
///
/// Either way no more than one piece is under way, a reader that stops taking is cut, and the last bytes are sent only
/// when the file is still the one that was hashed: a file of another program that changes meanwhile ends as a broken
/// transfer, never as a complete wrong file.
enum BlobResponder {
    /// Parts up to this size are not worth the detour.
    private static let smallest: UInt64 = 256 << 10
    /// Held back until the file was looked at again.
    private static let tail: UInt64 = 64 << 10

    /// - Parameter pace: asked before each piece.
    static func body(
        _ reader: BlobReader, _ range: Range<UInt64>, on channel: any Channel, at pace: SendingPace
    ) -> ResponseBody {
        body(length: range.count, on: channel) { writer in
            try await write(reader, range, to: &writer, on: channel, at: pace)
        }
    }

    /// Several parts, each after a head of its own.
    static func body(
        _ reader: BlobReader, _ ranges: MultipartRanges, on channel: any Channel, at pace: SendingPace
    ) -> ResponseBody {
        body(length: ranges.length, on: channel) { writer in
            for part in ranges.parts {
                try await writer.write(ByteBuffer(string: ranges.head(part)))
                try await write(reader, part, to: &writer, on: channel, at: pace)
            }
            try await writer.write(ByteBuffer(string: ranges.end))
        }
    }

    private static func body(
        length: Int, on channel: any Channel,
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> ResponseBody {
        ResponseBody(contentLength: length) { writer in
            try await withTaskCancellationHandler {
                try await write(&writer)
                try await writer.finish(nil)
            } onCancel: {
                channel.close(promise: nil)
            }
        }
    }

    private static func write(
        _ reader: BlobReader, _ range: Range<UInt64>, to writer: inout any ResponseBodyWriter,
        on channel: any Channel, at pace: SendingPace
    ) async throws {
        var start = range.lowerBound
        if range.count > smallest, case .file(let descriptor, _) = reader.content, await isPlain(channel) {
            start = range.upperBound - tail
            try await send(descriptor, range.lowerBound..<start, on: channel, at: pace)
        }
        while start < range.upperBound {
            let most = min(Limits.Gateway.chunkBytes, range.upperBound - start)
            let end = start + UInt64(try await pace.take(upTo: Int(most)))
            let chunk = try await reader.read(start..<end)
            try await channel.cuttingStalls { try await writer.write(chunk) }
            start = end
        }
    }

    private static func isPlain(_ channel: any Channel) async -> Bool {
        (try? await channel.pipeline.containsHandler(type: FileRegionHandler.self).get()) != nil
    }

    private static func send(
        _ descriptor: SystemPackage.FileDescriptor, _ range: Range<UInt64>, on channel: any Channel,
        at pace: SendingPace
    ) async throws {
        // The kernel reads through a descriptor of its own, so that nobody else's lifetime matters.
        let own = try descriptor.duplicate()
        let file = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: own.rawValue)
        // Every piece has completed or failed when this runs. A failing close has nobody to tell.
        defer { try? file.close() }
        var start = range.lowerBound
        await prefetch(own, piece(from: start, range))
        while start < range.upperBound {
            let piece = start..<start + UInt64(try await pace.take(upTo: piece(from: start, range).count))
            start = piece.upperBound
            async let next: Void = prefetch(own, Self.piece(from: start, range))
            try await channel.cuttingStalls {
                try await channel.pipeline.triggerUserOutboundEvent(FileRegionHandler.Piece(file: file, range: piece))
                    .get()
            }
            await next
        }
    }

    private static func piece(from start: UInt64, _ range: Range<UInt64>) -> Range<UInt64> {
        start..<min(start + Limits.Gateway.sendfileBytes, range.upperBound)
    }

    /// Has the kernel read ahead, because `sendfile` of what is not in memory would block the event loop.
    private static func prefetch(_ descriptor: SystemPackage.FileDescriptor, _ range: Range<UInt64>) async {
        guard !range.isEmpty else { return }
        let file = descriptor.rawValue
        // Advice: when it fails, sending is slower.
        _ = try? await NIOThreadPool.singleton.runIfActive {
            posix_fadvise(file, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_WILLNEED)
        }
    }
}

extension Channel {
    /// Runs `body` and closes the connection if that takes longer than a reader may stall.
    func cuttingStalls(_ body: () async throws -> Void) async throws {
        let cut = eventLoop.scheduleTask(in: .seconds(Limits.Gateway.stallSeconds)) { self.close(promise: nil) }
        defer { cut.cancel() }
        try await body()
    }
}
