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

    @Option(help: "Instead of them, the network of `catalog-fill` with this many releases.")
    var releases: Int?

    @Option(help: "Images of that network.")
    var images = 100_000

    func run() async throws {
        let log = try PostLog(path: "\(home)/db/posts.db") { UInt64(Date().timeIntervalSince1970) }
        defer { log.close() }
        if let releases {
            try await submitNetwork(releases: releases, to: log)
        } else {
            try await submitReviews(to: log)
        }
    }

    private func submitReviews(to log: PostLog) async throws {
        let authors = try (0..<SignedPosts.authors).map { _ in try BenchAuthor() }
        let (models, releases) = try SignedPosts.models(count / authors.count, by: authors)
        let keyDocuments = authors.flatMap(\.keyDocuments)
        let reviews = try await SignedPosts.reviews(
            count - keyDocuments.count - models.count, by: authors, of: releases)
        try await submit(keyDocuments + (models + reviews).map(\.envelope), to: log)
    }

    private func submitNetwork(releases: Int, to log: PostLog) async throws {
        let authors = try (0..<CatalogPosts.authorCount(releases)).map { _ in try BenchAuthor() }
        try await submit(authors.flatMap(\.keyDocuments), to: log)
        var posts = CatalogPosts(releases: releases, images: images, seed: 1, authors: authors)
        while case let batch = try posts.next(5000), !batch.isEmpty {
            // Who reviews one release twice replaces the first review; the log says so by itself.
            try await submit(batch.map(\.post.envelope), to: log)
        }
    }

    private func submit(_ envelopes: [Data], to log: PostLog) async throws {
        let results = try await log.intake.submit(envelopes, from: .local)
        if let refused = results.first(where: { $0 != .new }) { throw BenchError(what: "\(refused)") }
    }
}
