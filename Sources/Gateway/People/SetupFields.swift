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
        case .name: "Name"
        case .owner: "Your account"
        case .storage: "Room"
        case .people: "Who may join"
        case .content: "What is shown"
        case .federation: "Other nodes"
        }
    }

    static func lead(_ step: SetupStep) -> String {
        switch step {
        case .name: "What this node is called, and what it asks of people."
        case .owner:
            "You are signed in as the owner. 24 words bring your identity back when this disk is lost; no one can make them again."
        case .storage: "How much of the disk files may take. When it is full, those that nothing holds go first."
        case .people: "People sign in with an account of this node. You can change this at any time."
        case .content:
            "Nothing above the level that you choose is served to anybody, by any page, API, feed or file address. Visitors without an account see PG alone; whoever wants more than PG-13 says once that they are an adult."
        case .federation: "Nodes exchange signed posts and files. Nothing is deleted when you change your mind."
        }
    }

    func fields(_ step: SetupStep) -> [DeskField] {
        switch step {
        case .name:
            [
                field("name", "Name", hint: "Models of the coast; nothing for a name made from its id", maxLength: 200),
                field(
                    "rules", "Rules, in Markdown", .area,
                    hint: "Shown at /rules; what holds on every node is there anyway.",
                    maxLength: Limits.Gateway.rulesBytes),
            ]
        case .owner: []
        case .storage:
            [
                field("storage.budget", "Budget", hint: "200GB, or nothing for no limit", maxLength: 40),
                field("storage.keep_free", "Left free for others", hint: "20GB", maxLength: 40),
            ]
        case .people:
            [
                field(
                    "registration.mode", "Who may join",
                    .choice([
                        ("open", "Everybody", "at once"), ("application", "Whoever applies", "you approve each"),
                        ("invite", "Whoever has an invite", "from somebody here"),
                        ("closed", "Nobody", "at the moment"),
                    ])),
                field(
                    "registration.question", "What you ask people who apply",
                    hint: "Who are you, and what do you make?",
                    maxLength: 500),
            ]
        case .content:
            [
                field(
                    "ceiling", "Nothing here is above",
                    .choice([
                        ("PG", "PG", "for everybody"), ("PG-13", "PG-13", "safe for work"), ("R", "R", "nudity"),
                        ("X", "X", "sexual content"), ("XXX", "XXX", "everything that is legal"),
                    ]))
            ]
        case .federation:
            [
                field(
                    "federation.policy", "Which nodes may exchange with this one",
                    .choice([
                        ("open", "Every node that calls", "until you block it"),
                        ("approve", "Nodes that you approve", "others wait"),
                        ("closed", "Only those that you add", ""),
                    ])),
                DeskField(
                    "starters", "Nodes to begin with, one a line", .area, value: typed?["starters"] ?? "",
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
