import Administration
import Operations
import WaggleProtocol

/// The words and fields of the steps of setting up.
struct SetupFields {
    let settings: [SettingDescription]
    /// What was typed and not accepted; nil shows what counts now.
    let typed: Query?

    static func title(_ step: SetupStep) -> String {
        switch step {
        case .name: say("name")
        case .owner: say("your-account")
        case .storage: say("room")
        case .people: say("who-may-join")
        case .content: say("what-is-shown")
        case .federation: say("other-nodes")
        }
    }

    static func lead(_ step: SetupStep) -> String {
        switch step {
        case .name: say("what-this-node-is-called-and")
        case .owner:
            say("you-are-signed-in-as-the")
        case .storage: say("how-much-of-the-disk-files")
        case .people: say("people-sign-in-with-an-account")
        case .content:
            say("nothing-above-the-level-that-you")
        case .federation: say("nodes-exchange-signed-posts-and-files")
        }
    }

    func fields(_ step: SetupStep) -> [DeskField] {
        switch step {
        case .name:
            [
                field("name", say("name"), hint: say("models-of-the-coast-nothing-for"), maxLength: 200),
                field(
                    "rules", say("rules-in-markdown"), .area,
                    hint: say("shown-at-rules-what-holds-on"),
                    maxLength: Limits.Gateway.rulesBytes),
            ]
        case .owner: []
        case .storage:
            [
                field("storage.budget", say("budget"), hint: say("200gb-or-nothing-for-no-limit"), maxLength: 40),
                field("storage.keep_free", say("left-free-for-others"), hint: "20GB", maxLength: 40),
            ]
        case .people:
            [
                field(
                    "registration.mode", say("who-may-join"),
                    .choice([
                        ("open", say("everybody"), say("at-once")),
                        ("application", say("whoever-applies"), say("you-approve-each")),
                        ("invite", say("whoever-has-an-invite"), say("from-somebody-here")),
                        ("closed", say("nobody-2"), say("at-the-moment")),
                    ])),
                field(
                    "registration.question", say("what-you-ask-people-who-apply"),
                    hint: say("who-are-you-and-what-do"),
                    maxLength: 500),
                field(
                    "registration.adults", say("age"),
                    .choice([
                        ("no", say("everybody-may-join"), say("who-wants-to-see-more-than")),
                        ("yes", say("adults-alone"), say("who-joins-says-so")),
                    ])),
            ]
        case .content:
            [
                field(
                    "ceiling", say("nothing-here-is-above"),
                    .choice([
                        ("PG", "PG", say("for-everybody")), ("PG-13", "PG-13", say("safe-for-work")),
                        ("R", "R", say("nudity")),
                        ("X", "X", say("sexual-content")), ("XXX", "XXX", say("everything-that-is-legal")),
                    ]))
            ]
        case .federation:
            [
                field(
                    "federation.policy", say("which-nodes-may-exchange-with-this"),
                    .choice([
                        ("open", say("every-node-that-calls"), say("until-you-block-it")),
                        ("approve", say("nodes-that-you-approve"), say("others-wait")),
                        ("closed", say("only-those-that-you-add"), ""),
                    ])),
                DeskField(
                    "starters", say("nodes-to-begin-with-one-a"), .area, value: typed?["starters"] ?? "",
                    hint: "https://models.example", maxLength: 4000),
            ]
        }
    }

    private func field(
        _ key: String, _ label: String, _ kind: DeskField.Kind = .text, hint: String? = nil, maxLength: Int = 1000
    ) -> DeskField {
        let setting = settings.first { $0.view.key == key }
        let value = typed.map { $0[key] ?? "" } ?? setting?.view.value ?? ""
        return DeskField(
            key, label, kind, value: value, hint: hint,
            lockedBy: setting?.isLocked == true ? setting?.view.origin : nil, maxLength: maxLength)
    }
}
