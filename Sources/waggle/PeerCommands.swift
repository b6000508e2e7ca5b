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
