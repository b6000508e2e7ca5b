import ArgumentParser
import Operations

extension GenCommand {
    struct Rate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rate", abstract: "Say of a picture that was drawn here whether it is good.",
            discussion: """
                Signs a post that names the picture by its hash and the models that it was drawn with; the prompt and the \
                picture stay with you. Currencies may reward it.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The job's id.")
        var id: String

        @Option(help: "Which picture of the batch, from 0.")
        var picture = 0

        @Flag(help: "It is not good. [default: it is]")
        var bad = false

        @Option(name: .customLong("as"), help: "The account that says so.")
        var account = "me"

        func run() async throws {
            let job = try await node.run(RateDrawing(account: account, job: id, picture: picture, isGood: !bad))
            if output.json { return try Terminal.json(job) }
            GenCommand.tell(job)
        }
    }
}
