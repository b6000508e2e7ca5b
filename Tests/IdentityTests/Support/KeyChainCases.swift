import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

extension KeyChainVectors {
    static func make() -> KeyChainVectors {
        KeyChainVectors(
            cases: successionCases() + rotationCases() + branchCases() + deviceCases() + revocationCases()
                + hostileCases()
                + hostileForms())
    }

    /// One case, filled in by `fill`.
    static func one(_ name: String, _ fill: (inout KeyChainCase) -> Void) -> Case {
        var builder = KeyChainCase(name)
        fill(&builder)
        return builder.vectors
    }

    // MARK: Genesis, update, rotation

    private static func successionCases() -> [Case] {
        [
            one("a genesis alone") {
                $0.genesis(keyDocument(devices: [device("laptop")]))
                $0.inForce("genesis")
                $0.post(by: "laptop", true)
                $0.post(by: "stranger", false)
                $0.post(by: "root", false)
                $0.checkpoint(by: "root", accepted: true)
                $0.checkpoint(by: "root", "laptop", accepted: false)
                $0.checkpoint(by: "laptop", accepted: false)
            },
            one("a genesis by two of three roots") {
                $0.genesis(keyDocument(roots: ["a", "b", "c"], threshold: 2), by: ["a", "c"])
                $0.inForce("genesis")
                $0.checkpoint(by: "b", "c", accepted: true)
                $0.checkpoint(by: "a", "b", "c", accepted: true)
                $0.checkpoint(by: "b", accepted: false)
            },
            one("an update brings a device") {
                $0.genesis(keyDocument())
                $0.add("update", 2, after: "genesis", keyDocument(devices: [device("laptop")]))
                $0.inForce("genesis", "update")
                $0.post(by: "laptop", true)
                $0.post(by: "laptop", created: 1, true)
            },
            one("an update needs the threshold of the present roots") {
                let document = keyDocument(roots: ["a", "b", "c"], threshold: 2)
                $0.genesis(document, by: ["a", "b"])
                $0.add("by one", 2, after: "genesis", document, by: ["a"], "refused")
                $0.add("by two", 2, after: "genesis", document, by: ["b", "c"])
                $0.inForce("genesis", "by two")
            },
            one("a child that comes before its parent waits for it") {
                $0.genesis(keyDocument())
                $0.add("second", 2, after: "genesis", keyDocument(devices: [device("laptop")]))
                $0.add("third", 3, after: "second", keyDocument(devices: [device("laptop"), device("phone")]))
                $0.arrive([("genesis", "accepted"), ("third", "waits"), ("second", "accepted"), ("third", "accepted")])
                $0.inForce("genesis", "second", "third")
                $0.post(by: "phone", true)
            },
            one("a document that is here already changes nothing") {
                $0.genesis(keyDocument())
                $0.add("update", 2, after: "genesis", keyDocument())
                $0.arrive([("genesis", "accepted"), ("update", "accepted"), ("update", "accepted")])
                $0.inForce("genesis", "update")
            },
        ]
    }

