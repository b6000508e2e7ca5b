public import Digests
import NIOCore
import NIOPosix
import WaggleProtocol

/// What became of a question for the piece hashes of a blob.
public enum PieceHashes: Hashable, Sendable {
    case ready(PieceDigests)
    /// They are being made; what is done is kept, and the next question goes on from there.
    case underWay(done: Int, of: Int)
    /// So many wait for theirs that this question was not let in.
    case busy
}

extension BlobStore {
    /// The plain hashes of a blob's 1 MiB pieces. The first question reads the blob once, and verifies it in the same
    /// read; later ones are a look-up. One blob is read at a time, for all who ask.
    ///
    /// - Parameter limit: how long to work on it before saying how far it is.
    /// - Throws: `notFound`, `purged`, `changedOnDisk`, `damaged`, `cancelled`, `database`.
    public func pieceHashes(_ hash: Hash32, within limit: Duration) async throws(BlobError) -> PieceHashes {
        try purges.check(hash)
        if let kept = try await completePieces(hash) { return .ready(kept) }
        guard await pieceTurns.take() else { return .busy }
        let result = await hashedPieces(hash, within: limit)
        await pieceTurns.give()
        return try result.get()
    }

    private func completePieces(_ hash: Hash32) async throws(BlobError) -> PieceDigests? {
        try await index.read { db in
            guard let row = try BlobsTable.find(db, hash), let kept = try PieceHashesTable.find(db, hash),
                kept.count == PieceDigests.count(size: row.size)
            else { return nil }
            return kept
        }
    }

    private func hashedPieces(_ hash: Hash32, within limit: Duration) async -> Result<PieceHashes, BlobError> {
        do throws(BlobError) {
            return .success(try await hashPieces(hash, within: limit))
        } catch {
            return .failure(error)
        }
    }

    private func hashPieces(_ hash: Hash32, within limit: Duration) async throws(BlobError) -> PieceHashes {
        let reader = try await open(hash, asUse: false)
        let pass = PiecePass(reader: reader, layer: try await unitHashes(hash))
        // Somebody before may have done it, or a part of it.
        var pieces = try await index.read { try PieceHashesTable.find($0, hash) } ?? PieceDigests()
        let count = PieceDigests.count(size: reader.size)
        let clock = ContinuousClock()
        let end = clock.now + limit
        while pieces.count < count, clock.now < end, !Task.isCancelled {
            let before = pieces
            do throws(BlobError) {
                pieces = try await threads.run { () throws(BlobError) in try pass.extended(before) }
            } catch {
                if case .damaged = error { try await takeOutOfService(reader.facts) }
                throw error
            }
        }
        try await reader.revalidate()
        let made = pieces
        try await index.write { try PieceHashesTable.put($0, hash, made) }
        if Task.isCancelled { throw .cancelled }
        return made.count == count ? .ready(made) : .underWay(done: made.count, of: count)
    }
}

/// Reads, verifies and hashes pieces of one blob. Blocks.
private struct PiecePass: Sendable {
    let reader: BlobReader
    let layer: [Hash32]
    private static let unitsAtOnce = 8

    /// The hashes with those of the next few pieces.
    func extended(_ pieces: PieceDigests) throws(BlobError) -> PieceDigests {
        let units = pieces.count..<min(pieces.count + Self.unitsAtOnce, layer.count)
        let start = UInt64(units.lowerBound) << 20
        let range = start..<min(reader.size, UInt64(units.upperBound) << 20)
        let bytes = try reader.bytes(range)
        var extended = pieces
        let bad = bytes.withUnsafeReadableBytes { buffer -> Int? in
            guard buffer.count == range.count else { return units.lowerBound }
            if let bad = firstBadUnit(in: buffer, from: units.lowerBound, layer: layer, size: reader.size) {
                return bad
            }
            extended.append(buffer)
            return nil
        }
        if let bad { throw .damaged(reader.facts.sha256, badUnits: [bad]) }
        return extended
    }
}
