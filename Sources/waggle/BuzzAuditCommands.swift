import ArgumentParser
import Foundation
import Operations
import SystemPackage

extension BuzzCommand {
    struct Rules: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rules", abstract: "The charter: who decides, who may issue how much, what is promised.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        func run() async throws {
            let rules = try await node.run(ShowRules(currency: which.currency))
            if output.json { return try Terminal.json(rules) }
            let symbol = Terminal.plain(rules.report.symbol)
            Terminal.print("\(Terminal.plain(rules.report.name)) (\(symbol)), \(rules.report.currency)")
            for (key, address) in zip(rules.authorities, rules.addresses) {
                Terminal.print("decided by\t\(key) at \(Terminal.plain(address))")
            }
            Terminal.print("trust\t\(rules.report.trust)")
            Terminal.print("epoch\t\(Terminal.duration(rules.epochSeconds)), now epoch \(rules.report.epoch)")
            for granter in rules.granters {
                Terminal.print("issues\tat most \(granter.capPerEpoch) \(symbol) an epoch, by \(granter.account)")
                for reward in granter.rewards {
                    Terminal.print(
                        "reward\t\(Terminal.plain(reward.action)): \(reward.amount), at most \(reward.capPerEpoch) an epoch"
                    )
                }
            }
            if rules.granters.isEmpty { Terminal.print("issues\tnothing, ever") }
            Terminal.print(
                "holds\tat most \(rules.maxHoldEpochs) epochs, given back \(rules.holdGraceEpochs) after they expired")
            if rules.wardens.isEmpty {
                Terminal.print("wardens\tnone: nobody can freeze or take anything; a lost key is a lost account")
            } else {
                let take = rules.hasClawback ? "freeze accounts and take back what is left" : "freeze accounts"
                Terminal.print(
                    "wardens\t\(rules.wardenThreshold) of \(rules.wardens.count) may \(take), \(rules.maxFreezeEpochs) epochs at a time"
                )
            }
        }
    }

    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "audit",
            abstract: "Verify a currency's whole log that is here: signatures, rules, sums, hashes.",
            discussion: """
                Needs no network. It finds any changed byte, any lost or doubled order, anything issued beyond the charter,
                and any checkpoint that the log does not come to. The exit code is 6 when something is wrong.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Flag(help: "Look at hashes and sums alone, not at signatures and rules.")
        var quick = false

        func run() async throws {
            let found = try await node.run(AuditCurrency(currency: which.currency, isQuick: quick))
            if output.json { return try Terminal.json(found) }
            let symbol = Terminal.plain(found.symbol)
            let entries = Terminal.count(found.entries, "entry", "entries")
            let signatures = Terminal.count(found.signatures, "signature", "signatures")
            Terminal.print("\(symbol): \(entries), \(signatures), all right")
            Terminal.print(
                "issued \(found.issued), burned \(found.burned), set aside \(found.held), "
                    + Terminal.count(found.accounts, "account", "accounts"))
            Terminal.print(
                found.checkpoint.map {
                    "agrees with the signed checkpoint of \(Terminal.count($0, "entry", "entries"))"
                }
                    ?? "no signed checkpoint is here to compare it with")
            Terminal.print("root \(found.root)\nstate \(found.stateRoot)")
            Terminal.note("\(found.trust). It took \(String(format: "%.2f", found.seconds)) s.")
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain", abstract: "One order that is final: what it did, and the proof.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "The id of an order or slot, or a place in the log.")
        var final: String

        @Option(help: "Write a receipt that anybody can check: a new file.", completion: .file())
        var receipt: String?

        func run() async throws {
            let reply = try await node.run(ExplainFinal(final: final, currency: which.currency))
            if let receipt {
                guard let proof = reply.receipt else {
                    throw OperationError(.notFound, "no checkpoint that covers it is here yet; try again in a minute")
                }
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
                do {
                    try encoder.encode(proof).write(
                        to: URL(filePath: Paths.absolute(receipt).string), options: .withoutOverwriting)
                } catch {
                    throw OperationError(.failed, "\(receipt) cannot be written: \(error.localizedDescription)")
                }
            }
            if output.json { return try Terminal.json(reply) }
            BuzzCommand.explain(reply.final)
            if let isOpen = reply.isOpen, let expiry = reply.expiry {
                Terminal.print("hold\t\(isOpen ? "open" : "closed"), expires after epoch \(expiry)")
            }
            Terminal.print(
                reply.checkpoint.map { "proof\tin the signed log of \(Terminal.count($0, "entry", "entries"))" }
                    ?? (reply.receipt == nil
                        ? "proof\tnone yet: no signed checkpoint that covers it is here"
                        : "proof\ta quorum of the operators signed it"))
            Terminal.note(reply.trust)
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Check a receipt. Needs no node and no network.")

        @OptionGroup var output: JSONOption

        @Argument(help: "A file that `waggle buzz explain --receipt` wrote.", completion: .file())
        var file: String

        func run() throws {
            let path = Paths.absolute(file).string
            guard let data = FileManager.default.contents(atPath: path) else {
                throw OperationError(.notFound, "\(path) cannot be read")
            }
            let reply = try VerifyReceipt(bytes: data).run()
            if output.json { return try Terminal.json(reply) }
            BuzzCommand.explain(reply.final)
            Terminal.print("currency\t\(Terminal.plain(reply.currencyName)), \(reply.final.currency)")
            Terminal.print(
                reply.checkpoint.map { "proof\tin the signed log of \(Terminal.count($0, "entry", "entries"))" }
                    ?? "proof\tsigned by \(reply.signed) of \(reply.operators) operators")
            for (key, time) in reply.witnesses.sorted(by: { $0.key < $1.key }) {
                Terminal.print("witness\t\(key) at \(Terminal.date(time))")
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Write a log as a journal for hledger, with an assertion of every balance.",
            discussion: "EXAMPLES\n  waggle buzz export honey.journal && hledger -f honey.journal check")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Argument(help: "A new file.", completion: .file())
        var file: String

        func run() async throws {
            let reply = try await node.run(
                ExportJournal(currency: which.currency, path: Paths.absolute(file).string))
            if output.json { return try Terminal.json(reply) }
            Terminal.print(reply.path)
            Terminal.note("\(Terminal.count(reply.entries, "final", "finals")).")
        }
    }

    struct Witness: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "witness", abstract: "Have your peers sign the newest checkpoint of your currencies now.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await node.run(GatherWitnesses())
            if output.json { return try Terminal.json(reply) }
            Terminal.print("\(reply.signed) signed")
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume", abstract: "Let the authority of a restored home sign again.",
            discussion: """
                What was signed after the backup is fetched from a node that follows the log. Without such a node,
                --alone gives it up: whoever holds a receipt of it can prove that the currency forgot it.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Option(name: .customLong("from"), help: "The address of a node that follows the log.")
        var url: String?

        @Flag(help: "There is none: give up what was signed since.")
        var alone = false

        func run() async throws {
            guard (url == nil) == alone else {
                throw OperationError(.usage, "say either --from URL or --alone")
            }
            let reply = try await node.run(ResumeCurrency(currency: which.currency, url: url))
            if output.json { return try Terminal.json(reply) }
            BuzzCommand.line(reply.report)
            Terminal.note("\(Terminal.count(reply.fetched, "final was", "finals were")) fetched; it signs again.")
        }
    }

    static func explain(_ final: FinalReport) {
        Terminal.print("order\t\(final.order)\nslot\t\(final.slot)")
        Terminal.print("what\t\(final.operation) by \(final.from)")
        for side in final.outputs {
            Terminal.print("pays\t\(side.amount) \(Terminal.plain(final.symbol)) to \(side.account)")
        }
        if let reference = final.reference { Terminal.print("about\t\(reference)") }
        if let position = final.position {
            Terminal.print("place\t\(position), here since \(Terminal.date(final.time))")
        }
    }
}

