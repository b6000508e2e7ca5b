import ArgumentParser
import Digests
import Dispatch
import FoundationEssentials
import Identity
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// How fast signed posts come in, beside the verification that nobody can do without.
struct IntakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "intake", abstract: "Take signed reviews into fresh logs; a JSON line of seconds a round.")

    @Argument(help: "A folder for the logs, which must be there.")
    var folder: String

    @Option(help: "Distinct reviews.")
    var count = 100_000

    @Option(help: "Rounds.")
    var rounds = 3

    /// Seconds of one round.
    private struct Round: Encodable {
        let count: Int
        /// libsodium alone, two threads.
        let verify: Double
        let intake: Double
        let duplicates: Double
    }

    /// Posts of one batch, as a peer sends them.
    private static let batchPosts = 1000
    /// Peers that send at once.
    private static let senders = 4

    func run() async throws {
        let authors = try (0..<SignedPosts.authors).map { _ in try BenchAuthor() }
        let releases = (0...count / authors.count).map { SHA256.hash(Array("release \($0)".utf8)) }
        let reviews = try await SignedPosts.reviews(count, by: authors, of: releases)
        let signatures = try reviews.map { try Signature($0) }
        let keyDocuments = authors.flatMap(\.keyDocuments)
        let batches = stride(from: 0, to: count, by: Self.batchPosts).map { start in
            reviews[start..<min(start + Self.batchPosts, count)].map(\.envelope)
        }
        for round in 1...rounds {
            let verify = Signature.seconds(toVerify: signatures)
            let log = try PostLog(path: "\(folder)/posts-\(round).db") { UInt64(Date().timeIntervalSince1970) }
            try await Self.submit([keyDocuments], to: log, expecting: .new)
            let intake = try await Self.submit(batches, to: log, expecting: .new)
            guard log.offered.count == count + keyDocuments.count else { throw BenchError(what: "posts are missing") }
            let duplicates = try await Self.submit(batches, to: log, expecting: .have)
            log.close()
            let line = Round(count: count, verify: verify, intake: intake, duplicates: duplicates)
            print(String(decoding: try JSONEncoder().encode(line), as: UTF8.self))
        }
    }

    /// Hands batches in from several senders at once; seconds until all are durable.
    @discardableResult
    private static func submit(_ batches: [[Data]], to log: PostLog, expecting expected: IntakeResult) async throws
        -> Double
    {
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<senders {
                group.addTask {
                    for batch in stride(from: sender, to: batches.count, by: senders) {
                        let results = try await log.intake.submit(batches[batch], from: .local)
                        if let other = results.first(where: { $0 != expected }) { throw BenchError(what: "\(other)") }
                    }
                }
            }
            try await group.waitForAll()
        }
        return (ContinuousClock.now - began) / .seconds(1)
    }
}

/// What a verifier is given of one post.
private struct Signature: Sendable {
    let message: [UInt8]
    let signature: [UInt8]
    let key: Hash32

    init(_ post: SignedPost) throws {
        let envelope = try WireEnvelope(serializedBytes: post.envelope)
        guard let signature = envelope.signatures.first, let key = Hash32(signature.key) else {
            throw BenchError(what: "a post without a signature")
        }
        message = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: post.payload)
        self.signature = [UInt8](signature.sig)
        self.key = key
    }

    /// Seconds of libsodium's verification of all on two threads.
    static func seconds(toVerify all: [Signature]) -> Double {
        let began = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            for index in stride(from: thread, to: all.count, by: 2) {
                let one = all[index]
                precondition(Ed25519.verify(one.signature, message: one.message, key: one.key), "a bad signature")
            }
        }
        return (ContinuousClock.now - began) / .seconds(1)
    }
}

/// A measurement that measured something else than it meant to.
struct BenchError: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}
