import Accounts
import Operations
import WaggleProtocol

/// What whoever opens an account here types, be they new or from another node.
enum RegistrationFields {
    static func handle(value: String = "") -> FieldView {
        FieldView(
            "account", say("name"), hint: say("a-to-z-0-to-9"), value: value, most: Limits.Accounts.handleBytes,
            isNeeded: true, autocomplete: "username")
    }

    static func passphrase() -> FieldView {
        FieldView(
            "passphrase", say("passphrase"), .passphrase(isNew: true),
            hint: say("at-least-characters-several-words-are", "\(Limits.Accounts.passphraseCharacters)"),
            most: Limits.Accounts.passphraseBytes, isNeeded: true)
    }

    /// What the node asks of whoever wants to be let in.
    static func admission(_ context: OperationContext, invite: String) -> [FieldView] {
        var fields: [FieldView] = []
        let mode = context.registrationMode
        if mode == .invite || !invite.isEmpty {
            fields.append(
                FieldView(
                    "invite", say("invite"), hint: say("somebody-here-gave-it-to-you"), value: invite, most: 200,
                    isNeeded: mode == .invite))
        } else if mode == .application {
            fields.append(
                FieldView(
                    "application", say("who-are-you-and-what-brings"), .text(rows: 4),
                    hint: say("a-person-of-this-node-reads"),
                    most: Limits.Accounts.applicationBytes, isNeeded: true))
        }
        if context.isForAdults {
            fields.append(FieldView("adult", say("i-am-an-adult-where-i"), .box, value: "yes", isNeeded: true))
        }
        return fields
    }

    static func registration(_ typed: Query) -> Registration {
        Registration(
            handle: name(typed["account"]), passphrase: typed["passphrase"] ?? "",
            invite: String((typed["invite"] ?? "").trimmed), application: typed["application"] ?? "")
    }

    /// People type the name as pages show it, and telephones begin it with a capital.
    static func name(_ text: String?) -> String {
        let name = (text ?? "").trimmed.lowercased()
        return name.hasPrefix("@") ? String(name.dropFirst()) : name
    }

    /// The field that a refusal is about.
    static func field(of error: any Error) -> String? {
        switch error as? AccountsError {
        case .badHandle, .handleTaken: "account"
        case .weakPassphrase, .longPassphrase: "passphrase"
        case .inviteNeeded, .badInvite: "invite"
        case .applicationNeeded: "application"
        default: nil
        }
    }
}
