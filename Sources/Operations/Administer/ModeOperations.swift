public import Administration

/// `waggle mode`: whether the node takes part, only shows what it has, or is closed for a while.
public struct SetMode: AuditedOperation {
    public static let name = "mode"
    public var mode: NodeMode
    /// For those who are turned away.
    public var message: String

    public init(mode: NodeMode, message: String = "") {
        self.mode = mode
        self.message = message
    }

    public var auditDetail: String { message.isEmpty ? mode.rawValue : "\(mode.rawValue): \(message)" }

    public func run(in context: OperationContext) async throws(OperationError) -> NodeStanding {
        do {
            return try await context.administration.set(mode, message: message)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle mode` without a word: how it stands.
public struct ShowMode: Operation {
    public static let name = "mode show"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> NodeStanding {
        context.administration.standing
    }
}

/// `waggle announce`: a few words above every page.
public struct Announce: AuditedOperation {
    public static let name = "announce"
    public var text: String
    /// From now; nil for no end.
    public var seconds: UInt64?

    public init(text: String, seconds: UInt64? = nil) {
        self.text = text
        self.seconds = seconds
    }

    public var auditDetail: String { text }

    public func run(in context: OperationContext) async throws(OperationError) -> Announcement {
        do {
            return try await context.administration.announce(
                text, expires: seconds.map { context.now() &+ min($0, 1 << 40) }, by: context.actor)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle announce ls`.
public struct ListAnnouncements: Operation {
    public static let name = "announce ls"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> [Announcement] {
        context.administration.announcements
    }
}

/// `waggle announce rm`.
public struct TakeBackAnnouncement: AuditedOperation {
    public static let name = "announce rm"
    public var id: Int64

    public init(id: Int64) {
        self.id = id
    }

    public var auditSubject: String { "\(id)" }

    public func run(in context: OperationContext) async throws(OperationError) -> Done {
        do {
            try await context.administration.takeBack(announcement: id)
            return Done()
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle audit`: the audit log, newest first.
public struct ShowAudit: Operation {
    public static let name = "audit"
    /// Only lines with a lower number; nil for the newest.
    public var before: Int64?
    public var limit: Int

    public init(before: Int64? = nil, limit: Int) {
        self.before = before
        self.limit = limit
    }

    public struct Reply: Codable, Sendable {
        public let entries: [AuditEntry]
        /// The first line that was changed afterwards; nil when the chain of hashes is whole.
        public let firstBroken: Int64?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        do {
            return Reply(
                entries: try await context.administration.audit(before: before, limit: max(1, min(limit, 10_000))),
                firstBroken: try await context.administration.firstBrokenAuditLine())
        } catch {
            throw OperationError(error)
        }
    }
}
