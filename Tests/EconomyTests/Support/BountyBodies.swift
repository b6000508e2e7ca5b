import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

@testable import Economy

/// Posts of kinds 23 to 25 that are taken, and such as nobody takes although their signatures are good.
struct BountyBodies {
    private let person = VectorPerson("poster")
    private let hash = SHA256.hash(Array("something".utf8)).data

    private var bounty: WireBounty {
        var body = BountyCase.body
        body.currency = hash
        body.deadline = 2_000_000_000
        body.decided = 2_000_000_000
        body.rule = .refund
        return body
    }

    func all() throws -> [BountyVectors.Body] {
        var bodies: [BountyVectors.Body] = []
        for (name, body) in good {
            let post = try person.sign(body, created: 1_900_000_000)
            bodies.append(
                .init(name: name, envelope: Hex.encode(post.envelope), id: post.id, kind: post.kind.rawValue))
        }
        for (name, body) in refused { bodies.append(.init(name: name, envelope: Hex.encode(try sealed(body)))) }
        return bodies
    }

    private var good: [(String, WirePost.OneOf_Body)] {
        [
            ("a bounty", .bounty(bounty)),
            ("no level", .bounty(with { $0.level = 0 })),
            ("the latest time", .bounty(with { $0.decided = Limits.Economy.latestTime })),
            ("an entry of words", .bountyEntry(entry { $0.text = "Here." })),
            ("an entry of 16 works", .bountyEntry(entry { $0.works = .init(repeating: hash, count: 16) })),
            ("all of it back", .bountyAward(award([]))),
            ("two winners", .bountyAward(award([(1, 1), (2, 1000)]))),
            ("16 winners", .bountyAward(award((1...16).map { ($0, 1) }))),
        ]
    }

    private var refused: [(String, WirePost.OneOf_Body)] {
        [
            ("no title", .bounty(with { $0.title = "" })), ("two levels at once", .bounty(with { $0.level = 3 })),
            ("no rule", .bounty(with { $0.rule = .unspecified })),
            ("a rule that is none", .bounty(with { $0.rule = .UNRECOGNIZED(9) })),
            ("no deadline", .bounty(with { $0.deadline = 0 })),
            ("decided before the deadline", .bounty(with { $0.decided = $0.deadline - 1 })),
            ("after the year 9999", .bounty(with { $0.decided = Limits.Economy.latestTime + 1 })),
            ("a currency of 31 bytes", .bounty(with { $0.currency.removeLast() })),
            ("no arbiter", .bounty(with { $0.arbiter = Data() })),
            ("no arbiter's node", .bounty(with { $0.arbiterNode = Data() })),
            ("an empty entry", .bountyEntry(entry { _ in })),
            ("an entry to nothing", .bountyEntry(entry { ($0.bounty, $0.text) = (Data(), "Here.") })),
            ("17 works", .bountyEntry(entry { $0.works = .init(repeating: hash, count: 17) })),
            ("17 winners", .bountyAward(award((1...17).map { ($0, 1) }))),
            ("weight 0", .bountyAward(award([(1, 0)]))), ("weight 1001", .bountyAward(award([(1, 1001)]))),
            ("an entry twice", .bountyAward(award([(1, 1), (1, 2)]))),
        ]
    }

    private func with(_ change: (inout WireBounty) -> Void) -> WireBounty {
        var body = bounty
        change(&body)
        return body
    }

    private func entry(_ change: (inout WireBountyEntry) -> Void) -> WireBountyEntry {
        var body = WireBountyEntry()
        body.bounty = hash
        change(&body)
        return body
    }

    private func award(_ shares: [(UInt8, UInt32)]) -> WireBountyAward {
        .with {
            $0.bounty = hash
            $0.shares = shares.map { entry, weight in
                .with {
                    $0.entry = SHA256.hash([entry]).data
                    $0.weight = weight
                }
            }
        }
    }

    /// An envelope that its own maker would not read.
    private func sealed(_ body: WirePost.OneOf_Body) throws -> Data {
        let post = WirePost.with {
            $0.v = 1
            $0.author = person.author.data
            $0.device = person.key.publicKey.data
            $0.created = 1_900_000_000
            $0.body = body
            $0.kind = body.kind.rawValue
        }
        let payload: Data = try post.serializedBytes()
        let signed = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload)
        return try WireEnvelope.with {
            $0.payload = payload
            $0.type = 1
            $0.signatures = [
                .with {
                    $0.key = person.key.publicKey.data
                    $0.sig = Data(person.key.sign(signed))
                }
            ]
        }.serializedBytes()
    }
}
