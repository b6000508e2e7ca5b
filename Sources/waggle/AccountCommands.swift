import ArgumentParser
import Foundation
import Operations

/// `--as`, on commands that sign.
struct AccountOption: ParsableArguments {
    @Option(name: .customLong("as"), help: "The account of this home that signs.")
    var account = "me"
}

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "People at home on this node.",
        subcommands: [
            New.self, List.self, Profile.self, Role.self, Quota.self, Approve.self, Disable.self, Enable.self,
            Passphrase.self,
            Invite.self, Household.self, Setup.self, Move.self, Reject.self, Invites.self, Uninvite.self,
        ])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make an account with keys of its own.",
            discussion: "Prints 24 recovery words, once. With WAGGLE_PASSPHRASE set the key file is sealed.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "What commands will call it: a-z, 0-9, - _ .")
        var account: String

        @Option(help: "The name that people see.")
        var name: String?

        func run() async throws {
            let reply = try await node.run(
                NewAccount(account: account, displayName: name, passphrase: node.passphrase))
            if output.json { return try Terminal.json(reply) }
            Terminal.print("@\(reply.account) is \(reply.author)")
            Terminal.note("Write these words down, on paper: they are shown this once and bring the account back.")
            Terminal.print(reply.words)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the accounts.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let accounts = try await node.run(ListAccounts())
            if output.json { return try Terminal.json(accounts) }
            for account in accounts {
                Terminal.print(
                    ["@\(account.account)", account.name, account.author, account.role, account.state]
                        .joined(separator: "\t"))
            }
        }
    }

    struct Profile: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "profile", abstract: "Say who an account is: signed, and shown wherever its posts are.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Option(help: "The name that people see.")
        var name: String?

        @Option(help: "A few words, in Markdown.")
        var about: String?

        @Option(name: .customLong("link"), help: "An address of yours; may be repeated, and replaces those before.")
        var links: [String] = []

        func run() async throws {
            let reply = try await node.run(
                SetProfile(
                    account: signing.account, displayName: name, about: about, links: links.isEmpty ? nil : links))
            try Terminal.signed(reply, json: output.json)
        }
    }
}
