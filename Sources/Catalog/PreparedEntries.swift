import FoundationEssentials
public import PostLog
import SwiftProtobuf
import WaggleProtocol

/// Entries of the log with what is made of them beside the database: the numbers of everything in them that an address
/// can name, and the forms in which bodies are kept.
public struct PreparedEntries: Sendable {
    /// In the log's order.
    public let entries: [LogEntry]
    /// Of each entry.
    let bodies: [KeptBodies]
    let allotment: LocalFacts.Allotment

    init(_ entries: [LogEntry], _ allotment: LocalFacts.Allotment) throws {
        self.entries = entries
        self.allotment = allotment
        bodies = try entries.map(KeptBodies.init)
    }
}

/// What the tables keep of an entry's body as it was signed.
struct KeptBodies: Sendable {
    /// Of a model or a release.
    private(set) var whole = Data()
    /// Of an image post or a review: one of each image.
    private(set) var images: [Data] = []

    init(_ entry: LogEntry) throws {
        guard entry.event == .shown else { return }
        switch entry.post.post.body {
        case .model(let body): whole = try body.serializedData()
        case .release(let body): whole = try body.serializedData()
        case .imagePost(let body): images = try body.images.map { try $0.serializedData() }
        case .review(let body): images = try body.images.map { try $0.serializedData() }
        default: break
        }
    }
}
