public import Accounts
public import ArgumentParser
import Foundation
import Operations

extension AccountRole: ExpressibleByArgument {}

extension AccountCommand {
    struct Role: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "role", abstract: "Say what an account may do on this node.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        @Argument(help: "admin, moderator, curator, trusted-reporter, member or limited (reads only).")
        var role: AccountRole

        func run() async throws {
            try AccountCommand.tell(try await node.run(SetAccountRole(account: account, role: role)), output)
        }
    }

    struct Quota: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "quota", abstract: "Say how much of what an account brings this node keeps.",
            discussion: """
                Uploads, releases and pictures count, those that came over the web and those that did not. Without a size it \
                tells how things stand. Admins have no limit unless you set one; commands in this home are the operator's \
                and never refused.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        @Argument(help: "A size such as 50GB, none for no limit, or role for what its role has.")
        var quota: String?

        func run() async throws {
            let reply = try await node.run(SetAccountQuota(account: account, quota: quota))
            if output.json { return try Terminal.json(reply) }
            let room = reply.quota.map { ByteSize.text($0) } ?? "no limit"
            Terminal.print("@\(reply.account)\t\(room)\t\(ByteSize.text(reply.stored)) kept")
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "approve", abstract: "Let somebody in who applied.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        func run() async throws {
            try AccountCommand.tell(try await node.run(SetAccountState(account: account, state: .active)), output)
        }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "disable",
            abstract: "Lock an account: sessions and tokens end, nothing is signed for it any more.",
            discussion: "What it published stays. `waggle account enable` takes it back; tokens must be made anew.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        func run() async throws {
            try AccountCommand.tell(try await node.run(SetAccountState(account: account, state: .disabled)), output)
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "enable", abstract: "Unlock an account.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        func run() async throws {
            try AccountCommand.tell(try await node.run(SetAccountState(account: account, state: .active)), output)
        }
    }

    struct Household: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "household",
            abstract: "Say which accounts live together: what they do for each other earns no rewards.",
            discussion: """
                One account alone leaves its household. Without any, lists the households. It is this node's word alone, kept \
                here and never published; lists of rewards simply leave such things out.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The accounts.")
        var accounts: [String] = []

        func run() async throws {
            let reply = try await node.run(SetHousehold(accounts: accounts))
            if output.json { return try Terminal.json(reply) }
            for household in reply.households { Terminal.print(household.map { "@" + $0 }.joined(separator: "\t")) }
        }
    }

    struct Passphrase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "passphrase", abstract: "Set the passphrase with which an account signs in over the web.",
            discussion: """
                The passphrase is read from the first line of standard input. All sessions of the account end. Recovery words
                that this node holds under an old passphrase are lost to it; whoever wrote them down has them.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        func run() async throws {
            if Terminal.isInteractive { Terminal.tell("Passphrase of @\(account), at least 10 characters: ") }
            guard let passphrase = readLine(), !passphrase.isEmpty else {
                throw OperationError(.usage, "give the passphrase on standard input")
            }
            try AccountCommand.tell(
                try await node.run(ResetPassphrase(account: account, passphrase: passphrase)), output)
        }
    }

    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "invite",
            abstract: "Make an invite: whoever has it may register, unless registration is closed.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "The account that invites.")
        var account = "me"

        @Option(help: "How many people may use it.")
        var uses = 1

        @Option(help: "How long it is good: 12h, 7d.")
        var expires = "7d"

        @Option(help: "What those who come may do.")
        var role = AccountRole.member

        func run() async throws {
            guard let span = TimeSpan(expires) else {
                throw OperationError(.usage, "--expires \(expires): write a time such as 12h or 7d")
            }
            let reply = try await node.run(
                NewInvite(account: account, uses: uses, seconds: span.seconds, role: role))
            if output.json { return try Terminal.json(reply) }
            Terminal.print(reply.invite)
            Terminal.note("Good until \(Terminal.date(reply.expires)).")
        }
    }

    struct Setup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "setup", abstract: "Print a new set-up token: it lets you choose the passphrase of @me.",
            discussion: """
                The token of the first start, or one that was made before, is good no longer. Until a new home is set up it is
                reached from its own machine alone, whatever --listen says; --done counts it as set up without the browser.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(help: "Count this home as set up; makes no token.")
        var done = false

        func run() async throws {
            if done {
                _ = try await node.run(FinishSetup())
                return Terminal.note("Set up. The node listens where its settings say.")
            }
            let reply = try await node.run(NewSetupToken())
            if output.json { return try Terminal.json(reply) }
            Terminal.print(reply.token)
            if !reply.url.isEmpty { Terminal.note("Use it at \(reply.url)?token=\(reply.token)") }
        }
    }

    static func tell(_ reply: AccountReply, _ output: JSONOption) throws {
        if output.json { return try Terminal.json(reply) }
        Terminal.print("@\(reply.account)\t\(reply.role)\t\(reply.state)")
    }
}
