import Accounts
import ArgumentParser
import Foundation
import Operations

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens with which programs use the APIs in somebody's name.",
        discussion: """
            EXAMPLES
              waggle token new --scope read,publish --expires 30d
                  Print a token. Programs send it as "Authorization: Bearer TOKEN", or take it as HF_TOKEN.
            """,
        subcommands: [New.self, List.self, Revoke.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make a token. It is shown this once.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(
            name: .customLong("scope"), parsing: .singleValue,
            help:
                "What it may do: read, publish, review, social, generate, spend, moderate, admin; with commas between.")
        var scopes: [String]

        @Option(help: "How long it is good: 12h, 30d. [default: until it is revoked]")
        var expires: String?

        @Option(help: "Whose token it is.")
        var account = "me"

        @Option(help: "What you call it.")
        var label = ""

        @Option(
            name: .customLong("buzz-limit"),
            help: "Most Buzz that it may spend in all; needs the scope spend or generate.")
        var buzzLimit: UInt64?

        func run() async throws {
            let span = expires.map { TimeSpan($0) }
            if let expires, span == .some(nil) {
                throw OperationError(.usage, "--expires \(expires): write a time such as 12h or 30d")
            }
            let scopes: Set<TokenScope>
            do {
                scopes = try TokenScope.list(self.scopes.joined(separator: ","))
            } catch {
                throw OperationError(error)
            }
            let reply = try await node.run(
                NewAPIToken(
                    account: account, label: label, scopes: scopes, seconds: span??.seconds, buzzLimit: buzzLimit))
            if output.json { return try Terminal.json(reply) }
            Terminal.print(reply.token)
            Terminal.note("Token \(reply.id) of @\(reply.account). It is shown this once and stored nowhere.")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the tokens.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "Only those of this account.")
        var account: String?

        func run() async throws {
            let tokens = try await node.run(ListAPITokens(account: account))
            if output.json { return try Terminal.json(tokens) }
            for token in tokens {
                let expires = token.expires.map { "until \(Terminal.date($0))" } ?? "for good"
                let used = token.lastUsed.map { "used \(Terminal.date($0))" } ?? "never used"
                Terminal.print(
                    [
                        "\(token.id)", "@\(token.account)", token.scopes.joined(separator: ","), expires, used,
                        Terminal.plain(token.label),
                    ].joined(separator: "\t"))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "End a token. It is refused from now on.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "Its number: see `waggle token ls`.")
        var id: Int64

        func run() async throws {
            _ = try await node.run(RevokeAPIToken(id: id))
            if output.json { return try Terminal.json(["revoked": id]) }
            Terminal.note("Token \(id) is revoked.")
        }
    }
}
