import Accounts
import Generation

// What is written down of the operations that only some people may ask for. Nothing secret is: a passphrase, a token or an
// invite is not in what these say.

extension SetAccountRole: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
    public var auditDetail: String { role.rawValue }
}

extension SetAccountState: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
    public var auditDetail: String { state.rawValue }
}

extension ResetPassphrase: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
}

extension NewAccount: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
}

extension NewInvite: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
    public var auditDetail: String { "for \(uses), as \(role.rawValue), good for \(seconds / 3600) h" }
}

extension NewSetupToken: AuditedOperation {}

extension AddPeer: AuditedOperation {
    public var auditSubject: String { url }
}

extension RemovePeer: AuditedOperation {
    public var auditSubject: String { peer }
}

extension BlockPeer: AuditedOperation {
    public var auditSubject: String { node }
    public var auditDetail: String { reason }
}

extension UnblockPeer: AuditedOperation {
    public var auditSubject: String { node }
}

extension ApprovePeer: AuditedOperation {
    public var auditSubject: String { node }
}

extension AddMirror: AuditedOperation {
    public var auditSubject: String { from ?? "any node" }
    public var auditDetail: String { (types + bases + tags + creators).joined(separator: ", ") }
}

extension PauseMirrors: AuditedOperation {
    public var auditSubject: String { n.map { "rule \($0)" } ?? "all rules" }
    public var auditDetail: String { isPaused ? "paused" : "resumed" }
}

extension RemoveMirror: AuditedOperation {
    public var auditSubject: String { "rule \(n)" }
}

extension CollectStore: AuditedOperation {
    public var auditDetail: String {
        (isDryRun ? "a dry run" : "for real") + (lastCopies ? ", last known copies too" : "")
    }
}

extension BlockSubjects: AuditedOperation {
    public var auditSubject: String { subjects.joined(separator: ", ") }
    public var auditDetail: String { reason }
}

extension UnblockSubjects: AuditedOperation {
    public var auditSubject: String { what }
}

extension PurgeSubjects: AuditedOperation {
    public var auditSubject: String { subjects.joined(separator: ", ") }
    public var auditDetail: String { reason + (deletesAdopted ? " (adopted files too)" : "") }
}

extension CreateBackup: AuditedOperation {
    public var auditSubject: String { path }
}

extension ConfirmRestore: AuditedOperation {}

extension SetDrawingMode: AuditedOperation {
    public var auditDetail: String { mode.rawValue }
}

extension SetAccountQuota: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
    public var auditDetail: String { quota ?? "a look" }
}

extension SetUpEngine: AuditedOperation {
    public var auditDetail: String { builds ? EngineInstall.sourcePackage + ", compiled here" : EngineInstall.package }
}

extension PublishDemoModel: AuditedOperation {
    public var auditSubject: String { "@\(account)" }
}

extension FetchResource: AuditedOperation {
    public var auditSubject: String { sha256 }
}
