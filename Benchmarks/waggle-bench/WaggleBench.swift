import ArgumentParser
import CWaggleSystem

/// The measurements that need the modules themselves; `Benchmarks/run.py` runs it, and measures whole processes by itself.
@main
struct WaggleBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waggle-bench", abstract: "Parts of `make bench`.",
        subcommands: [
            IntakeCommand.self, AdoptCommand.self, NamesCommand.self, HomeCommand.self, SmallBlobsCommand.self,
            StreamCommand.self, FloodCommand.self, SizesCommand.self,
            FillCatalogCommand.self,
            QueryCatalogCommand.self, ReactionsCommand.self, LedgerCommand.self, ServeBytesCommand.self,
            LoadCommand.self, ThumbnailsCommand.self, RecipesCommand.self, ModerationBenchCommand.self,
            ReportsCommand.self,
        ])

    static func main() async {
        // As the node's process does.
        waggle_tune_malloc()
        waggle_tune_sqlite()
        await main(nil)
    }
}
