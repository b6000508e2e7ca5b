import Hummingbird
import Operations
import WaggleProtocol

/// Peers and mirrors.
struct AdminNetwork: Sendable {
    let desk: AdminDesk

    func register(in routes: inout RouteTable) {
        desk.get(.peers, in: &routes, peers)
        desk.post(.peers, in: &routes, changePeers, peers)
        desk.get(.mirrors, in: &routes, mirrors)
        desk.post(.mirrors, in: &routes, changeMirrors, mirrors)
    }

    // MARK: Peers

    private static func form(
        _ what: String, _ submit: String, _ node: String, _ name: String, fields: [DeskField] = []
    ) -> DeskForm {
        DeskForm(
            action: "/admin/peers", submit: submit, hidden: [("what", what), ("node", node)], fields: fields,
            label: "\(submit) \(name)")
    }

    @Sendable private func peers(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let all = try await ListPeers(all: true).perform(in: visit.context)
        func name(_ peer: PeerReport) -> String {
            peer.name.isEmpty ? peer.url.isEmpty ? String(peer.node.prefix(12)) : peer.url : peer.name
        }
        func block(_ peer: PeerReport) -> DeskForm {
            Self.form(
                "block", "Block", peer.node, name(peer),
                fields: [
                    DeskField("reason", "Why \(name(peer)) is blocked", maxLength: Limits.Administration.reasonBytes)
                ])
        }
        var added = DeskSection("peers", "Peers")
        added.sectionLead = "Nodes that this one follows."
        added.columns = ["Node", "Address", "How it stands", "Posts in, out", ""]
        added.rows = all.filter { $0.standing == "peer" }.map { peer -> DeskRow in
            let isWell = peer.lastError.isEmpty
            let seen = peer.lastContact == 0 ? "not reached yet" : "heard of on \(Dates.day(peer.lastContact))"
            let state = isWell ? seen : Wording.beginning(peer.lastError, characters: 200)
            return DeskRow(
                cells: [
                    .init(name(peer)), .init(peer.url), .init(state, isBad: !isWell),
                    .init("\(peer.postsIn), \(peer.postsOut)"),
                ], forms: [Self.form("remove", "Remove", "\(peer.n)", name(peer)), block(peer)])
        }
        added.empty =
            "There is none yet. Add the address of a node that you know; its models appear here by themselves."
        added.forms = [
            DeskForm(
                action: "/admin/peers", submit: "Add", hidden: [("what", "add")],
                fields: [
                    DeskField(
                        "url", "Address of a node", value: visit.form["url"] ?? "", hint: "https://models.example",
                        isRequired: true, maxLength: 512)
                ], label: "Add a peer", isQuiet: false)
        ]
        var waiting = DeskSection("callers", "Nodes that call")
        let policy = visit.context.settings.first { $0.key == "federation.policy" }?.value
        waiting.sectionLead = "The policy is \(policy ?? "open")."
        waiting.columns = ["Node", "How it stands", "Since", ""]
        waiting.rows = all.filter { $0.standing == "waiting" || $0.standing == "caller" }.map { peer -> DeskRow in
            let isWaiting = peer.standing == "waiting"
            var forms = [block(peer)]
            if isWaiting { forms.insert(Self.form("approve", "Approve", peer.node, name(peer)), at: 0) }
            return DeskRow(
                cells: [
                    .init(name(peer)), .init(isWaiting ? "waits for you" : "exchanges with this node"),
                    .init(Dates.day(peer.since)),
                ], forms: forms)
        }
        waiting.empty = "No other node calls here."
        var blocked = DeskSection("blocked", "Blocked")
        blocked.columns = ["Node", "Why", "Since", ""]
        blocked.rows = all.filter { $0.standing == "blocked" }.map { peer -> DeskRow in
            DeskRow(
                cells: [.init(name(peer)), .init(peer.reason), .init(Dates.day(peer.since))],
                forms: [Self.form("unblock", "Unblock", peer.node, name(peer))])
        }
        blocked.empty = "None is."
        return DeskPage("Peers", sections: [added, waiting, blocked])
    }

