import ArgumentParser
import Operations
import SystemPackage

extension GenCommand {
    struct Demo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "demo", abstract: "Publish the demo model, so that this node can draw at once.",
            discussion: """
                A very small model (12 MB, 76 MB of disk) that draws cartoons, and two LoRAs, as releases of yours: they can \
                be taken back like any other (waggle rm). `waggle gen setup --demo` does it along with the engine.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "The folder Examples/demo-model. [default: that of the source which this program was built from]")
        var folder: String?

        @Option(name: .customLong("as"), help: "The account that signs.")
        var account = "me"

        func run() async throws {
            let reply = try await node.run(
                PublishDemoModel(folder: folder.map { Paths.absolute($0).string }, account: account))
            if output.json { return try Terminal.json(reply) }
            GenCommand.tell(reply)
        }
    }

    static func tell(_ demo: PublishDemoModel.Reply) {
        for release in demo.releases {
            Terminal.print("\(release.release)\t\(release.files.map(\.name).joined(separator: ", "))")
        }
        Terminal.note("Try: waggle gen run --model demo-sdxs --prompt \"a yellow bee in a meadow\" --out bee.png")
    }
}
