import ArgumentParser
import Foundation
import Operations
import SystemPackage

/// What lists of articles and of workflows share.
struct WorkListOptions: ParsableArguments {
    @Option(help: "Of this creator only: @handle, or an author id.")
    var creator: String?

    @Option(help: "At most so many.")
    var limit = 50

    @Option(help: "Where the last page ended.")
    var cursor: String?

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit is 1 to 100.") }
    }
}

extension Terminal {
    fileprivate static func works(_ page: WorkPage, json: Bool, verb: String, first: String) throws {
        if json { return try Self.json(page) }
        if page.works.isEmpty { note(first) }
        for line in page.works {
            Self.print([line.reference, line.name, line.level, line.post].joined(separator: "\t"))
        }
        if let next = page.next { note("More: waggle \(verb) ls --cursor \(next)") }
    }

    fileprivate static func work(_ work: WorkReport, json: Bool, file: String) throws {
        if json { return try Self.json(work) }
        Self.print(
            "\(plain(work.name))  (\(work.level)\(work.tags.isEmpty ? "" : "; " + work.tags.joined(separator: ", ")))")
        if let hash = work.file { Self.print("\(file) \(hash)") }
        Self.print(plain(work.text))
    }
}

struct ArticleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "article", abstract: "Articles: long texts with a cover.",
        discussion: """
            EXAMPLES
              waggle article write on-wax on-wax.md --title "On wax" --cover wax.png
              waggle article show @me/on-wax
            """,
        subcommands: [Write.self, List.self, Show.self])

    struct Write: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "write", abstract: "Write an article, or change one; what is left out stays as it is.",
            discussion: "`waggle rm ID` takes it back.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "Its short name: a-z, 0-9, - _ .")
        var slug: String

        @Argument(help: "A file with its text, in Markdown; - reads standard input.", completion: .file())
        var file: String?

        @Option(help: "Its title.")
        var title: String?

        @Option(name: .customLong("tag"), help: "A tag; may be repeated.")
        var tags: [String] = []

        @Option(help: "Content level: PG, PG-13, R, X or XXX. [default: PG]")
        var level: String?

        @Option(help: "A picture above the text; \"\" takes it away.", completion: .file())
        var cover: String?

        func run() async throws {
            var text: String?
            if let file {
                let bytes =
                    file == "-"
                    ? FileHandle.standardInput.readDataToEndOfFile()
                    : try Data(contentsOf: URL(filePath: Paths.absolute(file).string))
                text = String(decoding: bytes, as: UTF8.self)
            }
            let reply = try await node.run(
                WriteArticle(
                    account: signing.account, slug: slug, title: title, text: text, tags: tags.isEmpty ? nil : tags,
                    level: level, cover: cover.map { $0.isEmpty ? "" : Paths.absolute($0).string }))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List articles, newest first.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var list: WorkListOptions

        func run() async throws {
            let page = try await node.run(
                ListArticles(creator: list.creator, limit: list.limit, cursor: list.cursor))
            try Terminal.works(
                page, json: output.json, verb: "article",
                first: "No articles yet; `waggle article write NAME FILE` writes one.")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show an article.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "@maker/short-name.")
        var reference: String

        func run() async throws {
            try Terminal.work(
                try await node.run(ShowArticle(reference: reference)), json: output.json, file: "cover")
        }
    }
}

struct WorkflowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workflow", abstract: "ComfyUI workflows.",
        discussion: """
            EXAMPLES
              waggle workflow publish upscale upscale.json --name "Upscale twice"
              waggle workflow show @me/upscale
            """,
        subcommands: [Publish.self, List.self, Show.self])

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish", abstract: "Publish a workflow, or change one; what is left out stays as it is.",
            discussion: "`waggle rm ID` takes it back.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "Its short name: a-z, 0-9, - _ .")
        var slug: String

        @Argument(help: "The graph, as ComfyUI saves it.", completion: .file())
        var file: String?

        @Option(help: "Its name.")
        var name: String?

        @Option(help: "What it does and needs, in Markdown.")
        var description: String?

        @Option(name: .customLong("tag"), help: "A tag; may be repeated.")
        var tags: [String] = []

        @Option(help: "Content level: PG, PG-13, R, X or XXX. [default: PG]")
        var level: String?

        func run() async throws {
            let graph = file.map { Paths.absolute($0).string }
            if let graph {
                let findings = try await node.run(DraftWorkflow(graph: graph)).findings
                Terminal.note(findings)
                // What is signed goes to other nodes at once.
                if !findings.isEmpty, Terminal.isInteractive, !Terminal.confirm("Sign and publish this?") {
                    throw OperationError(.failed, "nothing was published")
                }
            }
            let reply = try await node.run(
                PublishWorkflow(
                    account: signing.account, slug: slug, graph: graph, title: name,
                    description: description, tags: tags.isEmpty ? nil : tags, level: level))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List workflows, newest first.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var list: WorkListOptions

        func run() async throws {
            let page = try await node.run(
                ListWorkflows(creator: list.creator, limit: list.limit, cursor: list.cursor))
            try Terminal.works(
                page, json: output.json, verb: "workflow",
                first: "No workflows yet; `waggle workflow publish NAME FILE` shares one.")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a workflow.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "@maker/short-name.")
        var reference: String

        func run() async throws {
            try Terminal.work(
                try await node.run(ShowWorkflow(reference: reference)), json: output.json, file: "graph")
        }
    }
}