    private static func rotationCases() -> [Case] {
        let rotated = keyDocument(roots: ["next"], next: ["next 2"])
        return [
            one("a rotation reveals the roots that were committed to") {
                $0.genesis(keyDocument(devices: [device("laptop")]))
                $0.add(
                    "rotation", 2, after: "genesis",
                    keyDocument(roots: ["next"], next: ["next 2"], devices: [device("laptop")]), by: ["next"])
                $0.add("update by the new root", 3, after: "rotation", rotated, by: ["next"])
                $0.add(
                    "update by the old root", 3, after: "rotation",
                    keyDocument(roots: ["next"], next: ["next 2"], devices: [device("thief")]), by: ["root"], "refused")
                $0.add(
                    "second rotation", 4, after: "update by the new root",
                    keyDocument(roots: ["next 2"], next: ["next 3"]), by: ["next 2"])
                $0.inForce("genesis", "rotation", "update by the new root", "second rotation")
                $0.checkpoint(by: "root", accepted: true)
                $0.checkpoint(by: "next", accepted: true)
                $0.checkpoint(by: "next 2", accepted: true)
                $0.checkpoint(by: "next 3", accepted: false)
                $0.checkpoint(by: "root", "next", accepted: false)
            },
            one("a rotation needs the threshold that was committed to") {
                $0.genesis(keyDocument(next: ["x", "y", "z"], nextThreshold: 2))
                let document = keyDocument(roots: ["z", "x", "y"], threshold: 2, next: [])
                $0.add("by one", 2, after: "genesis", document, by: ["x"], "refused")
                $0.add("by one and an old root", 2, after: "genesis", document, by: ["x", "root"], "refused")
                $0.add("by two, roots in another order", 2, after: "genesis", document, by: ["x", "z"])
                $0.inForce("genesis", "by two, roots in another order")
            },
            one("a rotation beats an update of the same version that came first") {
                $0.genesis(keyDocument())
                $0.add("update", 2, after: "genesis", keyDocument(devices: [device("thief")]))
                $0.add("rotation", 2, after: "genesis", rotated, by: ["next"])
                $0.inForce("genesis", "rotation")
                $0.post(by: "thief", false)
            },
            one("a rotation beats an update of the same version that comes later") {
                $0.genesis(keyDocument())
                $0.add("rotation", 2, after: "genesis", rotated, by: ["next"])
                $0.add("update", 2, after: "genesis", keyDocument(devices: [device("thief")]))
                $0.inForce("genesis", "rotation")
                $0.post(by: "thief", false)
            },
            one("a rotation beats updates of later versions") {
                $0.genesis(keyDocument())
                $0.add("update 2", 2, after: "genesis", keyDocument(devices: [device("thief")]))
                $0.add("update 3", 3, after: "update 2", keyDocument(devices: [device("thief")]))
                $0.add("update 4", 4, after: "update 3", keyDocument(devices: [device("thief")]))
                $0.add("rotation", 2, after: "genesis", rotated, by: ["next"])
                $0.add("update 5", 5, after: "update 4", keyDocument(devices: [device("thief")]))
                $0.inForce("genesis", "rotation")
                $0.post(by: "thief", false)
            },
            one("updates that a rotation follows stay in force, their rivals do not") {
                $0.genesis(keyDocument())
                $0.add("honest", 2, after: "genesis", keyDocument(devices: [device("laptop")]), created: 1100)
                $0.add("rival", 2, after: "genesis", keyDocument(devices: [device("thief")]), created: 1100)
                $0.add(
                    "rotation", 3, after: "honest",
                    keyDocument(roots: ["next"], next: [], devices: [device("laptop"), device("phone")]), by: ["next"],
                    created: 1200)
                $0.inForce("genesis", "honest", "rotation")
                $0.post(by: "laptop", true)
                $0.post(by: "phone", true)
                $0.post(by: "thief", false)
            },
            one("a device that only a beaten branch revokes is good again") {
                $0.genesis(keyDocument(devices: [device("laptop")]))
                $0.add(
                    "update", 2, after: "genesis",
                    keyDocument(revocations: [revocation("laptop", .compromised, since: 1000)]))
                $0.add(
                    "rotation", 2, after: "genesis",
                    keyDocument(roots: ["next"], next: [], devices: [device("laptop")]), by: ["next"])
                $0.inForce("genesis", "rotation")
                $0.post(by: "laptop", true)
            },
            one("two rotations of one version: disputed, the first seen stays in force") {
                $0.genesis(keyDocument())
                $0.add(
                    "rotation", 2, after: "genesis",
                    keyDocument(roots: ["next"], next: ["mine"], devices: [device("laptop")]), by: ["next"])
                $0.add(
                    "other", 2, after: "genesis",
                    keyDocument(roots: ["next"], next: ["theirs"], devices: [device("thief")]), by: ["next"])
                $0.inForce("genesis", "rotation", disputed: true)
                $0.post(by: "laptop", true)
                $0.post(by: "thief", false)
            },
            one("the same two rotations in the other order") {
                $0.genesis(keyDocument())
                $0.add(
                    "rotation", 2, after: "genesis",
                    keyDocument(roots: ["next"], next: ["mine"], devices: [device("laptop")]), by: ["next"])
                $0.add(
                    "other", 2, after: "genesis",
                    keyDocument(roots: ["next"], next: ["theirs"], devices: [device("thief")]), by: ["next"])
                $0.arrive([("genesis", "accepted"), ("other", "accepted"), ("rotation", "accepted")])
                $0.inForce("genesis", "other", disputed: true)
                $0.post(by: "laptop", false)
                $0.post(by: "thief", true)
            },
            one("two rotations of different versions of one generation are disputed too") {
                $0.genesis(keyDocument())
                $0.add("update", 2, after: "genesis", keyDocument())
                $0.add("later", 3, after: "update", rotated, by: ["next"])
                $0.add("earlier", 2, after: "genesis", rotated, by: ["next"], created: 1050)
                $0.inForce("genesis", "update", "later", disputed: true)
            },
            one("a rotation of the losing branch does not help it") {
                $0.genesis(keyDocument())
                $0.add("rotation", 2, after: "genesis", rotated, by: ["next"])
                $0.add("other", 2, after: "genesis", keyDocument(roots: ["next"], next: ["theirs"]), by: ["next"])
                $0.add("third", 3, after: "other", keyDocument(roots: ["theirs"], next: []), by: ["theirs"])
                $0.inForce("genesis", "rotation", disputed: true)
            },
        ]
    }

