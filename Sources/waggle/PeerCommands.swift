import ArgumentParser
import Operations

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Nodes that this node talks to.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Add a node by its address.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "For example https://models.example.")
        var url: String

        @Flag(help: "Add it without asking.")
        var yes = false

        func run() async throws {
            if !yes, Terminal.isInteractive {
                let found = try await node.run(ProbePeer(url: url))
                Terminal.note("\(found.url) is \"\(found.name)\", \(found.software), node \(found.node)")
                guard Terminal.confirm("Add it?") else { throw OperationError(.failed, "no peer was added") }
            }
            let peer = try await node.run(AddPeer(url: url))
            if output.json { return try Terminal.json(peer) }
            Terminal.print("Added peer \(peer.n): \(peer.url) (\(peer.name), \(peer.node))")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the peers.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let peers = try await node.run(ListPeers())
            if output.json { return try Terminal.json(peers) }
            if peers.isEmpty { Terminal.note("No peers yet; `waggle peer add URL` adds one.") }
            for peer in peers {
                let state = peer.lastError.isEmpty ? "well, \(Terminal.date(peer.lastContact))" : peer.lastError
                Terminal.print("\(peer.n)\t\(peer.url)\t\(peer.name)\t\(state)")
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Remove a peer. What it gave stays.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Number, address or node id.")
        var peer: String

        func run() async throws {
            let removed = try await node.run(RemovePeer(peer: peer))
            if output.json { return try Terminal.json(removed) }
            Terminal.print("Removed peer \(removed.n): \(removed.url)")
        }
    }
}

struct MirrorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror", abstract: "What this node keeps copies of.",
        subcommands: [Add.self, List.self, Run.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Add a rule; a running node works it by itself.",
            discussion: """
                EXAMPLES
                  waggle mirror add --all --budget 200GB
                  waggle mirror add --from https://models.example --type LORA --base "SDXL 1.0" --budget 50GB
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

        @Option(name: .customLong("max-level"), help: "Nothing above this level. [default: the node's ceiling]")
        var maxLevel: String?

        @Option(help: "Room that the rule may take, for example 200GB.")
        var budget: String

        func validate() throws {
            if all == (from != nil) { throw ValidationError("Say either --all or --from PEER.") }
            if ByteSize(budget) == nil { throw ValidationError("\"\(budget)\" is no size; write 200GB or 1.5TB.") }
        }

        func run() async throws {
            let rule = try await node.run(
                AddMirror(
                    from: from, types: types, bases: bases, maxLevel: maxLevel,
                    budget: ByteSize(budget)?.bytes ?? 0))
            if output.json { return try Terminal.json(rule) }
            Terminal.print("Added rule \(MirrorCommand.line(rule))")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the rules.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let rules = try await node.run(ListMirrors())
            if output.json { return try Terminal.json(rules) }
            if rules.isEmpty { Terminal.note("No rules yet; `waggle mirror add --all --budget 100GB` adds one.") }
            for rule in rules { Terminal.print(MirrorCommand.line(rule)) }
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
            for failure in reply.failures { Terminal.note("  \(failure)") }
        }
    }

    static func line(_ rule: MirrorReport) -> String {
        var parts = ["\(rule.n)", rule.from.map { "from \($0)" } ?? "from all"]
        if !rule.types.isEmpty { parts.append(rule.types.joined(separator: ", ")) }
        if !rule.bases.isEmpty { parts.append(rule.bases.joined(separator: ", ")) }
        parts.append("up to \(rule.maxLevel)")
        parts.append("\(ByteSize.text(rule.used)) of \(ByteSize.text(rule.budget))")
        return parts.joined(separator: "\t")
    }
}