    @Sendable private func changePeers(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let context = visit.context
        switch try visit.needed("what") {
        case "add": _ = try await AddPeer(url: try visit.needed("url")).perform(in: context)
        case "remove": _ = try await RemovePeer(peer: try visit.needed("node")).perform(in: context)
        case "approve": _ = try await ApprovePeer(node: try visit.needed("node")).perform(in: context)
        case "block":
            _ = try await BlockPeer(node: try visit.needed("node"), reason: visit.form["reason"] ?? "")
                .perform(in: context)
        case "unblock": _ = try await UnblockPeer(node: try visit.needed("node")).perform(in: context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }

    // MARK: Mirrors

    @Sendable private func mirrors(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        var rules = DeskSection("rules", "Rules")
        rules.sectionLead =
            "What this node keeps copies of. What a rule fetched stays until room is needed, if the rule goes."
        rules.columns = ["Rule", "What", "How it stands", "Here, wanted", ""]
        rules.rows = try await ShowMirrors().perform(in: visit.context).map { status -> DeskRow in
            let rule = status.rule
            let words: [String] = [rule.types, rule.bases, rule.tags, rule.creators].flatMap { $0 }
            let what = words.isEmpty ? "everything up to \(rule.maxLevel)" : words.joined(separator: ", ")
            let trouble = status.lastError.isEmpty ? status.reason : status.lastError
            func form(_ what: String, _ submit: String) -> DeskForm {
                DeskForm(
                    action: "/admin/mirrors", submit: submit, hidden: [("what", what), ("rule", "\(rule.n)")],
                    label: "\(submit) rule \(rule.n)")
            }
            let state = trouble.isEmpty ? status.activity : "\(status.activity): \(trouble)"
            let turn = rule.isPaused ? form("resume", "Resume") : form("pause", "Pause")
            let bytes = "\(Wording.size(status.present.bytes)), \(Wording.size(status.wanted.bytes))"
            return DeskRow(
                cells: [
                    .init("\(rule.n)"), .init(what), .init(state, isBad: status.activity == "full"), .init(bytes),
                ], forms: [turn, form("remove", "Remove")])
        }
        rules.empty = "There is none: this node keeps what its own people publish, and lends room to nothing else."
        var new = DeskSection("new", "A new rule")
        new.forms = [
            DeskForm(
                action: "/admin/mirrors", submit: "Add the rule", hidden: [("what", "add")],
                fields: [
                    DeskField(
                        "types", "Types", value: visit.form["types"] ?? "", hint: "LORA, Checkpoint; nothing for all"),
                    DeskField(
                        "bases", "Base models", value: visit.form["bases"] ?? "", hint: "SDXL 1.0; nothing for all"),
                    DeskField("tags", "Tags", value: visit.form["tags"] ?? "", hint: "nothing for all"),
                    DeskField(
                        "budget", "Room for it", value: visit.form["budget"] ?? "",
                        hint: "100GB; nothing for no limit of its own",
                        maxLength: 40),
                ], isQuiet: false)
        ]
        return DeskPage("Mirrors", sections: [rules, new])
    }

    @Sendable private func changeMirrors(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        let context = visit.context
        switch try visit.needed("what") {
        case "add":
            let size = visit.form["budget"]
            guard let budget = size.map({ ByteSize($0)?.bytes }) ?? .some(0) else {
                throw OperationError(.usage, "room is a size such as 100GB, or nothing for no limit")
            }
            _ = try await AddMirror(
                from: nil, types: visit.form.list("types"), bases: visit.form.list("bases"),
                tags: visit.form.list("tags"), maxLevel: nil, budget: budget
            ).perform(in: context)
        case "pause", "resume":
            _ = try await PauseMirrors(n: try visit.number("rule"), isPaused: visit.form["what"] == "pause")
                .perform(in: context)
        case "remove": _ = try await RemoveMirror(n: try visit.number("rule")).perform(in: context)
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }
}