    // MARK: Branches of updates

    private static func branchCases() -> [Case] {
        [
            one("of two branches of updates the one with the higher version stands") {
                $0.genesis(keyDocument())
                $0.add("a2", 2, after: "genesis", keyDocument(devices: [device("a")]))
                $0.add("b2", 2, after: "genesis", keyDocument(devices: [device("b")]))
                $0.add("b3", 3, after: "b2", keyDocument(devices: [device("b")]))
                $0.inForce("genesis", "b2", "b3")
                $0.post(by: "a", false)
                $0.post(by: "b", true)
            },
            one("of two updates of one version the one with the lower id stands") {
                $0.genesis(keyDocument())
                $0.add("a", 2, after: "genesis", keyDocument(devices: [device("a")]))
                $0.add("b", 2, after: "genesis", keyDocument(devices: [device("b")]))
                let (lower, higher) = $0.byID("a", "b")
                $0.inForce("genesis", lower)
                $0.post(by: lower, true)
                $0.post(by: higher, false)
            },
            one("whatever order they come in") {
                $0.genesis(keyDocument())
                $0.add("a", 2, after: "genesis", keyDocument(devices: [device("a")]))
                $0.add("b", 2, after: "genesis", keyDocument(devices: [device("b")]))
                $0.arrive([("genesis", "accepted"), ("b", "accepted"), ("a", "accepted")])
                let (lower, higher) = $0.byID("a", "b")
                $0.inForce("genesis", lower)
                $0.post(by: lower, true)
                $0.post(by: higher, false)
            },
        ]
    }

    // MARK: Devices

