import ArgumentParser
import Operations

struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror", abstract: "What this node keeps copies of.",
        subcommands: [
            Add.self, List.self, Status.self, Plan.self, Run.self, Pause.self, Resume.self, Remove.self,
        ])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add a rule; a running node works it by itself.",
            discussion: """
                A file must fit every kind of filter that is given; of several words of one kind one is enough.
                With --dry-run nothing is added: the plan shows to the byte what would be fetched, and what not and why.

                EXAMPLES
                  waggle mirror add --all --budget 200GB --keep-free 50GB
                  waggle mirror add --from https://models.example --type LORA --base "SDXL 1.0" --budget 50GB
                  waggle mirror add --all --creator @maker --max-level R --dry-run
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "Only what this peer has: number, address or node id.")
        var from: String?

        @Flag(help: "From whoever has it.")
        var all = false

        @Option(name: .customLong("type"), help: "Only models of this kind; may be repeated.")
        var types: [String] = []

        @Option(name: .customLong("base"), help: "Only models for this base model; may be repeated.")
        var bases: [String] = []

        @Option(name: .customLong("tag"), help: "Only models with this tag; may be repeated.")
        var tags: [String] = []

        @Option(name: .customLong("creator"), help: "Only what this person published: @NAME or id; may be repeated.")
        var creators: [String] = []

        @Option(name: .customLong("max-level"), help: "Nothing above this level. [default: the node's ceiling]")
        var maxLevel: String?

        @Option(help: "Room that the rule may take, for example 200GB. [default: no limit but storage.budget]")
        var budget: String?

        @Option(
            name: .customLong("keep-free"),
            help: "Room on the disk that the rule leaves free. [default: storage.keep_free]")
        var keepFree: String?

        @Flag(name: .customLong("dry-run"), help: "Add nothing; show what a run would fetch with the rule.")
        var isDryRun = false

        func validate() throws {
            if all == (from != nil) { throw ValidationError("Say either --all or --from PEER.") }
            for size in [budget, keepFree].compactMap({ $0 }) where ByteSize(size) == nil {
                throw ValidationError("\"\(size)\" is no size; write 200GB or 1.5TB.")
            }
            if let budget, ByteSize(budget)?.bytes == 0 {
                throw ValidationError("A rule with no room fetches nothing; write --budget 100GB, or leave it out.")
            }
        }

        func run() async throws {
            let rule = AddMirror(
                from: from, types: types, bases: bases, tags: tags, creators: creators, maxLevel: maxLevel,
                budget: budget.flatMap { ByteSize($0)?.bytes } ?? 0,
                keepFree: keepFree.flatMap { ByteSize($0)?.bytes } ?? 0)
            if isDryRun {
                return try MirrorCommand.show(try await node.run(PlanMirrors(adding: rule)), files: false, output)
            }
            let added = try await node.run(rule)
            if output.json { return try Terminal.json(added) }
            Terminal.print("Added rule \(MirrorCommand.line(added))")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the rules.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let rules = try await node.run(ListMirrors())
            if output.json { return try Terminal.json(rules) }
            if rules.isEmpty { Terminal.note(MirrorCommand.noRules) }
            for rule in rules { Terminal.print(MirrorCommand.line(rule)) }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Show how the rules stand: what is here, what is missing, how fast, why not.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let rules = try await node.run(ShowMirrors())
            if output.json { return try Terminal.json(rules) }
            if rules.isEmpty { Terminal.note(MirrorCommand.noRules) }
            for status in rules {
                Terminal.print(MirrorCommand.line(status.rule))
                var parts = [
                    status.activity,
                    "has \(ByteSize.text(status.present.bytes)) of \(ByteSize.text(status.wanted.bytes))",
                    "\(ByteSize.text(status.missingBytes)) missing",
                ]
                if status.rate > 0 { parts.append("\(ByteSize.text(status.rate))/s") }
                if let left = status.secondsLeft { parts.append("\(Terminal.duration(left)) left") }
                parts.append("last run \(Terminal.date(status.lastRun))")
                Terminal.print("  " + parts.joined(separator: ", "))
                for file in status.files { Terminal.print("  fetching \(Terminal.plain(file))") }
                if !status.reason.isEmpty { Terminal.print("  \(status.activity): \(Terminal.plain(status.reason))") }
                if !status.lastError.isEmpty, status.lastError != status.reason {
                    Terminal.print("  last error: \(Terminal.plain(status.lastError))")
                }
            }
        }
    }

    struct Plan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "plan", abstract: "Show what a run would fetch, to the byte, and what it would not and why.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(help: "Name every file.")
        var files = false

        func run() async throws {
            try MirrorCommand.show(try await node.run(PlanMirrors()), files: files, output)
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Work all rules once, now.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await node.run(RunMirrors())
            if output.json { return try Terminal.json(reply) }
            Terminal.print("Fetched \(reply.fetchedBlobs) blobs (\(ByteSize.text(reply.fetchedBytes))).")
            if reply.reusedBytes > 0 {
                Terminal.note(
                    "  \(ByteSize.text(reply.reusedBytes)) were here under other headers and were not fetched")
            }
            for failure in reply.failures { Terminal.note("  \(Terminal.plain(failure))") }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause", abstract: "Pause a rule, or all of them, until they are resumed.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Number of the rule. [default: all]")
        var rule: Int64?

        func run() async throws {
            try await MirrorCommand.pause(rule, true, node, output)
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume", abstract: "Go on with a paused rule, or with all of them.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Number of the rule. [default: all]")
        var rule: Int64?

        func run() async throws {
            try await MirrorCommand.pause(rule, false, node, output)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a rule. What it fetched stays until room is needed.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Number of the rule.")
        var rule: Int64

        func run() async throws {
            let removed = try await node.run(RemoveMirror(n: rule))
            if output.json { return try Terminal.json(removed) }
            Terminal.print("Removed rule \(MirrorCommand.line(removed))")
        }
    }

    // MARK: Words

    private static let noRules = "No rules yet; `waggle mirror add --all --budget 100GB` adds one."

    private static func pause(_ rule: Int64?, _ isPaused: Bool, _ node: NodeOptions, _ output: JSONOption)
        async throws
    {
        let rules = try await node.run(PauseMirrors(n: rule, isPaused: isPaused))
        if output.json { return try Terminal.json(rules) }
        for rule in rules { Terminal.print("\(isPaused ? "Paused" : "Resumed") rule \(line(rule))") }
    }

    private static func show(_ plan: MirrorPlanReport, files: Bool, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(plan) }
        if plan.rules.isEmpty { return Terminal.note(MirrorCommand.noRules) }
        for rule in plan.rules {
            Terminal.print(MirrorCommand.line(rule.rule))
            let rows = [
                ("wanted", rule.wanted), ("here already", rule.present), ("with an older rule", rule.shared),
                ("to fetch", rule.fetch), ("not fetched", rule.unfit),
            ]
            for (name, sum) in rows { Terminal.print("  \(name)\t\(MirrorCommand.text(sum.blobs, sum.bytes))") }
            for holder in rule.holders {
                Terminal.print("  from \(holder.peer)\t\(MirrorCommand.text(holder.held.blobs, holder.held.bytes))")
            }
        }
        if files {
            for file in plan.files { Terminal.print("fetch\t\(file.bytes)\t\(Terminal.plain(file.name))") }
        }
        for file in plan.unfit.prefix(files ? .max : 10) {
            let reason = file.obstacles.first.map { "rule \($0.rule): \($0.message)" } ?? ""
            Terminal.note("not fetched: \(Terminal.plain(file.name)), \(file.size) bytes: \(reason)")
        }
        if plan.unfit.count > 10, !files { Terminal.note("… and more; --files names all") }
        for peer in plan.silentPeers { Terminal.note("\(peer) did not answer") }
        Terminal.print("A run fetches \(MirrorCommand.text(plan.fetch.blobs, plan.fetch.bytes)).")
    }

    private static func text(_ blobs: Int, _ bytes: UInt64) -> String {
        "\(blobs) files, \(bytes) bytes" + (bytes < 1000 ? "" : " (\(ByteSize.text(bytes)))")
    }

    static func line(_ rule: MirrorReport) -> String {
        var parts = ["\(rule.n)", rule.from.map { "from \($0)" } ?? "from all"]
        for words in [rule.types, rule.bases, rule.tags.map { "#" + $0 }, rule.creators.map { "by " + $0 }]
        where !words.isEmpty {
            parts.append(words.joined(separator: ", "))
        }
        parts.append("up to \(rule.maxLevel)")
        let used = ByteSize.text(rule.used)
        parts.append(rule.budget == 0 ? used : "\(used) of \(ByteSize.text(rule.budget))")
        if rule.keepFree > 0 { parts.append("keeps \(ByteSize.text(rule.keepFree)) free") }
        if rule.isPaused { parts.append("paused") }
        return parts.joined(separator: "\t")
    }
}
