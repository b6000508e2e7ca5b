/// A page for people who look after a node, as a value: sections with facts, a table and forms. One template shows them all, so
/// that each page says what there is and nothing of how it looks.
struct DeskPage {
    var heading: String
    var lead = ""
    var sections: [DeskSection] = []

    init(_ heading: String, lead: String = "", sections: [DeskSection] = []) {
        self.heading = heading
        self.lead = lead
        self.sections = sections
    }
}

struct DeskSection {
    let sectionID: String
    let sectionTitle: String
    var sectionLead: String?
    var sectionFacts: [FactView] = []
    var columns: [String] = []
    var rows: [DeskRow] = []
    /// Said in the place of a table without rows.
    var empty: String?
    var forms: [DeskForm] = []
    var links: [LinkView] = []
    /// Where the table is searched by name, and what stands in the field.
    var search: (path: String, label: String, sought: String)?

    init(_ id: String, _ title: String, lead: String? = nil) {
        sectionID = id
        sectionTitle = title
        sectionLead = lead
    }

    /// What the template sees: mustache looks at stored properties.
    var view: [String: Any] {
        var view: [String: Any] = [
            "sectionID": sectionID, "sectionTitle": sectionTitle, "hasFacts": !sectionFacts.isEmpty,
            "facts": sectionFacts, "hasRows": !rows.isEmpty, "columns": columns,
            "rows": rows.enumerated().map { $1.view(in: "\(sectionID)-\($0)") },
            "sectionForms": forms.enumerated().map { $1.view(in: "\(sectionID)-form\($0)") },
            "hasLinks": !links.isEmpty, "links": links,
        ]
        if let sectionLead { view["sectionLead"] = sectionLead }
        if let search {
            (view["searchAction"], view["searchLabel"], view["sought"]) = (search.path, search.label, search.sought)
        }
        if rows.isEmpty, let empty { view["empty"] = empty }
        return view
    }
}

struct DeskRow {
    struct Cell {
        let cellText: String
        var cellHref: String?
        /// Something that should not be so.
        var isBad = false
        /// A command or hash, shown as it is typed.
        var isCode = false

        init(_ text: String, href: String? = nil, isBad: Bool = false, isCode: Bool = false) {
            cellText = text
            cellHref = href
            self.isBad = isBad
            self.isCode = isCode
        }
    }

    var cells: [Cell]
    var forms: [DeskForm] = []
    /// What the forms change; they are folded away below it then, so that a long table stays one to read. Nil shows them.
    var folded: String?
    /// Unfolded: somebody is at it.
    var isOpen = false

    func view(in place: String) -> [String: Any] {
        var view: [String: Any] = [
            "cells": cells, "hasRowForms": !forms.isEmpty, "isOpen": isOpen,
            "rowForms": forms.enumerated().map { $1.view(in: "\(place)-\($0)") },
        ]
        if let folded { view["folded"] = folded }
        return view
    }
}

/// A form that asks for one thing to be done.
struct DeskForm {
    let action: String
    let submit: String
    /// Fields that are sent along unseen.
    var hidden: [(String, String)] = []
    var fields: [DeskField] = []
    /// What it is about, for those who only hear the button: "Block https://models.example".
    var label: String?
    var isQuiet = true

    private struct Hidden {
        let hiddenName: String
        let hiddenValue: String
    }

    func view(in place: String) -> [String: Any] {
        var view: [String: Any] = [
            "formAction": action, "submit": submit, "isQuiet": isQuiet,
            "hidden": hidden.map { Hidden(hiddenName: $0.0, hiddenValue: $0.1) },
            "fields": fields.map { $0.view(in: place) },
        ]
        if let label { view["formLabel"] = label }
        return view
    }
}

/// A field of a form, with what is in it.
struct DeskField {
    enum Kind {
        case text
        case number
        case area
        /// One of several, each with a word of explanation.
        case choice([(value: String, title: String, hint: String)])
        /// One of several in little room.
        case menu([String])
        case box
    }

    let name: String
    let label: String
    var kind: Kind
    var value: String
    var hint: String?
    /// Who decides it instead: then it cannot be changed here.
    var lockedBy: String?
    var isRequired = false
    var maxLength = 1000

    init(
        _ name: String, _ label: String, _ kind: Kind = .text, value: String = "", hint: String? = nil,
        lockedBy: String? = nil, isRequired: Bool = false, maxLength: Int = 1000
    ) {
        self.name = name
        self.label = label
        self.kind = kind
        self.value = value
        self.hint = hint
        self.lockedBy = lockedBy
        self.isRequired = isRequired
        self.maxLength = maxLength
    }

    private struct Option {
        let optionID: String
        let optionValue: String
        let optionTitle: String
        let optionHint: String?
        let isChosen: Bool
    }

    /// Several forms of a page may have a field of one name.
    func id(in form: String) -> String {
        let plain = (form + "-" + name).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return String(plain)
    }

    func view(in form: String) -> [String: Any] {
        let id = id(in: form)
        var view: [String: Any] = [
            "fieldID": id, "fieldName": name, "fieldLabel": label, "fieldValue": value, "isRequired": isRequired,
            "maxLength": maxLength, "isLocked": lockedBy != nil,
        ]
        if let hint { view["fieldHint"] = hint }
        if let lockedBy { view["lockedBy"] = lockedBy }
        switch kind {
        case .text: view["isText"] = true
        case .number: view["isNumber"] = true
        case .area: view["isArea"] = true
        case .box: (view["isBox"], view["isChecked"]) = (true, value == "yes")
        case .choice(let options):
            view["isChoice"] = true
            view["options"] = options.map { option in
                Option(
                    optionID: "\(id)-\(option.value.lowercased())", optionValue: option.value,
                    optionTitle: option.title,
                    optionHint: option.hint.isEmpty ? nil : option.hint, isChosen: option.value == value)
            }
        case .menu(let options):
            view["isMenu"] = true
            view["options"] = options.map { option in
                Option(
                    optionID: id, optionValue: option, optionTitle: option, optionHint: nil, isChosen: option == value)
            }
        }
        return view
    }
}
