public import Formats
import Synchronization
import WaggleProtocol

extension Moderation {
    /// Blocks subjects until somebody lifts it. A subject that is blocked already keeps its row.
    ///
    /// - Parameter caseNumber: nil takes the next free one, "B-1" and so on.
    /// - Returns: the rows in force for the subjects.
    public func block(
        _ subjects: [BlockSubject], caseNumber: String? = nil, reason: String, by: String, when: UInt64
    ) async throws(ModerationError) -> [BlockRow] {
        guard subjects.count <= Limits.Moderation.subjectsPerPurge else {
            throw .limit("\(subjects.count) subjects in one block, at most \(Limits.Moderation.subjectsPerPurge)")
        }
        guard reason.utf8.count <= Limits.Moderation.reasonBytes, by.utf8.count <= Limits.Text.nameBytes, when < 1 << 53
        else { throw .limit("the reason, the name or the time is out of range") }
        let rows = try await store.block(subjects, caseNumber: caseNumber, reason: reason, by: by, when: when)
        blocked.withLock { blocks in for row in rows { blocks.insert(row) } }
        return rows
    }

    /// Takes blocks back: all of a case, or one subject's.
    ///
    /// - Returns: what is no longer blocked; empty when nothing was.
    public func unblock(
        caseNumber: String? = nil, subject: BlockSubject? = nil, by: String, when: UInt64
    ) async throws(ModerationError) -> [BlockRow] {
        let rows = try await store.lift(caseNumber: caseNumber, subject: subject, by: by, when: when)
        blocked.withLock { blocks in for row in rows { blocks.remove(row.subject) } }
        return rows
    }

    /// All blocks in force, the earliest first.
    public var blocks: [BlockRow] {
        blocked.withLock { Array($0.exact.values) + Array($0.pictures.values) }.sorted {
            ($0.when, $0.caseNumber) < ($1.when, $1.caseNumber)
        }
    }

    /// Why something is not shown, served or taken in here, for good or until it is lifted; nil when it is.
    public func takedown(of subject: ModerationSubject) -> Takedown? {
        if let row = purgeRow(for: subject) {
            return Takedown(caseNumber: row.caseNumber, reason: row.reason, isForGood: true)
        }
        if let row = blocked.withLock({ $0.exact[subject] }) {
            return Takedown(caseNumber: row.caseNumber, reason: row.reason, isForGood: false)
        }
        if let listed = listTakedown(of: subject) { return listed }
        guard case .blob(let hash) = subject else { return nil }
        return lookalikes.withLock { $0.hidden[hash] }
    }

    /// The block that a picture looks like.
    public func block(lookingLike picture: PDQ) -> BlockRow? {
        blocked.withLock { $0.picture(picture) }
    }

    /// Whether any file is refused here at all.
    public var refusesFiles: Bool {
        hiddenSubjects.contains { if case .blob = $0 { true } else { false } } || listEffects.hasIndirectFiles
    }

    /// Whether pictures have to be compared at all.
    public var blocksPictures: Bool { blocked.withLock { !$0.pictures.isEmpty } }
}

/// That something was taken down here.
public struct Takedown: Sendable, Hashable {
    public let caseNumber: String
    public let reason: String
    /// Purged; else blocked until somebody lifts it.
    public let isForGood: Bool

    public init(caseNumber: String, reason: String, isForGood: Bool) {
        self.caseNumber = caseNumber
        self.reason = reason
        self.isForGood = isForGood
    }
}
