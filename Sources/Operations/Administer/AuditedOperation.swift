import Accounts
public import Administration

/// An operation of somebody who may do more than others: what is asked for is in the audit log before it is done.
public protocol AuditedOperation: Operation {
    /// What it is done to; empty for the node as a whole.
    var auditSubject: String { get }
    /// What is asked for, and why; nothing secret.
    var auditDetail: String { get }
}

extension AuditedOperation {
    public var auditSubject: String { "" }
    public var auditDetail: String { "" }
}

extension Operation {
    /// Runs the operation as command line, API and pages run it: an audited one is written down first, and once more when
    /// it failed. One that cannot be written down is not done.
    public func perform(in context: OperationContext) async throws(OperationError) -> Reply {
        guard let audited = self as? any AuditedOperation else { return try await run(in: context) }
        let (subject, detail) = (audited.auditSubject, audited.auditDetail)
        try await context.note(Self.name, subject, detail)
        do throws(OperationError) {
            return try await run(in: context)
        } catch {
            try? await context.note(Self.name, subject, "not done: \(error.message)")
            throw error
        }
    }
}

extension OperationContext {
    /// Who acts, for the audit log.
    var actor: String { caller.map { "@\($0.handle)" } ?? "operator" }

    fileprivate func note(_ action: String, _ subject: String, _ detail: String) async throws(OperationError) {
        do {
            try await administration.note(actor: actor, action: action, subject: subject, detail: detail)
        } catch {
            throw OperationError(error)
        }
    }

    /// The program's own part.
    ///
    /// - Throws: `failed` where none is.
    func houseKeeping() throws(OperationError) -> any HouseKeeping {
        guard let house else { throw OperationError(.failed, "this is done by a running node alone") }
        return house
    }

    /// Whether something may be said or published here now.
    ///
    /// - Throws: `conflict` while a restored home may not sign, or the operator has the node stand still.
    func checkWritable() throws(OperationError) {
        try signing.check()
        let standing = administration.standing
        switch standing.mode {
        case .normal: return
        case .maintenance where caller.map({ $0.role == .admin }) ?? (guest == nil): return
        case .maintenance, .readOnly: break
        }
        let why = standing.message.isEmpty ? "" : " (\(standing.message))"
        throw OperationError(
            .conflict,
            "this node is in \(standing.mode.rawValue) mode\(why): nothing is published until `waggle mode normal`")
    }
}

extension OperationError {
    public init(_ error: AdministrationError) {
        let code: Code =
            switch error {
            case .database, .cancelled: .failed
            case .limit: .limits
            case .noAnnouncement: .notFound
            }
        self.init(code, error.message)
    }
}
