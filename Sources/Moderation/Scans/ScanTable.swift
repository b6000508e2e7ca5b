import Digests
import Formats
import FoundationEssentials
import GRDB

/// The table of scans in `moderation.db`: one row a file, the newest.
enum ScanTable {
    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE scans (
                    id INTEGER PRIMARY KEY,
                    sha256 BLOB NOT NULL UNIQUE,
                    verdict TEXT NOT NULL,
                    format TEXT NOT NULL,
                    findings TEXT NOT NULL,
                    scanner TEXT NOT NULL,
                    at INTEGER NOT NULL,
                    forms BLOB,
                    quality INTEGER
                );
                CREATE INDEX scans_bad ON scans (verdict, at) WHERE verdict <> 'safe';
                CREATE INDEX scans_pictures ON scans (id) WHERE forms IS NOT NULL;
                """)
    }

    static func keep(_ database: Database, _ row: ScanRow) throws {
        let findings = String(decoding: try JSONEncoder().encode(row.findings), as: UTF8.self)
        let forms = row.picture.map { picture in Data(picture.dihedral.flatMap(\.words.bytes)) }
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO scans (sha256, verdict, format, findings, scanner, at, forms, quality)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (sha256) DO UPDATE SET verdict = excluded.verdict, format = excluded.format,
                    findings = excluded.findings, scanner = excluded.scanner, at = excluded.at,
                    forms = excluded.forms, quality = excluded.quality
                """)
        try statement.execute(
            arguments: [
                row.sha256.data, row.verdict.rawValue, row.format.rawValue, findings, row.scanner, Int64(row.at),
                forms, row.picture?.quality,
            ])
    }

    static func find(_ database: Database, _ hash: Hash32) throws -> ScanRow? {
        let statement = try database.cachedStatement(sql: "SELECT * FROM scans WHERE sha256 = ?")
        return try Row.fetchOne(statement, arguments: [hash.data]).flatMap(row)
    }

    /// Those of the files that these scanners have not looked at.
    static func missing(_ database: Database, _ hashes: [Hash32], by scanner: String) throws -> [Hash32] {
        let statement = try database.cachedStatement(sql: "SELECT 1 FROM scans WHERE sha256 = ? AND scanner = ?")
        return try hashes.filter { try Row.fetchOne(statement, arguments: [$0.data, scanner]) == nil }
    }

    /// What is not safe, the newest first.
    static func bad(_ database: Database, limit: Int) throws -> [ScanRow] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM scans WHERE verdict <> 'safe' ORDER BY at DESC, id DESC LIMIT ?",
            arguments: [limit]
        ).compactMap(row)
    }

    /// Every picture that can be compared, one after another.
    static func pictures(_ database: Database, _ body: (Hash32, PDQ) -> Void) throws {
        let rows = try Row.fetchCursor(
            database, sql: "SELECT sha256, forms, quality FROM scans WHERE forms IS NOT NULL AND quality >= ?",
            arguments: [Blocks.leastQuality])
        while let row = try rows.next() {
            guard let hash = Hash32(row[0] as Data), let picture = picture(row[1], row[2]) else { continue }
            body(hash, picture)
        }
    }

    private static func picture(_ forms: Data?, _ quality: Int?) -> PDQ? {
        guard let forms, let quality, forms.count == 8 * 32 else { return nil }
        let bytes = Array(forms)
        let hashes = stride(from: 0, to: bytes.count, by: 32).compactMap { Hash32(bytes[$0..<$0 + 32]) }
        return PDQ(dihedral: hashes.map { PDQHash(words: $0) }, quality: quality)
    }

    private static func row(_ row: Row) -> ScanRow? {
        guard let hash = Hash32(row["sha256"] as Data), let verdict = ScanVerdict(rawValue: row["verdict"]),
            let format = ScannedFormat(rawValue: row["format"])
        else { return nil }
        let findings = try? JSONDecoder().decode([ScanFinding].self, from: Data((row["findings"] as String).utf8))
        return ScanRow(
            sha256: hash, verdict: verdict, format: format, findings: findings ?? [],
            picture: picture(row["forms"], row["quality"]), scanner: row["scanner"], at: UInt64(row["at"] as Int64))
    }
}
