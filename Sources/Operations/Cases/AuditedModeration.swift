import Moderation

// What is written down of decisions about lists and cases.

extension AddToList: AuditedOperation {
    public var auditSubject: String { list }
    public var auditDetail: String { "\(severity), \(reason): \(subjects.joined(separator: " "))" }
}

extension WithdrawFromList: AuditedOperation {
    public var auditSubject: String { list }
    public var auditDetail: String { subjects.joined(separator: " ") }
}

extension ImportList: AuditedOperation {
    public var auditSubject: String { list }
    public var auditDetail: String { path }
}

extension SubscribeList: AuditedOperation {
    public var auditSubject: String { list }
    public var auditDetail: String {
        [
            mode, grant.map { "may \($0)" }, reasons.map { "reasons \($0.joined(separator: " "))" },
            isShadow.map { $0 ? "shadow" : "no shadow" },
        ].compactMap(\.self).joined(separator: ", ")
    }
}

extension UnsubscribeList: AuditedOperation {
    public var auditSubject: String { list }
}

extension DecideListEntries: AuditedOperation {
    public var auditSubject: String { list }
    public var auditDetail: String {
        "\(isApproved ? "approve" : "reject") \(subjects.isEmpty ? "all" : subjects.joined(separator: " "))"
    }
}

extension UndoList: AuditedOperation {
    public var auditSubject: String { list }
}

extension AllowSubjects: AuditedOperation {
    public var auditDetail: String { "\(isAllowed ? "allow" : "no longer") \(subjects.joined(separator: " "))" }
}

// Who saw a case is on the record, too.

extension ShowCase: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
}

extension AssignCase: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
    public var auditDetail: String { to ?? "" }
}

extension HideCase: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
}

extension DecideCase: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
    public var auditDetail: String {
        [action, reason, sets.joined(separator: " ")].compactMap(\.self).joined(separator: ", ")
    }
}

extension UndoCase: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
    public var auditDetail: String { reason }
}

extension AnswerCaseAppeal: AuditedOperation {
    public var auditSubject: String { number.uppercased() }
    public var auditDetail: String { "\(isUpheld ? "upheld" : "rejected"): \(text)" }
}
