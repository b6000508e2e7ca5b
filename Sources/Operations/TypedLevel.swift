import Moderation

extension Level {
    /// A content level as people type it; the levels that something may be published at, or be filtered by.
    ///
    /// - Throws: `usage` with the words that there are.
    init(typed word: String) throws(OperationError) {
        guard let level = Level(word: word), level < .blocked else {
            throw OperationError(
                .usage, "\"\(word)\" is no level; use one of \(Level.words.joined(separator: ", "))")
        }
        self = level
    }
}
