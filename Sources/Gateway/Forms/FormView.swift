import Accounts

/// A form as a page shows it: what it asks for, what was typed, and what is wrong with it.
///
/// One template draws them all, so that each says what is wrong beside the field that it is wrong in.
struct FormView {
    private(set) var formAction: String
    /// On its button.
    let formSends: String
    private(set) var fields: [FieldView]
    /// What is wrong with no one field.
    private(set) var formTrouble: String?
    /// Sends files.
    let isUpload: Bool
    /// For forms that stand beside others on a page.
    let formLabel: String?
    /// Whose passphrase it asks for: programs that keep passphrases look for the name beside it.
    private(set) var formAccount: String?

    /// - Parameters:
    ///   - action: a path, with what the form is about in its query.
    ///   - typed: what was typed before; where it has nothing of a field, the field's own value stands.
    ///   - trouble: why the form is shown again.
    ///   - label: what it is called beside other forms of a page.
    ///   - id: tells its fields from those of other forms of a page.
    init(
        _ action: String, sends: String, fields: [FieldView], typed: Query? = nil, trouble: FormTrouble? = nil,
        isUpload: Bool = false, label: String? = nil, id: String = "f"
    ) {
        formAction = action
        formSends = sends
        self.isUpload = isUpload
        formLabel = label
        self.fields = fields.enumerated().map { index, field in
            var field = typed.map { field.filled($0) } ?? field
            let isSecond = fields[..<index].contains { $0.fieldName == field.fieldName }
            field.fieldID = "\(id)-\(field.fieldName)\(isSecond ? "-\(index)" : "")"
            return field
        }
        if let trouble {
            if let index = fields.firstIndex(where: { $0.fieldName == trouble.field }) {
                self.fields[index].fieldTrouble = trouble.words
            } else {
                formTrouble = trouble.words
            }
        }
        // A form of somebody who is signed in is theirs, and does its work once.
        if let visitor = PageVisitor.current {
            formAction = PageAddress.adding(FormToken.parameter, FormToken.make(session: visitor.session), to: action)
            if fields.contains(where: \.asksPassphrase) { formAccount = visitor.account.handle }
        }
    }

    /// A page that is this form.
    func content(_ heading: String, lead: String? = nil, crumb: LinkView? = nil) -> [String: Any] {
        var values: [String: Any] = ["heading": heading, "form": self]
        values["lead"] = lead
        values["crumb"] = crumb
        return values
    }
}

/// Why a form is shown again.
struct FormTrouble: Error {
    /// The name of the field; nil for the form as a whole.
    let field: String?
    let words: String

    init(_ words: String, in field: String? = nil) {
        self.field = field
        let words = Self.withoutCommands(words)
        let sentence = words.prefix(1).uppercased() + words.dropFirst()
        self.words = sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
    }
}

extension FormTrouble {
    /// What is said to people at a terminal often ends with the command that helps; whoever reads it on a page has none.
    static func withoutCommands(_ text: String) -> String {
        guard let command = text.firstRange(of: "`waggle "),
            let end = text[..<command.lowerBound].lastIndex(where: { ";:(".contains($0) })
        else { return text }
        return String(text[..<end].trimmed)
    }
}

/// A field of a form.
struct FieldView {
    enum Kind: Equatable {
        case line
        case passphrase(isNew: Bool)
        case number
        case address
        case text(rows: Int)
        case choice
        case box
        case files(isMany: Bool, accepts: String)
    }

    struct Choice {
        let choiceValue: String
        let choiceLabel: String
        fileprivate(set) var isChosen = false

        init(_ value: String, _ label: String? = nil) {
            choiceValue = value
            choiceLabel = label ?? value
        }
    }

    let fieldName: String
    fileprivate(set) var fieldID = ""
    let fieldLabel: String
    let fieldHint: String?
    private(set) var fieldValue: String
    fileprivate(set) var fieldTrouble: String?
    let fieldMost: String?
    let fieldRows: String?
    let fieldType: String
    let fieldAutocomplete: String?
    let fieldAccepts: String?
    let isNeeded: Bool
    let isLine: Bool
    let isText: Bool
    let isChoice: Bool
    let isBox: Bool
    let isFiles: Bool
    let isMany: Bool
    private(set) var isTicked = false
    private(set) var choices: [Choice]
    private let kind: Kind

    /// - Parameters:
    ///   - most: bytes at most; browsers count characters, of which there are no more.
    ///   - value: of a box, what it sends when it is ticked.
    init(
        _ name: String, _ label: String, _ kind: Kind = .line, hint: String? = nil, value: String = "",
        most: Int? = nil, isNeeded: Bool = false, choices: [Choice] = [], isTicked: Bool = false,
        autocomplete: String? = nil
    ) {
        fieldName = name
        fieldLabel = label
        fieldHint = hint
        fieldValue = value
        fieldMost = most.map { "\($0)" }
        self.isNeeded = isNeeded
        self.isTicked = isTicked
        self.kind = kind
        self.choices = choices
        var (type, rows, accepts, isMany): (String, String?, String?, Bool) = ("text", nil, nil, false)
        var completion = autocomplete
        switch kind {
        case .line, .choice, .box: break
        case .passphrase(let isNew):
            type = "password"
            completion = isNew ? "new-password" : "current-password"
        case .number: type = "number"
        case .address: type = "url"
        case .text(let count): rows = "\(count)"
        case .files(let many, let formats):
            isMany = many
            accepts = formats.isEmpty ? nil : formats
        }
        (fieldType, fieldRows, fieldAccepts, self.isMany) = (type, rows, accepts, isMany)
        fieldAutocomplete = completion
        isText = rows != nil
        isChoice = kind == .choice
        isBox = kind == .box
        if case .files = kind { isFiles = true } else { isFiles = false }
        isLine = !isText && !isChoice && !isBox && !isFiles
        choose()
    }

    /// Whether it is for a passphrase, the one so far or a new one.
    var asksPassphrase: Bool {
        if case .passphrase = kind { true } else { false }
    }

    private mutating func choose() {
        for index in choices.indices { choices[index].isChosen = choices[index].choiceValue == fieldValue }
    }

    fileprivate func filled(_ typed: Query) -> FieldView {
        var field = self
        switch kind {
        // Nothing is shown back of a secret; files cannot be.
        case .passphrase, .files: break
        case .box: field.isTicked = typed.values(fieldName).contains(fieldValue)
        default:
            if let value = typed.values(fieldName).first { field.fieldValue = value }
            field.choose()
        }
        return field
    }
}
