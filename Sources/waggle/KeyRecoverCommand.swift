import ArgumentParser
import Foundation
import Logging
import Node
import Operations
import SystemPackage

extension KeyCommand {
    struct Recover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "recover", abstract: "Bring a node and its owner, or one account, back from 24 words.",
            discussion: """
                On an empty home: remakes the ids of the node and of @me, fetches keys and posts from a node that has them,
                and lists a fresh device. On a home that is there: brings one more account back under --account.

                The node must answer strangers (federation.policy = open): your keys are not back yet when it is asked.
                The words are asked for, or read from standard input or --words-file. Words that were rotated to do not tell
                the ids; give those that were printed with them. Afterwards `waggle repair` fetches the files.

                EXAMPLES
                  waggle key recover --from https://models.example --revoke-lost --home ~/new
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var account: KeyAccountOption

        @Option(name: .customLong("words-file"), help: "A file with the 24 words; - for standard input.")
        var wordsFile: String?

        @Option(help: "The address of a node that has your posts.")
        var from: String?

        @Flag(name: .customLong("alone"), help: "No other node has anything of yours: begin anew under the same ids.")
        var isAlone = false

        @Option(help: "Your author id, for words that were rotated to.")
        var author: String?

        @Option(name: .customLong("node-id"), help: "The node's id, for words that were rotated to.")
        var nodeID: String?

        @Option(help: "What to call the fresh device.")
        var label = "recovered"

        @Flag(
            name: .customLong("revoke-lost"),
            help: "Report every other device lost. Posts of theirs that the other node has stay.")
        var revokesLost = false

        func validate() throws {
            if (from == nil) != isAlone {
                throw ValidationError("Say --from URL, or --alone when no other node has anything of yours.")
            }
        }

        func run() async throws {
            let operation = RecoverAccount(
                account: account.account, words: try TypedWords.read(file: wordsFile), author: author, from: from,
                label: label,
                revokesLost: revokesLost, passphrase: node.passphrase)
            let home = node.resolvedHome
            guard FileManager.default.fileExists(atPath: home.nodeKey.string) else {
                return try await recoverNode(operation, home)
            }
            let reply = try await node.run(operation)
            if output.json { return try Terminal.json(reply) }
            tell(reply)
        }

        private func recoverNode(_ operation: RecoverAccount, _ home: Home) async throws {
            let line = ProgressLine()
            defer { line.finish() }
            var logger = Logger(label: "waggle") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .error
            let reply = try await NodeRecovery(
                home: home, account: operation, nodeID: nodeID, now: UInt64(Date().timeIntervalSince1970)
            ).run(settings: node.settings(), logger: logger) { line.show($0) }
            line.finish()
            if output.json { return try Terminal.json(reply) }
            Terminal.print("Recovered \(reply.home)")
            Terminal.print("  node  \(reply.node)\(reply.isNewNode ? "  (its keys begin anew)" : "")")
            tell(reply.account)
            Terminal.note("Next:  waggle serve, and waggle repair to fetch your files")
        }

        private func tell(_ reply: RecoverAccount.Reply) {
            Terminal.print("  @\(reply.account)  \(reply.author)")
            Terminal.print("  posts here: \(reply.posts)")
            for (label, kept) in reply.lost.sorted(by: { $0.key < $1.key }) {
                Terminal.print("  reported lost: \"\(Terminal.plain(label))\", \(kept) of its posts stay")
            }
            Terminal.tell(balances: reply.balances)
            for label in reply.others {
                Terminal.note("  still in force: \"\(Terminal.plain(label))\"; `waggle key revoke` takes it out of use")
            }
        }
    }
}