    private static func deviceCases() -> [Case] {
        [
            one("a device's period is inclusive at both ends") {
                $0.genesis(
                    keyDocument(devices: [device("laptop", from: 2000, until: 3000), device("phone", from: 2000)]))
                $0.inForce("genesis")
                for (created, isAccepted) in [(1999, false), (2000, true), (3000, true), (3001, false)]
                    as [(UInt64, Bool)]
                {
                    $0.post(by: "laptop", created: created, isAccepted)
                }
                $0.post(by: "phone", created: 1999, false)
                $0.post(by: "phone", created: 1 << 52, true)
            },
            one("each kind needs its scope") {
                let scopes: [(String, WireScope, [UInt32])] = [
                    ("node", .node, [4]), ("release", .release, [10, 11, 12]), ("review", .review, [20, 21, 22]),
                    ("list", .list, [40, 41, 42, 46, 47, 48]), ("ledger", .ledger, [25, 60, 61, 62]),
                    ("post", .post, [3, 5, 13, 14, 15, 16, 23, 24, 45, 9, 39, 43, 44, 63, 4_294_967_295]),
                ]
                $0.genesis(keyDocument(devices: scopes.map { device($0.0, [$0.1]) }))
                $0.inForce("genesis")
                for (name, _, _) in scopes {
                    for (owner, _, kinds) in scopes {
                        for kind in kinds { $0.post(by: name, kind: kind, name == owner) }
                    }
                }
            },
            one("a delete may be signed with any scope, and covers what its scopes cover") {
                $0.genesis(keyDocument(devices: [device("reviewer", [.review]), device("both", [.review, .post])]))
                $0.inForce("genesis")
                $0.post(by: "reviewer", kind: 30, target: 20, true)
                $0.post(by: "reviewer", kind: 30, target: 13, false)
                $0.post(by: "both", kind: 30, target: 13, true)
                $0.post(by: "both", kind: 30, target: 11, false)
                for target: UInt32 in [1, 2, 30, 47] { $0.post(by: "both", kind: 30, target: target, false) }
            },
            one("a scope of unknown number grants nothing") {
                $0.genesis(keyDocument(devices: [device("laptop", [.UNRECOGNIZED(77), .post])]))
                $0.inForce("genesis")
                $0.post(by: "laptop", kind: 13, true)
                $0.post(by: "laptop", kind: 4, false)
            },
            one("a device that a later document leaves out ends when that document was made") {
                $0.genesis(keyDocument(devices: [device("laptop"), device("phone")]))
                $0.add("update", 2, after: "genesis", keyDocument(devices: [device("phone")]), created: 3000)
                $0.add("next update", 3, after: "update", keyDocument(devices: [device("phone")]), created: 4000)
                $0.inForce("genesis", "update", "next update")
                $0.post(by: "laptop", created: 3000, true)
                $0.post(by: "laptop", created: 3001, false)
                $0.post(by: "phone", created: 9000, true)
            },
            one("a device that is listed again counts as if it had never been left out") {
                $0.genesis(keyDocument(devices: [device("laptop")]))
                $0.add("without", 2, after: "genesis", keyDocument(), created: 3000)
                $0.add("with", 3, after: "without", keyDocument(devices: [device("laptop")]), created: 4000)
                $0.inForce("genesis", "without", "with")
                $0.post(by: "laptop", created: 3500, true)
                $0.post(by: "laptop", created: 5000, true)
            },
            one("the newest listing of a device counts for all its posts") {
                $0.genesis(keyDocument(devices: [device("laptop", [.post])]))
                $0.add(
                    "update", 2, after: "genesis", keyDocument(devices: [device("laptop", [.review], from: 1500)]),
                    created: 3000)
                $0.inForce("genesis", "update")
                $0.post(by: "laptop", kind: 20, created: 2000, true)
                $0.post(by: "laptop", kind: 20, created: 1400, false)
                $0.post(by: "laptop", kind: 13, created: 2000, false)
            },
        ]
    }

