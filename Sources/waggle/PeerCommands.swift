import ArgumentParser
import Operations

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "Nodes that this node talks to.",
        subcommands: [Add.self, List.self, Remove.self, Block.self, Unblock.self, Approve.self, Export.self])

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

        @Flag(help: "Also nodes that call here, wait for approval, or are kept away.")
        var all = false

        func run() async throws {
            let peers = try await node.run(ListPeers(all: all))
            if output.json { return try Terminal.json(peers) }
            if peers.isEmpty { Terminal.note("No peers yet; `waggle peer add URL` adds one.") }
            for peer in peers {
                let address = peer.url.isEmpty ? peer.node : peer.url
                let traffic = "\(peer.postsIn) in, \(peer.postsOut) out, score \(Int(peer.score.rounded()))"
                let since = "since \(Terminal.date(peer.since).prefix(10))"
                let number = peer.n == 0 ? "-" : "\(peer.n)"
                Terminal.print("\(number)\t\(address)\t\(peer.name)\t\(since)\t\(Self.state(peer))\t\(traffic)")
            }
        }

        private static func state(_ peer: PeerReport) -> String {
            switch peer.standing {
            case "blocked": return "blocked" + (peer.reason.isEmpty ? "" : ": \(peer.reason)")
            case "ignored": return "ignored because of what it sent"
            case "waiting": return "waits for `waggle peer approve`"
            default: break
            }
            if !peer.lastError.isEmpty { return peer.lastError }
            if let lag = peer.lag { return "well, \(lag) s ago" }
            return peer.lastContact == 0 ? "not reached yet" : "last heard of \(Terminal.date(peer.lastContact))"
        }
    }

    struct Block: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "block", abstract: "Keep a node away: nothing is taken from it or given to it.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Number, address or node id.")
        var peer: String

        @Option(help: "Why; shown on the page about other nodes.")
        var reason = ""

        func run() async throws {
            let blocked = try await node.run(BlockPeer(node: peer, reason: reason))
            if output.json { return try Terminal.json(blocked) }
            Terminal.print("Blocked \(blocked.node)")
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Print the addresses that this node proved, signed, for new nodes to begin with.",
            discussion:
                "The setting federation.bootstrap takes such a list, federation.bootstrap_key the key in its last line."
        )

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let list = try await node.run(ExportAddresses())
            if output.json { return try Terminal.json(list) }
            Terminal.print(String(list.text.dropLast()))
        }
    }

    struct Unblock: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unblock", abstract: "Let a blocked node in again.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Number, address or node id.")
        var peer: String

        func run() async throws {
            let free = try await node.run(UnblockPeer(node: peer))
            if output.json { return try Terminal.json(free) }
            Terminal.print(free.isNew ? "Unblocked \(free.node)" : "\(free.node) was not blocked")
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Let a node that called exchange with this one.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Node id, as `waggle peer ls --all` shows it.")
        var peer: String

        func run() async throws {
            let approved = try await node.run(ApprovePeer(node: peer))
            if output.json { return try Terminal.json(approved) }
            Terminal.print("Approved \(approved.node)")
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
