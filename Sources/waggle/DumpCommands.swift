import ArgumentParser
import Operations
import SystemPackage

struct DumpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Write all public posts into one file; a running node does it each night.",
        discussion: """
            The file is in the home under dumps/, and at /dumps of a running node: a line of JSON for each post that visitors
            may see, with its signed bytes, compressed (zstd). `zstdcat FILE | jq` reads it, `waggle import` takes it in.
            Set dump = "off" in waggle.toml to have none at night.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let facts = try await node.run(WriteDump())
        if output.json { return try Terminal.json(facts) }
        Terminal.print("\(node.resolvedHome.dumps.appending(facts.name))")
        Terminal.note("\(facts.posts) posts, \(facts.size) bytes, SHA-256 \(facts.sha256)")
    }
}

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take in the posts of a dump, each verified.",
        discussion: """
            EXAMPLES
              curl -O https://models.example/dumps/public-2026-03-01.ndjson.zst
              waggle import public-2026-03-01.ndjson.zst
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    @Argument(help: "The dump.", completion: .file())
    var file: String

    func run() async throws {
        let reply = try await node.run(ImportDump(path: Paths.absolute(file).string))
        if output.json {
            try Terminal.json(reply)
        } else {
            Terminal.print(
                "\(reply.posts) posts: \(reply.new) new, \(reply.known) known, \(reply.invalid) invalid, "
                    + "\(reply.unwanted) unwanted")
            for reason in reply.reasons { Terminal.note("refused: \(Terminal.plain(reason))") }
        }
        if !reply.isComplete {
            throw OperationError(.integrity, "the dump ends before its last line: it was cut off, or changed")
        }
        if reply.invalid > 0 {
            throw OperationError(.integrity, "\(reply.invalid) posts of the dump were not valid and were left out")
        }
    }
}
