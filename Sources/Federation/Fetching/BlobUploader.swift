public import BlobStore
public import Digests
import FoundationEssentials
import WaggleProtocol

/// Why a blob was not brought to a peer.
public enum UploadError: Error, Sendable {
    case store(BlobError)
    case peer(PeerError)
    /// More unit hashes than one message holds.
    case tooLarge(bytes: UInt64)

    public var message: String {
        switch self {
        case .store(let error): error.description
        case .peer(let error): error.message
        case .tooLarge(let bytes): "\(bytes) bytes are more than can be uploaded; the peer has to fetch them"
        }
    }
}

/// Brings blobs to a peer that cannot dial this node: unit hashes first, then the units that the peer lacks.
public struct BlobUploader: Sendable {
    let store: BlobStore

    public init(store: BlobStore) {
        self.store = store
    }

    /// Returns when the blob is durable at the peer; false when it was there before.
    ///
    /// - Parameter progress: gets the bytes that are there.
    public func upload(
        _ blob: Hash32, to client: NodeClient, progress: @Sendable (UInt64) -> Void = { _ in }
    ) async throws(UploadError) -> Bool {
        do {
            return try await bring(blob, to: client, progress: progress)
        } catch let error as UploadError {
            throw error
        } catch let error as PeerError {
            throw .peer(error)
        } catch let error as BlobError {
            throw .store(error)
        } catch {
            throw .store(.cancelled)
        }
    }

    private func bring(
        _ blob: Hash32, to client: NodeClient, progress: @Sendable (UInt64) -> Void
    ) async throws -> Bool {
        let reader = try await store.open(blob)
        var pieces = WireBlobPieces()
        pieces.size = reader.size
        pieces.piecesRoot = reader.facts.piecesRoot.data
        pieces.units = try await store.unitHashes(blob).map(\.data)
        // 34 bytes a unit in the message.
        guard pieces.units.count <= (Limits.Wire.bodyBytes - 64) / 34 else {
            throw UploadError.tooLarge(bytes: reader.size)
        }
        let there = try await client.beginUpload(blob, pieces)
        // Without a bitmap all is there.
        guard !there.have.isEmpty else { return false }
        let held = UnitSet(there.have, count: pieces.units.count)
        var done = reader.size - min(reader.size, UInt64(held.capacity - held.count) << 20)
        progress(done)
        let unit = UInt64(Limits.Blob.unitBytes)
        let clock = ContinuousClock()
        var portion = UploadPortion()
        for run in held.missing {
            var start = run.lowerBound
            while start < run.upperBound {
                let end = min(start + portion.units, run.upperBound)
                let range = UInt64(start) * unit..<min(reader.size, UInt64(end) * unit)
                let bytes = try await reader.read(range)
                let began = clock.now
                if try await client.upload(blob, range: range, of: reader.size, bytes: bytes) { return true }
                portion.took(clock.now - began)
                done = min(reader.size, done + UInt64(range.count))
                progress(done)
                start = end
                try Task.checkCancellation()
            }
        }
        throw PeerError.malformed(url: client.url.description, detail: "it has every unit and does not say so")
    }
}

/// How many units to send at once: a request must end well within the time that a receiver waits for a body, however slow
/// the line, and be large enough that a fast line does not wait for answers.
struct UploadPortion: Hashable, Sendable {
    private(set) var units = 1

    /// The last portion took so long.
    mutating func took(_ time: Duration) {
        if time < .seconds(4) { units = min(units * 2, Limits.Wire.uploadUnits) }
        if time > .seconds(15) { units = max(units / 2, 1) }
    }
}
