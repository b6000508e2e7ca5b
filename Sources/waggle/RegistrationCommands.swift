import ArgumentParser
import Foundation
import Operations

extension AccountCommand {
    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reject", abstract: "Turn an application down, and say why.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The account.")
        var account: String

        @Option(help: "Why; told to whoever signs in as them.")
        var reason = ""

        func run() async throws {
            try AccountCommand.tell(try await node.run(RejectRegistration(account: account, reason: reason)), output)
        }
    }

    struct Invites: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "invites", abstract: "List the invites that can still be used.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let invites = try await node.run(ListInvites())
            if output.json { return try Terminal.json(invites) }
            for invite in invites {
                Terminal.print(
                    "\(invite.id)\tby @\(invite.by)\tfor \(invite.uses)\tas \(invite.role)\tuntil "
                        + Terminal.date(invite.expires))
            }
        }
    }

    struct Uninvite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "uninvite", abstract: "Take an invite back.")

        @OptionGroup var node: NodeOptions

        @Argument(help: "Its number, as `waggle account invites` shows it.")
        var id: Int64

        func run() async throws {
            _ = try await node.run(RevokeInvite(id: id))
        }
    }
}
