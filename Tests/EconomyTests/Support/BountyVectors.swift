import Digests
import Foundation
import Identity
import Ledger
import SwiftProtobuf
import WaggleProtocol

@testable import Economy

/// `bounties.json`: posts of kinds 23 to 25 and orders of a currency, and what is to be done with each hold at which time.
struct BountyVectors: Codable, Equatable {
    var description =
        "Bounties (spec/bounties.md). bodies: envelopes whose signatures are good, and whether their bodies are any of kinds 23 "
        + "to 25. cases: all posts about a bounty, when the arbiter had each entry, the accounts of authors, and the orders that "
        + "are final and mention it, in the order of the log; then what is decided about each hold at a time."
    var bodies: [Body] = []
    var cases: [Case] = []

    struct Body: Codable, Equatable {
        let name: String
        let envelope: String
        /// Of a good post.
        var id: Hash32?
        var kind: UInt32?
    }

    struct Case: Codable, Equatable {
        let name: String
        let charter: String
        let bounty: String
        /// By author.
        let accounts: [String: Hash32]
        let entries: [Entry]
        let awards: [String]
        let orders: [String]
        var moments: [Moment] = []
    }

    struct Entry: Codable, Equatable {
        let envelope: String
        /// At the arbiter, unix seconds.
        let arrived: UInt64
    }

    struct Moment: Codable, Equatable {
        let now: UInt64
        let phase: String
        let holds: [Outcome]
    }

    struct Outcome: Codable, Equatable {
        let hold: Hash32
        let isEscrow: Bool
        /// closed, wait, pay, give back, expire.
        let decision: String
        var until: UInt64?
        /// The award that pays; without one, the rule does.
        var award: Hash32?
        var why: String?
        var outputs: [Paid]?
    }

    struct Paid: Codable, Equatable {
        let account: Hash32
        let amount: Int64
    }

    static let file = VectorFile(name: "bounties.json") { try make() }

    static func make() throws -> BountyVectors {
        var vectors = BountyVectors()
        vectors.bodies = try BountyBodies().all()
        vectors.cases = try (1...16 as ClosedRange<UInt64>).map { seed in try BountyCase(seed: seed).written() }
        return vectors
    }
}

extension BountyVectors.Case {
    /// What the posts and orders alone say.
    func opened() throws -> (bounty: Bounty, charter: Charter) {
        let charter = try Charter(bytes: Data(Self.bytes(charter)))
        let post = try Self.post(bounty)
        guard case .bounty(let body) = post.post.body,
            let terms = BountyTerms(post: post.id, poster: post.author, body)
        else { throw VectorError("no bounty") }
        let entries = try entries.map { entry in
            let post = try Self.post(entry.envelope)
            return BountyEntry(
                post: post.id, author: post.author, account: accounts[post.author.hex], created: post.post.created,
                arrived: entry.arrived)
        }
        let awards = try awards.map { award in
            let post = try Self.post(award)
            guard case .bountyAward(let body) = post.post.body else { throw VectorError("no award") }
            let shares = body.shares.compactMap { share in
                Hash32(share.entry).map { BountyAward.Share(entry: $0, weight: share.weight) }
            }
            return BountyAward(
                post: post.id, author: post.author, account: accounts[post.author.hex], created: post.post.created,
                shares: shares)
        }
        let orders = try orders.map { try Order(bytes: Data(Self.bytes($0))) }
        return (
            Bounty(
                terms, entries: entries, awards: awards, backings: BountyBacking.all(about: terms.post, in: orders)),
            charter
        )
    }

    /// What is decided about each hold at a time.
    func moment(at now: UInt64) throws -> BountyVectors.Moment {
        let (bounty, charter) = try opened()
        return BountyVectors.Moment(
            now: now, phase: bounty.phase(at: now).rawValue,
            holds: bounty.backings.map { backing in
                let decision = bounty.decision(on: backing, at: now, epoch: charter.epoch(at: now), charter)
                return .init(backing.hold, isEscrow: bounty.isEscrow(backing), decision)
            })
    }

    private static func post(_ hex: String) throws -> SignedPost { try SignedPost(envelope: Data(bytes(hex))) }

    private static func bytes(_ hex: String) throws -> [UInt8] {
        guard let bytes = Hex.decode(hex) else { throw VectorError("no hexadecimal digits") }
        return bytes
    }
}

extension BountyVectors.Outcome {
    init(_ hold: Hash32, isEscrow: Bool, _ decision: BountyDecision) {
        switch decision {
        case .closed: self.init(hold: hold, isEscrow: isEscrow, decision: "closed")
        case .wait(let until): self.init(hold: hold, isEscrow: isEscrow, decision: "wait", until: until)
        case .expire: self.init(hold: hold, isEscrow: isEscrow, decision: "expire")
        case .giveBack(let why):
            let words =
                switch why {
                case .asked: "asked"
                case .noEntries: "no entries"
                case .rule: "rule"
                }
            self.init(hold: hold, isEscrow: isEscrow, decision: "give back", why: words)
        case .pay(let outputs, let by):
            let award: Hash32? = if case .award(let award) = by { award } else { nil }
            self.init(
                hold: hold, isEscrow: isEscrow, decision: "pay", award: award, why: award == nil ? "rule" : "award",
                outputs: outputs.map { .init(account: $0.account, amount: $0.amount) })
        }
    }
}

struct VectorError: Error {
    let what: String

    init(_ what: String) {
        self.what = what
    }
}
