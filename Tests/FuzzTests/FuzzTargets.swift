import Digests
import Foundation
import Identity
import PostLog
import SwiftProtobuf
import WaggleProtocol

@testable import Federation

/// A parser of bytes that peers send, and what must hold of it. Nil when it does, else what does not.
struct FuzzTarget: Sendable, CustomStringConvertible {
    let name: String
    /// File of the corpus, without its ending.
    let corpus: String
    let check: @Sendable ([UInt8]) -> String?

    var description: String { name }

    static let all = exchange + content

    /// What nodes say to each other.
    private static let exchange: [FuzzTarget] = [
        FuzzTarget(name: "negentropy, as a question", corpus: "negentropy") { bytes in
            guard let answer = try? ours.respond(to: bytes) else { return nil }
            return answer.count <= 4096 ? nil : "an answer of \(answer.count) bytes"
        },
        FuzzTarget(name: "negentropy, as an answer", corpus: "negentropy") { bytes in
            guard let step = try? ours.advance(bytes) else { return nil }
            if let message = step.message, message.count > 4096 { return "a message of \(message.count) bytes" }
            return step.need.count <= bytes.count / 32 ? nil : "more ids than there are bytes for"
        },
        FuzzTarget(name: "envelope", corpus: "envelope") { bytes in
            guard let opened = try? OpenedEnvelope(Data(bytes)) else { return nil }
            guard Array(opened.envelope) == bytes else { return "the stored bytes are not those that came" }
            guard let post = try? UnverifiedPost(opened) else { return nil }
            return post.id == opened.id ? nil : "two ids of one envelope"
        },
        FuzzTarget(name: "signed post and key chain", corpus: "envelope") { bytes in
            guard let post = try? SignedPost(envelope: Data(bytes)) else { return nil }
            _ = try? KeyChain(genesis: post)
            return (try? SignedPost(stored: post.envelope))?.id == post.id ? nil : "what was taken cannot be read again"
        },
        FuzzTarget(name: "who answers", corpus: "node") { bytes in
            guard let info = try? WireNodeInfo(serializedBytes: bytes) else { return nil }
            _ = try? NodeCard(keyDocuments: info.keyChain, announce: info.announce)
            return nil
        },
        FuzzTarget(name: "posts and ids offered", corpus: "batch") { bytes in
            guard let batch = try? WirePostBatch(serializedBytes: bytes) else { return nil }
            for envelope in batch.envelopes { _ = try? OpenedEnvelope(envelope) }
            let ids = batch.offered.compactMap { Hash32($0) }
            return ids.allSatisfy { $0.data.count == 32 } ? nil : "a name that is not 32 bytes"
        },
        FuzzTarget(name: "results", corpus: "results") { bytes in
            guard let results = try? WirePostResults(serializedBytes: bytes) else { return nil }
            for result in results.results { _ = Gossip.Outcome(result) }
            return nil
        },
        FuzzTarget(name: "sync", corpus: "sync") { bytes in
            guard let sync = try? WireSyncMessage(serializedBytes: bytes) else { return nil }
            _ = try? ours.respond(to: [UInt8](sync.message))
            return nil
        },
        FuzzTarget(name: "stream frames", corpus: "stream") { bytes in
            // Cut anywhere, the frames are the same.
            let whole = frames(bytes, piece: bytes.count)
            return frames(bytes, piece: 7) == whole ? nil : "frames depend on how the bytes arrive"
        },
        FuzzTarget(name: "structured fields", corpus: "fields") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            _ = try? ContentDigest.digest(in: [text])
            let request = ReceivedRequest(
                method: "POST", requestTarget: "/w/1/posts", authority: "node.example",
                fields: [("Signature-Input", text), ("Signature", text), ("Content-Digest", text)], hasBody: true)
            _ = try? verifier.claim(of: request, now: 1_000_000)
            return nil
        },
        FuzzTarget(name: "addresses", corpus: "addresses") { bytes in
            guard let url = try? PeerURL(String(decoding: bytes, as: UTF8.self)) else { return nil }
            return (try? PeerURL(url.description)) == url ? nil : "\(url) is not read as it is written"
        },
    ]

    /// A set of ours that messages are about.
    private static let ours: Negentropy<ReconciliationIndex> = {
        let records = (0..<600).map { number in
            ReconciliationRecord(created: UInt64(number % 300), id: SHA256.hash(Array("\(number)".utf8)))
        }
        // 4096 is no frame limit that is refused.
        return try! Negentropy(ReconciliationIndex(records.sorted()), frameLimit: 4096)
    }()

    private static let verifier = RequestVerifier(urls: [try! PeerURL("https://node.example")])

    private static func frames(_ bytes: [UInt8], piece: Int) -> [WireStreamFrame] {
        var reader = FrameReader()
        var found: [WireStreamFrame] = []
        for start in stride(from: 0, to: bytes.count, by: max(1, piece)) {
            reader.append(bytes[start..<min(start + max(1, piece), bytes.count)])
            do {
                while let frame = try reader.next() { found.append(frame) }
            } catch {
                return found
            }
        }
        return found
    }
}
