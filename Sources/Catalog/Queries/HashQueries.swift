public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// What somebody says the hash of a file is, in any of the forms that tools use, in either case:
/// SHA-256, pieces root or whole AutoV3 (64 digits), AutoV1 or CRC-32 (8), AutoV2 (10, the start of the SHA-256), AutoV3
/// (12, its start; for a file without AutoV3 the start of its SHA-256, as other sites fill that field).
public struct HashClaim: Sendable, Hashable {
    let bytes: [UInt8]

    /// Nil for anything that is none of these forms.
    public init?(_ text: some StringProtocol) {
        guard [8, 10, 12, 64].contains(text.utf8.count), let bytes = Hex.decode(text) else { return nil }
        self.bytes = bytes
    }

    public init(sha256: Hash32) {
        bytes = sha256.bytes
    }

    /// Conditions on `files`, each for one index.
    var conditions: [String] {
        switch bytes.count {
        case 4: ["autov1 = :exact", "crc32 = :number"]
        case 5: ["sha256 BETWEEN :low AND :high"]
        case 6: ["autov3 BETWEEN :low AND :high", "sha256 BETWEEN :low AND :high AND autov3 IS NULL"]
        default: ["sha256 = :exact", "pieces_root = :exact", "autov3 = :exact"]
        }
    }

    func arguments(_ condition: String) -> [String: any DatabaseValueConvertible] {
        var all: [String: any DatabaseValueConvertible] = [:]
        if condition.contains(":exact") { all["exact"] = Data(bytes) }
        if condition.contains(":number") { all["number"] = bytes.reduce(Int64(0)) { $0 << 8 | Int64($1) } }
        if condition.contains(":low") {
            all["low"] = Data(bytes)
            all["high"] = Data(bytes + Array(repeating: 0xff, count: 32 - bytes.count))
        }
        return all
    }
}

/// A file's hash with the numbers of the release that it answers with.
public struct HashMatch: Sendable, Hashable {
    public let sha256: Hash32
    public let releaseID: Int32
    public let modelID: Int32
}

extension Catalog {
    /// Releases with a file of this hash: first those by authors who have earned room here, then the earliest
    /// published, then the lowest number. At most 20.
    public func releases(byHash claim: HashClaim, _ filter: ViewerFilter, detail: ViewDetail = .full)
        async throws(CatalogError) -> [ReleaseView]
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            return try Self.releaseIDs(claim, reader).compactMap { try reader.release($0, detail) }
        }
    }

    /// The first of these releases with its model, as an item of a list shows them, but with all images that a release is
    /// shown with.
    public func version(byHash claim: HashClaim, _ filter: ViewerFilter) async throws(CatalogError)
        -> (release: ReleaseView, model: ModelView)?
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            for id in try Self.releaseIDs(claim, reader) {
                guard let release = try reader.release(id, .item) else { continue }
                return try reader.model(release.modelID, .brief).map { (release, $0) }
            }
            return nil
        }
    }

    private static func releaseIDs(_ claim: HashClaim, _ reader: ViewReader) throws -> [Int32] {
        // Each index names a bounded number of files; authors who earned room first, so that no flood of claims of a
        // file crowds them out.
        let files = claim.conditions.map { condition in
            """
            SELECT * FROM (SELECT release_id, earned FROM files
                WHERE \(condition) AND shelf IN \(reader.shelves)
                ORDER BY earned DESC LIMIT \(Limits.Catalog.filesPerHash))
            """
        }
        let arguments = claim.conditions.reduce(into: [:]) { all, condition in
            all.merge(claim.arguments(condition)) { first, _ in first }
        }
        let candidates = try reader.database.rows(
            """
            SELECT r.id, f.earned, r.created, r.tie
            FROM (\(files.joined(separator: " UNION ALL "))) f CROSS JOIN releases r ON r.id = f.release_id
            """, StatementArguments(arguments)
        ).map { row in (id: row[0] as Int32, order: [-(row[1] as Int64), row[2], row[3], row[0]] as [Int64]) }
        var ids: [Int32] = []
        for candidate in candidates.sorted(by: { $0.order.lexicographicallyPrecedes($1.order) })
        where !ids.contains(candidate.id) {
            ids.append(candidate.id)
            if ids.count == Limits.Catalog.releasesPerHash { break }
        }
        return ids
    }

    /// Releases with a file of these weights under whatever header: first those by authors who have earned room here, then
    /// the earliest published. At most 20.
    public func releases(byTensorDigest digest: Hash32, _ filter: ViewerFilter, detail: ViewDetail = .list)
        async throws(CatalogError) -> [ReleaseView]
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            let ids = try Int32.fetchAll(
                database.cachedStatement(
                    sql: """
                        SELECT DISTINCT r.id
                        FROM (SELECT release_id, earned FROM files
                            WHERE tensor_digest = ? AND shelf IN \(reader.shelves)
                            ORDER BY earned DESC LIMIT \(Limits.Catalog.filesPerHash)) f
                        JOIN releases r ON r.id = f.release_id
                        ORDER BY f.earned DESC, r.created, r.tie, r.id LIMIT \(Limits.Catalog.releasesPerHash)
                        """), arguments: [digest.data])
            return try ids.compactMap { try reader.release($0, detail) }
        }
    }

    /// The best release for each SHA-256 that is known here, in the order asked; unknown ones are left out.
    /// - Parameter hashes: at most 100.
    public func releases(bySHA256 hashes: [Hash32], _ filter: ViewerFilter, detail: ViewDetail = .list)
        async throws(CatalogError) -> [ReleaseView]
    {
        guard hashes.count <= Limits.Catalog.valuesPerFilter else {
            throw .limit("\(hashes.count) hashes, at most \(Limits.Catalog.valuesPerFilter) with whole releases")
        }
        return try await read { database in
            let reader = ViewReader(database, filter)
            return try Self.matches(hashes, reader).compactMap { try reader.release($0.releaseID, detail) }
        }
    }

    /// The numbers of the best release for each SHA-256 that is known here, in the order asked.
    /// - Parameter hashes: at most 10,000.
    public func matches(bySHA256 hashes: [Hash32], _ filter: ViewerFilter) async throws(CatalogError) -> [HashMatch] {
        guard hashes.count <= Limits.Catalog.hashesPerLookup else {
            throw .limit("\(hashes.count) hashes, at most \(Limits.Catalog.hashesPerLookup)")
        }
        return try await read { try Self.matches(hashes, ViewReader($0, filter)) }
    }

    private static func matches(_ hashes: [Hash32], _ reader: ViewReader) throws -> [HashMatch] {
        try hashes.compactMap { hash in
            let row = try reader.database.row(
                """
                SELECT r.id, r.model_id
                FROM (SELECT release_id, earned FROM files WHERE sha256 = ? AND shelf IN \(reader.shelves)
                    ORDER BY earned DESC LIMIT \(Limits.Catalog.filesPerHash)) f
                JOIN releases r ON r.id = f.release_id
                ORDER BY f.earned DESC, r.created, r.tie, r.id LIMIT 1
                """, [hash.data])
            return row.map { HashMatch(sha256: hash, releaseID: $0[0], modelID: $0[1]) }
        }
    }
}
