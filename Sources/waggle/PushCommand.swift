import ArgumentParser
import Operations

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Bring a release's files to peers that cannot dial this node.",
        discussion: """
            Peers fetch by themselves from a node that they can reach; this is for one behind a router. The peer's operator
            allows it with `storage.uploads_per_peer`. What was broken off goes on where it stopped.

            EXAMPLES
              waggle push @me/my-lora
              waggle push @me/my-lora@v2 --to https://models.example
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "The release.")
    var reference: String

    @Option(help: "Only to this peer: number, address or node id. [default: all peers]")
    var to: String?

    func run() async throws {
        let reply = try await node.run(PushRelease(reference: reference, peer: to))
        if output.json {
            try Terminal.json(reply)
        } else {
            for upload in reply.uploads {
                let why = upload.why.isEmpty ? "" : ": \(upload.why)"
                Terminal.print("\(upload.result)\t\(upload.name)\t\(upload.peer)\(why)")
            }
        }
        let refused = reply.uploads.filter { $0.result == "refused" }
        if !refused.isEmpty, refused.count == reply.uploads.count {
            throw OperationError(.network, "no peer took anything")
        }
    }
}
