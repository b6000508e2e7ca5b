import ArgumentParser
import FoundationEssentials
import Identity
import PostLog

/// The log of a node as it is after a while.
struct HomeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "home", abstract: "Fill a home's log with posts of others: keys, models, releases, reviews.")

    @Argument(help: "A home that `waggle init` made.")
    var home: String

    @Option(help: "Posts.")
    var count = 100_000

    func run() async throws {
        let authors = try (0..<SignedPosts.authors).map { _ in try BenchAuthor() }
        let (models, releases) = try SignedPosts.models(count / authors.count, by: authors)
        let keyDocuments = authors.flatMap(\.keyDocuments)
        let reviews = try await SignedPosts.reviews(
            count - keyDocuments.count - models.count, by: authors, of: releases)
        let log = try PostLog(path: "\(home)/db/posts.db") { UInt64(Date().timeIntervalSince1970) }
        let results = try await log.intake.submit(keyDocuments + (models + reviews).map(\.envelope), from: .local)
        if let refused = results.first(where: { $0 != .new }) { throw BenchError(what: "\(refused)") }
        log.close()
    }
}
