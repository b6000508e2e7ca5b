import BlobStore
import Digests
import Logging
import NIOCore
import WaggleProtocol

/// Fetches a file from plain web servers alone, whose unit hashes nobody could tell.
///
/// Nothing can be checked before all bytes are here: the unit hashes are made from them, and the file is kept when its
/// SHA-256 and its pieces root are the signed ones. So the bytes come from one server at a time, which is to blame for them;
/// a connection that breaks goes on where it was, another server and another start of this node begin anew.
struct WholeFetch: Sendable {
    let store: BlobStore
    let culprits: Culprits
    let logger: Logger

    /// Broken connections without a MiB between them after which a server is left.
    private static let failures = 3

    /// Returns when the blob is durable.
    ///
    /// - Parameter progress: gets the bytes that are here.
    /// - Throws: `BlobError`; `FetchError.sourcesFailed` when no server brought it.
    func run(
        _ wanted: WantedBlob, from mirrors: [HTTPMirror], progress: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        var last = ""
        for mirror in mirrors {
            let incoming = try await store.receive(
                sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot)
            do {
                try await receive(incoming, wanted, from: mirror, progress: progress)
                _ = try await incoming.commit()
                return
            } catch let error as PeerError {
                last = error.message
            } catch BlobError.hashMismatch {
                last = "\(mirror.url) sent another file"
                blame(mirror)
            } catch BlobError.rootMismatch {
                // The bytes have the signed name, so the one who signed the root was wrong.
                throw FetchError.contradiction(wanted.sha256)
            }
        }
        let units = MerkleTree.unitCount(size: wanted.size)
        throw FetchError.sourcesFailed(wanted.sha256, missingUnits: units, last: last)
    }

    private func receive(
        _ incoming: UnverifiedBlob, _ wanted: WantedBlob, from mirror: HTTPMirror,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        var failures = 0
        while case let start = await incoming.byteCount, start < wanted.size {
            do {
                try await mirror.bytes(range: start..<wanted.size, of: wanted.size) { chunk in
                    try await incoming.append(chunk)
                    progress(await incoming.byteCount)
                }
            } catch let error as PeerError {
                // A refusal or nonsense is no accident.
                guard case .unreachable = error else { throw error }
                let came = await incoming.byteCount - start
                failures = came >= UInt64(Limits.Blob.unitBytes) ? 1 : failures + 1
                guard failures < Self.failures else { throw error }
                try await Task.sleep(for: .milliseconds(250 << failures))
            }
        }
    }

    /// Brings what a download still lacks from servers that send nothing but whole files: in one stream, verified unit by unit.
    /// True when all of it is here.
    ///
    /// - Parameter progress: gets the number of units that are missing.
    /// - Throws: `BlobError` when the store refuses.
    func fill(
        _ partial: PartialBlob, from mirrors: [HTTPMirror], progress: @escaping @Sendable (Int) -> Void
    ) async throws -> Bool {
        let count = partial.layer.count
        for mirror in mirrors where mirror.sendsWhole {
            guard let first = await partial.missingUnits.first?.lowerBound else { return true }
            let start = UInt64(first) * UInt64(Limits.Blob.unitBytes)
            let memory = UnitMemory()
            var cutter = UnitCutter(units: first..<count, byteCount: Int(partial.size - start), memory: memory)
            do {
                try await mirror.bytes(range: start..<partial.size, of: partial.size) { chunk in
                    cutter.append(chunk)
                    while let (unit, buffer) = cutter.next() {
                        try await partial.write(unit: unit, bytes: buffer.readableBytesView)
                        memory.give(buffer)
                        progress(count - (await partial.heldUnits.count))
                    }
                }
            } catch let error as PeerError {
                logger.info("a web server broke off", metadata: ["source": "\(mirror.url)", "why": "\(error.message)"])
            } catch BlobError.badUnit {
                blame(mirror)
            }
        }
        return await partial.heldUnits.isFull
    }

    private func blame(_ mirror: HTTPMirror) {
        logger.warning("a web server sent another file", metadata: ["source": "\(mirror.url)"])
        _ = culprits.blame(mirror.host)
    }
}