extension BuzzCommand {
    struct Rewards: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rewards",
            abstract: "Why an epoch's rewards were granted, counted again from the posts that are here.",
            discussion: """
                The list of what counted is published, and its hash is in the grants. Another node fetches it and compares it
                with the charter, with the posts that it has, and with the log. Who is a member there is that node's own word.
                Where several operators share a currency each rewards the members of its own node and has its own list.
                The exit code is 6 when something is wrong.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var which: CurrencyOption

        @Option(help: "Which epoch. [default: the last one that has ended]")
        var epoch: Int64?

        @Option(
            help: """
                Whose list, where several operators grant: the address of a node, or the beginning of its account. [default: \
                this node's own, else the first that can be had]
                """)
        var granter: String?

        @Flag(help: "Print the list itself.")
        var list = false

        @Flag(help: "Pay now what is due in currencies that this node grants; a running node does it by itself.")
        var pay = false

        func run() async throws {
            if pay {
                let reply = try await node.run(PayRewards())
                for trouble in reply.troubles { Terminal.note(Terminal.plain(trouble)) }
                if output.json { return try Terminal.json(reply) }
                Terminal.print(Terminal.count(reply.grants, "grant", "grants"))
                return
            }
            let found = try await node.run(
                ShowRewards(currency: which.currency, epoch: epoch, granter: granter, isWhole: list))
            if output.json {
                try Terminal.json(found)
            } else if let text = found.text {
                Terminal.write(Data(text.utf8))
            } else {
                let symbol = Terminal.plain(found.symbol)
                Terminal.print(
                    "epoch \(found.epoch): \(Terminal.count(found.facts, "fact", "facts")) of "
                        + "\(Terminal.count(found.members, "member", "members")), \(found.granted) \(symbol) granted")
                for action in found.actions where action.facts > 0 {
                    Terminal.print("\(action.action)\t\(action.facts)\t\(action.amount)")
                }
                Terminal.print("evidence\t\(found.evidence)")
                if found.granters.count > 1 {
                    Terminal.print("granter\t\(Terminal.plain(found.granter.url))")
                    let others = found.granters.map(\.url).filter { $0 != found.granter.url }
                    Terminal.note(
                        "Others grant, too; --granter names one: \(Terminal.plain(others.joined(separator: ", ")))")
                }
                if found.missing > 0 {
                    Terminal.note(
                        "\(Terminal.count(found.missing, "post is", "posts are")) not here, and what they show was not looked at."
                    )
                }
                for fault in found.faults { Terminal.note(Terminal.plain(fault)) }
            }
            if !found.faults.isEmpty {
                throw OperationError(.integrity, "the list and what is here do not agree")
            }
        }
    }
}
