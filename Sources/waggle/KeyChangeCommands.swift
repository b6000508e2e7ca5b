import ArgumentParser
import Foundation
import Operations

extension KeyCommand {
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Take a device key out of use, for everybody and for ever.",
            discussion: """
                retired      what it signed up to --since stays.
                lost, compromised
                             what this node has of it stays, named by a signed checkpoint; nothing else does, whatever date
                             it carries. Name with --without what a thief has posted already.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var roots: RootOptions

        @Argument(help: "The key, 8 digits or more of it, or its label.")
        var key: String

        @Option(help: "Only this account's keys; \"node\" for the node's own.")
        var account: String?

        @Option(help: "retired, lost or compromised.")
        var reason: String

        @Option(help: "Since when: unix seconds, or 2026-03-01 or 2026-03-01T12:00:00Z. [default: now]")
        var since: String?

        @Option(name: .customLong("without"), help: "A post of the key that is not to stand; may be repeated.")
        var without: [String] = []

        @Flag(name: .customLong("force"), help: "Also when this home signs with it.")
        var isForced = false

        func run() async throws {
            let reply = try await node.run(
                RevokeKey(
                    key: key, account: account, reason: reason, since: since.map { try Self.seconds($0) },
                    without: without, isForced: isForced, roots: roots.source(node, account: account ?? "me")))
            if output.json { return try Terminal.json(reply) }
            Terminal.print(
                "\(reply.key)  \"\(Terminal.plain(reply.label))\" of @\(reply.account) is \(reply.reason) since "
                    + Terminal.date(reply.since))
            if let kept = reply.kept { Terminal.note("\(kept) of its posts stay.") }
        }

        private static func seconds(_ text: String) throws -> UInt64 {
            if let number = UInt64(text) { return number }
            let day = try? Date(text + "T00:00:00Z", strategy: .iso8601)
            guard let date = (try? Date(text, strategy: .iso8601)) ?? day, date.timeIntervalSince1970 >= 0 else {
                throw OperationError(.usage, "\"\(text)\" is no time: unix seconds, 2026-03-01 or 2026-03-01T12:00:00Z")
            }
            return UInt64(date.timeIntervalSince1970)
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Replace the root keys, and the 24 words.",
            discussion: """
                The next root keys were committed to before, so only who has the words can do this, and it beats whatever
                a thief of the present keys says. Prints 24 new words; the old ones are of no more use. The owner's words
                are the node's, too: rotating @me rotates both.

                Keep the ids that are printed with the words: words that were rotated to do not tell them.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var account: KeyAccountOption
        @OptionGroup var roots: RootOptions

        @Flag(name: .customLong("keep-words"), help: "Go on to the next root key of the same words.")
        var keepsWords = false

        func run() async throws {
            let reply = try await node.run(
                RotateKeys(
                    account: account.account, roots: roots.source(node, account: account.account),
                    keepsWords: keepsWords, passphrase: node.passphrase))
            if output.json { return try Terminal.json(reply) }
            // The words first: they exist nowhere else.
            if !reply.words.isEmpty { Terminal.print(reply.words) }
            for author in reply.authors {
                Terminal.print("@\(author.account)  \(author.author)  version \(author.version)")
            }
            guard !reply.words.isEmpty else { return }
            Terminal.note(
                "Write the 24 words down, on paper, with the ids: they are shown this once, and the old words are void."
            )
        }
    }
}
