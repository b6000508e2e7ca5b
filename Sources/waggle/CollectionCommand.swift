import ArgumentParser
import Foundation
import Operations

struct CollectionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collection", abstract: "Collections of models, releases and images.",
        discussion: """
            EXAMPLES
              waggle collection new honey --name "Honey and wax"
              waggle collection add honey @maker/comb @maker/bee@1.0
            """,
        subcommands: [New.self, Add.self, Remove.self, List.self, Show.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make a collection, or change what it is called.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "Its short name: a-z, 0-9, - _ .")
        var slug: String

        @Option(help: "Its name. [default: the short name]")
        var name: String?

        @Option(help: "A few words, in Markdown.")
        var description: String?

        @Option(help: "Content level: PG, PG-13, R, X or XXX. [default: PG]")
        var level: String?

        func run() async throws {
            let reply = try await node.run(
                EditCollection(
                    account: signing.account, slug: slug, title: name, description: description, level: level))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Add to a collection of yours.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "The collection's short name.")
        var slug: String

        @Argument(help: "@maker/name, @maker/name@version, the id of a post, or the address of its page here.")
        var items: [String]

        func run() async throws {
            let reply = try await node.run(ChangeCollection(account: signing.account, slug: slug, added: items))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Take items out of a collection of yours.",
            discussion: "`waggle rm ID` takes back a whole collection.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "The collection's short name.")
        var slug: String

        @Argument(help: "What to take out.")
        var items: [String]

        func run() async throws {
            let reply = try await node.run(ChangeCollection(account: signing.account, slug: slug, removed: items))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls", abstract: "List collections, those changed last first.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "Of this creator only: @handle, or an author id.")
        var creator: String?

        @Option(help: "At most so many.")
        var limit = 50

        @Option(help: "Where the last page ended.")
        var cursor: String?

        func validate() throws {
            guard (1...100).contains(limit) else { throw ValidationError("--limit is 1 to 100.") }
        }

        func run() async throws {
            let page = try await node.run(ListCollections(creator: creator, limit: limit, cursor: cursor))
            if output.json { return try Terminal.json(page) }
            if page.collections.isEmpty {
                Terminal.note("No collections yet; `waggle collection new NAME` makes one.")
            }
            for line in page.collections {
                Terminal.print([line.reference, line.name, "\(line.items) items", line.post].joined(separator: "\t"))
            }
            if let next = page.next { Terminal.note("More: waggle collection ls --cursor \(next)") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show what is in a collection.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "@maker/short-name.")
        var reference: String

        func run() async throws {
            let collection = try await node.run(ShowCollection(reference: reference))
            if output.json { return try Terminal.json(collection) }
            Terminal.print("\(Terminal.plain(collection.name))  (\(collection.items.count) items)")
            for item in collection.items {
                Terminal.print("  \(item.kind)\t\(item.reference)\t\(item.title)")
            }
        }
    }
}
