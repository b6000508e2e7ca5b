import BlobStore
import Digests
import Formats
import Logging
import NIOCore
import WaggleProtocol

/// What a signed release says of a file's tensors.
struct SignedWeights: Sendable {
    /// SHA-256 of what follows the header; nil when it does not say.
    let autoV3: Hash32?
    let tensorDigest: Hash32?
}

/// The short cut for a safetensors file whose tensors are here under another header: only the header's units are fetched,
/// and the others put together from the file that is here. Each is verified against the signed root like any other, and the
/// whole file's SHA-256 at the end, so a release that lies about its tensors costs some reading and nothing else.
struct SameWeights: Sendable {
    let store: BlobStore
    let partial: PartialBlob
    let logger: Logger

    private static let unit = UInt64(Limits.Blob.unitBytes)
    private static let atOnce = 4

    /// A file here with the same tensors.
    private struct Twin {
        let reader: BlobReader
        let header: SafetensorsHeader
        /// The bytes after the header are the same, so their order is.
        let isSameOrder: Bool
    }

    /// Takes what can be taken; the bytes that need not be fetched. What goes wrong leaves the download as it is.
    ///
    /// - Parameter fetch: fetches these units; false when that was not possible.
    func take(_ weights: SignedWeights, fetch: (Range<Int>) async -> Bool) async -> UInt64 {
        do {
            guard let twin = try await twin(weights) else { return 0 }
            guard let map = try await map(to: twin, fetch: fetch) else { return 0 }
            return try await copy(map, from: twin.reader)
        } catch {
            logger.info("tensors that are here were of no use", metadata: ["why": "\(error)"])
            return 0
        }
    }

    private func twin(_ weights: SignedWeights) async throws -> Twin? {
        for (hash, isSameOrder) in [(weights.autoV3, true), (weights.tensorDigest, false)] {
            guard let hash else { continue }
            let names =
                isSameOrder
                ? try await store.blobs(withAutoV3: hash) : try await store.blobs(withTensorDigest: hash)
            for name in names where name != partial.sha256 {
                guard let reader = try? await store.open(name), let header = try? await Self.header(of: reader) else {
                    continue
                }
                return Twin(reader: reader, header: header, isSameOrder: isSameOrder)
            }
        }
        return nil
    }

    private static func header(of reader: BlobReader) async throws -> SafetensorsHeader? {
        guard reader.size > 8 else { return nil }
        let first = try await reader.read(0..<8)
        let length = try SafetensorsHeader.length(first8: first.readableBytesView, fileSize: reader.size)
        guard length <= Limits.BlobStore.backgroundHeaderBytes else { return nil }
        let json = try await reader.read(8..<8 + UInt64(length))
        return try SafetensorsHeader(json: Array(json.readableBytesView), fileSize: reader.size)
    }

    /// Gets the header here and finds where everything after it lies in the other file; nil when that saves nothing.
    private func map(to twin: Twin, fetch: (Range<Int>) async -> Bool) async throws -> WeightsMap? {
        let tail = twin.reader.size - twin.header.dataStart
        if twin.isSameOrder {
            guard partial.size >= tail + 8 else { return nil }
            let head = units(upTo: partial.size - tail)
            guard head.upperBound < partial.layer.count, await fetch(head) else { return nil }
            return WeightsMap(tail: tail, of: partial.size, in: twin.reader.size)
        }
        guard partial.layer.count > 1, await fetch(0..<1) else { return nil }
        let first = try await partial.readUnits(0..<1)
        let length = try SafetensorsHeader.length(first8: first.readableBytesView.prefix(8), fileSize: partial.size)
        let head = units(upTo: 8 + UInt64(length))
        guard length <= Limits.BlobStore.backgroundHeaderBytes, head.upperBound < partial.layer.count, await fetch(head)
        else { return nil }
        let bytes = Array(try await partial.readUnits(head).readableBytesView)
        return WeightsMap(try SafetensorsHeader(prefix: bytes, fileSize: partial.size), in: twin.header)
    }

    private func units(upTo end: UInt64) -> Range<Int> { 0..<Int((end + Self.unit - 1) / Self.unit) }

    /// Puts units together; those that turn out to be wrong end it.
    private func copy(_ map: WeightsMap, from reader: BlobReader) async throws -> UInt64 {
        let missing = await partial.missingUnits.joined()
        return try await withThrowingTaskGroup(of: UInt64.self) { group in
            var bytes: UInt64 = 0
            var underWay = 0
            for unit in missing {
                let start = UInt64(unit) * Self.unit
                let range = start..<min(start + Self.unit, partial.size)
                guard let pieces = map.pieces(of: range) else { continue }
                if underWay == Self.atOnce, let done = try await group.next() {
                    bytes += done
                    underWay -= 1
                }
                group.addTask {
                    var buffer = ByteBufferAllocator().buffer(capacity: range.count)
                    for piece in pieces {
                        var part = try await reader.read(piece.source..<piece.source + UInt64(piece.wanted.count))
                        buffer.writeBuffer(&part)
                    }
                    try await partial.write(unit: unit, bytes: buffer.readableBytesView)
                    return UInt64(range.count)
                }
                underWay += 1
            }
            for try await done in group { bytes += done }
            return bytes
        }
    }
}
