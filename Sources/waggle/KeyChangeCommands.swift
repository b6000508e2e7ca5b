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
                a thief of the present keys says. Prints 24 new words before anything is changed; once they are in force the
                old ones are of no more use. The owner's words are the node's, too: rotating @me rotates both.

                Where the command was cut off, say it again with --new-words-file and the words that it printed: what was
                done is not done twice.

                Keep the ids that are printed with the words: words that were rotated to do not tell them.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var account: KeyAccountOption
        @OptionGroup var roots: RootOptions

        @Flag(name: .customLong("keep-words"), help: "Go on to the next root key of the same words.")
        var keepsWords = false

        @Option(
            name: .customLong("new-words-file"), help: "A file with the 24 words to rotate to, instead of new ones.")
        var newWordsFile: String?

        func validate() throws {
            if keepsWords, newWordsFile != nil { throw ValidationError("Say either --keep-words or --new-words-file.") }
        }

        func run() async throws {
            let source = try roots.source(node, account: account.account)
            let given = try newWordsFile.map { try TypedWords.read(file: $0) }
            let made = keepsWords || given != nil ? nil : RotateKeys.makeWords()
            // Before anything is done: they exist nowhere else, and once they are in force nothing else is.
            if let made, !output.json {
                Terminal.print(made)
                Terminal.note(
                    "The new words. They hold from when the ids stand below them; until then the old ones do.")
            }
            let reply: RotateKeys.Reply
            do {
                reply = try await node.run(
                    RotateKeys(
                        account: account.account, roots: source, keepsWords: keepsWords, passphrase: node.passphrase,
                        newWords: given ?? made))
            } catch let error as OperationError {
                throw explained(error, made)
            }
            if output.json { return try Terminal.json(reply) }
            for author in reply.authors {
                Terminal.print("@\(author.account)  \(author.author)  version \(author.version)")
            }
            guard !reply.words.isEmpty else { return }
            Terminal.note(
                "Write the 24 words down, on paper, with the ids: they are shown this once, and the old words are void."
            )
        }

        /// What a failure means for words that were made here.
        private func explained(_ error: OperationError, _ made: String?) -> OperationError {
            guard let made, !error.message.contains(made) else { return error }
            guard error.code == .failed else {
                return OperationError(error.code, "\(error.message). Nothing was changed: the new words are void")
            }
            return OperationError(
                error.code,
                "\(error.message). Whether the new words are in force is not known: keep the old ones and these, and say "
                    + "the command again with --new-words-file. The new words are: \(made)")
        }
    }
}
