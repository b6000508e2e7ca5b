import ArgumentParser
import Foundation
import Operations

/// The filters of `ls` and `search`.
struct FilterOptions: ParsableArguments {
    @Option(name: .customLong("type"), help: "Only this kind: LORA, Checkpoint, …; may be repeated.")
    var types: [String] = []

    @Option(name: .customLong("not-type"), help: "Not this kind; may be repeated.")
    var excludedTypes: [String] = []

    @Option(name: .customLong("base"), help: "Only for this base model; may be repeated.")
    var baseModels: [String] = []

    @Option(name: .customLong("not-base"), help: "Not for this base model; may be repeated.")
    var excludedBaseModels: [String] = []

    @Option(name: .customLong("tag"), help: "Only with this tag; repeated: with all of them.")
    var tags: [String] = []

    @Option(name: .customLong("not-tag"), help: "Not with this tag; may be repeated.")
    var excludedTags: [String] = []

    @Option(name: .customLong("format"), help: "Only with a file of this format: SafeTensor, GGUF, …")
    var formats: [String] = []

    @Option(name: .customLong("licence"), help: "Only under this licence; may be repeated.")
    var licences: [String] = []

    @Option(
        name: .customLong("permits"),
        help: "Only what permits this: \(ModelFilters.permissionNames.joined(separator: ", ")).")
    var permissions: [String] = []

    @Option(name: .customLong("level"), help: "Only this level: PG, PG-13, R, X or XXX; may be repeated.")
    var levels: [String] = []

    @Option(help: "Only by this creator: @handle, or an author id.")
    var creator: String?

    @Option(help: "Only what was published in the last so many days.")
    var days: Int?

    @Flag(name: .customLong("from-here"), help: "Only what people of this node published.")
    var isFromHere = false

    @Option(help: "Order: \(ModelFilters.sorts.joined(separator: ", ")). [default: newest]")
    var sort: String?

    @Option(help: "At most so many.")
    var limit = 50

    @Option(help: "Where the last page ended.")
    var cursor: String?

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit is 1 to 100.") }
    }

    var value: ModelFilters {
        var filters = ModelFilters()
        filters.types = types
        filters.excludedTypes = excludedTypes
        filters.baseModels = baseModels
        filters.excludedBaseModels = excludedBaseModels
        filters.tags = tags
        filters.excludedTags = excludedTags
        filters.formats = formats
        filters.licences = licences
        filters.permissions = permissions
        filters.levels = levels
        filters.creator = creator
        filters.days = days
        filters.isFromHere = isFromHere
        filters.sort = sort
        return filters
    }
}

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List models.",
        discussion: """
            EXAMPLES
              waggle ls --type LORA --base "SDXL 1.0" --sort highestRated
              waggle ls --tag style --not-tag night --days 30 --json
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup(title: "FILTERS") var filters: FilterOptions

    func run() async throws {
        let page = try await node.run(
            ListModels(filters: filters.value, limit: filters.limit, cursor: filters.cursor))
        if output.json { return try Terminal.json(page) }
        if page.models.isEmpty {
            Terminal.note("No models here, or none that match. `waggle publish FILE --model @me/NAME --version 1.0`")
            Terminal.note("publishes one; `waggle peer add URL` follows a node that has some.")
        }
        page.printLines()
        if let next = page.next { Terminal.note("More: the same with --cursor \(next)") }
    }
}

struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Search models, collections, articles and workflows by their words.",
        discussion: """
            Words match from their beginning and all must be found; "phrases" match as written; -word leaves out. Typing
            errors are forgiven when no model matches as typed. Filters are for models.

            EXAMPLES
              waggle search honeycomb style
              waggle search '"wax lines" -night' --type LORA
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup(title: "FILTERS") var filters: FilterOptions

    @Argument(parsing: .remaining, help: "What to look for.")
    var words: [String]

    func run() async throws {
        let page = try await node.run(
            ListModels(
                text: words.joined(separator: " "), filters: filters.value, limit: filters.limit,
                cursor: filters.cursor))
        if output.json { return try Terminal.json(page) }
        if let corrected = page.corrected { Terminal.note("Nothing has those words; this is \"\(corrected)\".") }
        if page.models.isEmpty && page.works.isEmpty {
            Terminal.note("Nothing here matches; fewer words or filters find more.")
        }
        page.printLines()
        for work in page.works {
            Terminal.print([work.reference, Terminal.plain(work.name), work.kind, work.post].joined(separator: "\t"))
        }
        if let next = page.next { Terminal.note("More: the same with --cursor \(next)") }
    }
}

extension ListModels.Reply {
    fileprivate func printLines() {
        for model in models {
            Terminal.print(
                [
                    model.reference, Terminal.plain(model.name), Terminal.plain(model.type),
                    Terminal.plain(model.baseModel), ByteSize.text(model.size),
                    model.reviews > 0 ? "\(model.recommended)/\(model.reviews) recommend" : "-",
                    model.isHere ? "here" : "-",
                ].joined(separator: "\t"))
        }
    }
}

struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a page in the browser; prints its address.",
        discussion: "A release, model, image post, collection, article or workflow, or a person: @maker.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "@maker, @maker/name@version, a post id, a hash, …")
    var reference: String

    func run() async throws {
        let page = try await node.run(FindPage(reference: reference))
        if output.json { return try Terminal.json(page) }
        Terminal.print(page.url)
        let environment = ProcessInfo.processInfo.environment
        guard Terminal.isInteractive, environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil else {
            return
        }
        let browser = Process()
        browser.executableURL = URL(filePath: "/usr/bin/env")
        browser.arguments = ["xdg-open", page.url]
        browser.standardError = FileHandle.nullDevice
        try? browser.run()
    }
}
