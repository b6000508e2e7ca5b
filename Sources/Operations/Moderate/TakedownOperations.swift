import Accounts
import Digests
import Formats
import Moderation
import SystemPackage

/// A decision in force here, as people and programs read it.
public struct TakedownReport: Codable, Sendable {
    /// "file", "tensors", "post" or "picture".
    public let kind: String
    public let hash: String
    /// Of a picture: bits that may differ.
    public let distance: Int?
    /// The number that a 451 answer names.
    public let caseNumber: String
    public let reason: String
    public let by: String
    /// Unix seconds.
    public let when: UInt64
    /// Purged; else blocked until it is lifted.
    public let isForGood: Bool

    init(_ row: BlockRow) {
        switch row.subject {
        case .exact(let subject): (kind, hash, distance) = (subject.word, subject.hash.hex, nil)
        case .picture(let pdq, let limit): (kind, hash, distance) = ("picture", pdq.hex, limit)
        }
        (caseNumber, reason, by, when, isForGood) = (row.caseNumber, row.reason, row.by, row.when, false)
    }

    init(_ row: PurgeRow) {
        (kind, hash, distance) = (row.subject.word, row.subject.hash.hex, nil)
        (caseNumber, reason, by, when, isForGood) = (row.caseNumber, row.reason, row.by, row.when, true)
    }
}

extension ModerationSubject {
    fileprivate var word: String {
        switch self {
        case .blob: "file"
        case .tensors: "tensors"
        case .post: "post"
        }
    }
}

/// `waggle mod block`: refuses files, tensors, posts and pictures, and answers 451 for what is here, until it is lifted.
public struct BlockSubjects: Operation {
    public static let name = "mod block"
    public var subjects: [String]
    public var reason: String
    /// Of pictures: bits that may differ.
    public var distance: Int?

    public init(subjects: [String], reason: String, distance: Int? = nil) {
        self.subjects = subjects
        self.reason = reason
        self.distance = distance
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [TakedownReport] {
        var wanted: [BlockSubject] = []
        for text in subjects {
            for subject in try await TakedownSubjects(context).all(text, distance: distance)
            where !wanted.contains(subject) {
                wanted.append(subject)
            }
        }
        let rows: [BlockRow]
        do {
            rows = try await context.moderation.block(wanted, reason: reason, by: context.decider, when: context.now())
        } catch {
            throw OperationError(error)
        }
        try await Takedowns(context).reconcile()
        return rows.map(TakedownReport.init)
    }
}

/// `waggle mod unblock`: takes a case, or one subject, back.
public struct UnblockSubjects: Operation {
    public static let name = "mod unblock"
    /// A case number ("B-7"), or a subject.
    public var what: String

    public init(_ what: String) {
        self.what = what
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [TakedownReport] {
        var rows: [BlockRow] = []
        do {
            if context.moderation.blocks.contains(where: { $0.caseNumber == what }) {
                rows = try await context.moderation.unblock(
                    caseNumber: what, by: context.decider, when: context.now())
            } else {
                for subject in (try? TakedownSubjects(context).written(what, distance: nil)) ?? [] {
                    rows += try await context.moderation.unblock(
                        subject: subject, by: context.decider, when: context.now())
                }
            }
        } catch {
            throw OperationError(error)
        }
        guard !rows.isEmpty else {
            throw OperationError(.notFound, "\(what) is not blocked here; `waggle mod ls` shows what is")
        }
        try await Takedowns(context).reconcile()
        return rows.map(TakedownReport.init)
    }
}

/// `waggle mod ls`: everything that was taken down here.
public struct ListTakedowns: Operation {
    public static let name = "mod ls"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [TakedownReport] {
        context.moderation.purges.map(TakedownReport.init) + context.moderation.blocks.map(TakedownReport.init)
    }
}

/// What a purge did.
public struct PurgeReport: Codable, Sendable {
    public let takedowns: [TakedownReport]
    /// Files of other programs with these bytes: out of service, and still on the disk.
    public let adoptedFiles: [String]
    /// Those that were deleted, because that was asked for.
    public let deletedFiles: [String]
}

/// `waggle mod purge`: bytes, small copies and downloads go for good; a row stays, and refuses them everywhere.
public struct PurgeSubjects: Operation {
    public static let name = "mod purge"
    public var subjects: [String]
    public var reason: String
    /// Deletes other programs' files with these bytes, too.
    public var deletesAdopted: Bool

    public init(subjects: [String], reason: String, deletesAdopted: Bool) {
        self.subjects = subjects
        self.reason = reason
        self.deletesAdopted = deletesAdopted
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PurgeReport {
        var wanted: [ModerationSubject] = []
        for text in subjects {
            for subject in try await TakedownSubjects(context).all(text, distance: nil) {
                guard case .exact(let exact) = subject else {
                    throw OperationError(
                        .usage,
                        "a picture's look is no reason to delete: block \(text), and purge files by their SHA-256")
                }
                if !wanted.contains(exact) { wanted.append(exact) }
            }
        }
        let done = try await Takedowns(context).purge(
            PurgeOrder(subjects: wanted, reason: reason, by: context.decider, when: context.now()),
            deletesAdopted: deletesAdopted)
        return PurgeReport(
            takedowns: done.rows.map(TakedownReport.init), adoptedFiles: done.adopted, deletedFiles: done.deleted)
    }
}

extension OperationContext {
    /// Who decides: an account over the web, else the operator.
    var decider: String { caller?.handle ?? (guest == nil ? "operator" : "a visitor") }
}

extension BlockSubject {
    /// As lists name it.
    var named: ListSubject {
        switch self {
        case .exact(let subject): .exact(subject)
        case .picture(let hash, let distance): .picture(hash, distance: distance)
        }
    }
}
