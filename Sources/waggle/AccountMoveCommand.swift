import ArgumentParser
import Operations

extension AccountCommand {
    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "move", abstract: "Make this home the home of somebody who is at home on another node.",
            discussion: """
                Run it on the new home. The 24 words are asked for, or read from standard input or --words-file. A new device
                is listed here, those of the old home are retired (what they signed stays), and the profile names this node.
                Followers follow on: they follow keys, not addresses. The old home forgets its key by itself.

                EXAMPLES
                  waggle account move ada --from https://old.example
                  waggle account move ada --from https://old.example --keep "my laptop" --words-file words.txt
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "What commands will call it here: a-z, 0-9, - _ .")
        var account: String

        @Option(help: "The address of the old home.")
        var from: String

        @Option(name: .customLong("keep"), help: "The label of a device that goes on signing; may be repeated.")
        var kept: [String] = []

        @Option(name: .customLong("words-file"), help: "A file with the 24 words; - for standard input.")
        var wordsFile: String?

        @Option(help: "The author id, for words that were rotated to.")
        var author: String?

        func run() async throws {
            let reply = try await node.run(
                MoveAccount(
                    account: account, words: try TypedWords.read(file: wordsFile), author: author, from: from,
                    kept: kept, passphrase: node.passphrase))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("@\(reply.account)  \(reply.author)")
            Terminal.print("  at home on \(reply.home)")
            Terminal.print("  posts here: \(reply.posts)")
            for label in reply.retired { Terminal.print("  retired: \"\(Terminal.plain(label))\"") }
            for label in reply.kept { Terminal.print("  still in force: \"\(Terminal.plain(label))\"") }
            if !reply.isOldHomeTold {
                Terminal.note("The old home could not be told; it hears of it from its peers.")
            }
            Terminal.note("Next:  waggle repair fetches your files")
        }
    }
}