    private static func revocationCases() -> [Case] {
        let (named, other) = (SHA256.hash(Array("named".utf8)), SHA256.hash(Array("not named".utf8)))
        let (first, second) = (SHA256.hash(Array("checkpoint 1".utf8)), SHA256.hash(Array("checkpoint 2".utf8)))
        return [
            one("a retired key keeps what it signed up to that second") {
                $0.genesis(keyDocument(devices: [device("laptop")]))
                $0.add(
                    "update", 2, after: "genesis",
                    keyDocument(
                        devices: [device("laptop")], revocations: [revocation("laptop", .retired, since: 2000)]),
                    created: 9000)
                $0.inForce("genesis", "update")
                $0.post(by: "laptop", created: 2000, true)
                $0.post(by: "laptop", created: 2001, false)
            },
            one("a compromised key without a checkpoint keeps nothing") {
                $0.genesis(keyDocument(devices: [device("laptop")]))
                $0.add(
                    "update", 2, after: "genesis",
                    keyDocument(revocations: [revocation("laptop", .compromised, since: 2000)]), created: 3000)
                $0.inForce("genesis", "update")
                $0.post(by: "laptop", created: 1500, id: named, named: [first: [named]], false)
            },
        ]
            + [("lost", .lost), ("compromised", .compromised)].map { (word: String, reason: WireRevocationReason) in
                one("a \(word) key keeps what its checkpoint names, whatever its age") {
                    $0.genesis(keyDocument(devices: [device("laptop")]))
                    $0.add(
                        "update", 2, after: "genesis",
                        keyDocument(
                            devices: [device("laptop")],
                            revocations: [revocation("laptop", reason, since: 2000, checkpoint: first)]), created: 3000)
                    $0.inForce("genesis", "update")
                    $0.post(by: "laptop", created: 1500, id: named, named: [first: [named]], true)
                    $0.post(by: "laptop", created: 2500, id: named, named: [first: [named]], true)
                    $0.post(by: "laptop", created: 1500, id: other, named: [first: [named]], false)
                    $0.post(by: "laptop", created: 1500, id: named, named: [second: [named]], false)
                    $0.post(by: "laptop", created: 1500, id: named, false)
                }
            }
            + [
                one("what a checkpoint names must still lie in the device's period") {
                    $0.genesis(keyDocument(devices: [device("laptop", until: 1800)]))
                    $0.add(
                        "update", 2, after: "genesis",
                        keyDocument(
                            devices: [device("laptop", until: 1800)],
                            revocations: [revocation("laptop", .lost, since: 1700, checkpoint: first)]), created: 3000)
                    $0.inForce("genesis", "update")
                    $0.post(by: "laptop", created: 1801, id: named, named: [first: [named]], false)
                    $0.post(by: "laptop", created: 1800, id: named, named: [first: [named]], true)
                },
                one("a revocation stays when a later document leaves it out or lists the device again") {
                    $0.genesis(keyDocument(devices: [device("laptop")]))
                    $0.add(
                        "revoked", 2, after: "genesis",
                        keyDocument(revocations: [revocation("laptop", .compromised, since: 2000)]), created: 3000)
                    $0.add("listed again", 3, after: "revoked", keyDocument(devices: [device("laptop")]), created: 4000)
                    $0.inForce("genesis", "revoked", "listed again")
                    $0.post(by: "laptop", created: 5000, false)
                },
                one("a revocation may come before the device") {
                    $0.genesis(keyDocument(revocations: [revocation("laptop", .retired, since: 2000)]))
                    $0.add("update", 2, after: "genesis", keyDocument(devices: [device("laptop")]))
                    $0.inForce("genesis", "update")
                    $0.post(by: "laptop", created: 2000, true)
                    $0.post(by: "laptop", created: 2001, false)
                },
                one("the stronger reason and the earlier second stand, whichever came first") {
                    let listed = [device("laptop"), device("phone"), device("tablet")]
                    $0.genesis(keyDocument(devices: listed))
                    $0.add(
                        "update", 2, after: "genesis",
                        keyDocument(
                            devices: listed,
                            revocations: [
                                revocation("laptop", .compromised, since: 2000),
                                revocation("phone", .retired, since: 3000), revocation("tablet", .retired, since: 2000),
                            ]))
                    $0.add(
                        "weaker", 3, after: "update",
                        keyDocument(
                            devices: listed,
                            revocations: [
                                revocation("laptop", .retired, since: 9000), revocation("phone", .retired, since: 2000),
                                revocation("tablet", .lost, since: 9000),
                            ]))
                    $0.inForce("genesis", "update", "weaker")
                    $0.post(by: "laptop", created: 1500, false)
                    $0.post(by: "phone", created: 2000, true)
                    $0.post(by: "phone", created: 2500, false)
                    $0.post(by: "tablet", created: 1500, false)
                },
                one("the checkpoint that was named first stands") {
                    $0.genesis(keyDocument(devices: [device("laptop")]))
                    $0.add(
                        "none yet", 2, after: "genesis",
                        keyDocument(revocations: [revocation("laptop", .lost, since: 2000)]))
                    $0.add(
                        "first", 3, after: "none yet",
                        keyDocument(revocations: [revocation("laptop", .lost, since: 2000, checkpoint: first)]))
                    $0.add(
                        "second", 4, after: "first",
                        keyDocument(revocations: [revocation("laptop", .lost, since: 2000, checkpoint: second)]))
                    $0.inForce("genesis", "none yet", "first", "second")
                    $0.post(by: "laptop", created: 1001, id: named, named: [first: [named]], true)
                    $0.post(by: "laptop", created: 1001, id: named, named: [second: [named]], false)
                },
            ]
    }
}
