import Digests
import GRDB
import GRDBSQLite
import PostLog
import Statements
import WaggleProtocol

/// What the batches of a filling leave to its end.
struct FilledRows: Sendable {
    /// Posts that went out of force, of kinds that are found by their post at the end only.
    var hidden: [Hash32: PostKind] = [:]
    /// Authors of images earned room, or lost it, after their images came.
    var hasMovedImages = false
}

/// The end of a filling: everything that is told from several posts, once, from all rows. What comes out is what the
/// same posts would have left behind one by one.
extension Projection {
    /// Whether a line waits for the end. A post that comes into force again has its rows still.
    func leaveToEnd(_ entry: LogEntry) -> Bool {
        switch (entry.post.kind, entry.event) {
        case (.imagePost, .hidden), (.review, .hidden), (.comment, .hidden), (.reaction, .hidden):
            filled.hidden[entry.post.id] = entry.post.kind
            return true
        case (.imagePost, .shown), (.review, .shown), (.comment, .shown), (.reaction, .shown):
            return !filled.hidden.isEmpty && filled.hidden.removeValue(forKey: entry.post.id) != nil
        default:
            return false
        }
    }

    func endFilling() throws {
        // SQLite sorts in memory for as long as the rows fit its cache, and on the second thread what does not.
        try setPageMemory(16 << 20)
        try mapPages()
        try CatalogSchema.makeIndexes(.posts, database)
        for (post, kind) in filled.hidden {
            switch kind {
            case .imagePost: try hideImages(of: post)
            case .review: try hideReview(post)
            case .comment: try hideComment(post)
            default: try hideReaction(post)
            }
        }
        try CatalogSchema.makeIndexes(.slots, database)
        if filled.hasMovedImages { try refreshEarnedImages() }
        filled = FilledRows()
        isFilling = false

        let derived = [
            ReactionTable.derived, SubjectTable.derived, CommentTable.derived, ImageLinkTable.derived,
            ImageTermTable.derived, ActivityTable.derived, ImageTable.derived,
        ]
        for sql in derived { try database.execute(sql: sql) }
        try refreshShelvesOfImagePosts()
        try addTextsOfWorks()
        try CatalogSchema.makeIndexes(.rows, database)
        try ImageCountTable.start(database)
        try setPageMemory(Filling.pageMemory)
        try refreshAllModels()
        try CatalogSchema.makeIndexes(.models, database)
        for row in try database.rows("SELECT DISTINCT author_id FROM models") { staleAuthors.insert(row[0]) }
        try finish()
    }

    /// Has pages that stay as they are read where the system keeps them. Not before: SQLite looks for a file without
    /// pages anew at each that it reads.
    private func mapPages() throws {
        sqlite3_db_cacheflush(database.sqliteConnection)
        try database.execute(sql: "PRAGMA mmap_size = \(1 << 34)")
    }

    private func setPageMemory(_ bytes: Int) throws {
        try database.execute(sql: "PRAGMA cache_size = -\(bytes >> 10)")
    }

    /// In the order of their places, so that each block of a posting list is written once.
    private func refreshAllModels() throws {
        try SearchTable.setWriteMemory(isFilling: true, database)
        var block: Int32 = 0
        for row in try database.rows("SELECT id, place FROM models ORDER BY place") {
            let (id, place): (Int32, Int32) = (row[0], row[1])
            if place / PostingBlock.size != block {
                if searchTexts.count >= SearchTable.filledTexts { try writeTexts() }
                try writePostings()
            }
            block = place / PostingBlock.size
            try refreshModel(id)
            try refreshCounts(id, isIndexed: false)
            try refreshCovers(ofModel: id)
        }
        try writeTexts()
        try SearchTable.setWriteMemory(isFilling: false, database)
    }
}
