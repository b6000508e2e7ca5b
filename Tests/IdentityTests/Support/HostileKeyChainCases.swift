import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

extension KeyChainVectors {
    /// Successors that are none.
    static func hostileCases() -> [Case] {
        [
            one("a document of another parent waits") {
                $0.genesis(keyDocument())
                $0.add("orphan", 2, after: "nothing that is here", keyDocument(), "waits")
                $0.inForce("genesis")
            },
            one("versions rise by one") {
                $0.genesis(keyDocument())
                $0.add("jump", 3, after: "genesis", keyDocument(), "refused")
                $0.add("second", 2, after: "genesis", keyDocument())
                $0.add("again", 2, after: "second", keyDocument(), "refused")
                $0.inForce("genesis", "second")
            },
            one("the role never changes") {
                $0.genesis(keyDocument())
                $0.add("node", 2, after: "genesis", keyDocument { $0.role = .node }, "refused")
                $0.add(
                    "node by rotation", 2, after: "genesis", keyDocument(roots: ["next"], next: []) { $0.role = .node },
                    by: ["next"], "refused")
                $0.inForce("genesis")
            },
            one("roots that nobody committed to are refused") {
                $0.genesis(keyDocument(next: ["next", "next b"], nextThreshold: 1))
                $0.add("another key", 2, after: "genesis", keyDocument(roots: ["thief"]), by: ["thief"], "refused")
                $0.add(
                    "another key by the root", 2, after: "genesis", keyDocument(roots: ["root", "thief"]), "refused")
                $0.add("one of two", 2, after: "genesis", keyDocument(roots: ["next"]), by: ["next"], "refused")
                $0.add(
                    "one more", 2, after: "genesis", keyDocument(roots: ["next", "next b", "thief"]), by: ["next"],
                    "refused")
                $0.add(
                    "a higher threshold", 2, after: "genesis", keyDocument(roots: ["next", "next b"], threshold: 2),
                    by: ["next", "next b"], "refused")
                $0.inForce("genesis")
            },
            one("an update that changes what was committed to is refused") {
                $0.genesis(keyDocument(next: ["next", "next b"], nextThreshold: 2))
                $0.add("other next roots", 2, after: "genesis", keyDocument(next: ["thief"]), "refused")
                $0.add("no next roots", 2, after: "genesis", keyDocument(next: []), "refused")
                $0.add(
                    "a lower next threshold", 2, after: "genesis",
                    keyDocument(next: ["next", "next b"], nextThreshold: 1), "refused")
                $0.add(
                    "the same in another order", 2, after: "genesis",
                    keyDocument(next: ["next b", "next"], nextThreshold: 2), "refused")
                $0.inForce("genesis")
            },
            one("without next roots there is no rotation") {
                $0.genesis(keyDocument(next: []))
                $0.add("rotation", 2, after: "genesis", keyDocument(roots: ["next"], next: []), by: ["next"], "refused")
                $0.add(
                    "by both", 2, after: "genesis", keyDocument(roots: ["next"], next: []), by: ["root", "next"],
                    "refused")
                $0.inForce("genesis")
            },
            one("a signature by a key that is no root spoils the document") {
                $0.genesis(keyDocument())
                $0.add("with a stranger", 2, after: "genesis", keyDocument(), by: ["root", "stranger"], "refused")
                $0.add("by a stranger", 2, after: "genesis", keyDocument(), by: ["stranger"], "refused")
                $0.inForce("genesis")
            },
            one("a document is not older than its parent") {
                $0.genesis(keyDocument(), created: 1000)
                $0.add("older", 2, after: "genesis", keyDocument(), created: 999, "refused")
                $0.add("as old", 2, after: "genesis", keyDocument(), created: 1000)
                $0.inForce("genesis", "as old")
            },
            one("a genesis is signed by its own roots") {
                $0.genesis(keyDocument(), by: ["root", "stranger"], "refused")
            },
            one("a genesis needs its threshold") {
                $0.genesis(keyDocument(roots: ["a", "b"], threshold: 2), by: ["a"], "refused")
            },
        ]
    }

    /// One refused genesis for each rule about the form of a document.
    static func hostileForms() -> [Case] {
        let many = (0..<65).map { "key \($0)" }
        let forms: [(String, WireKeyDocument)] = [
            ("a genesis with a previous id", keyDocument(after: .zero)),
            ("no roots", keyDocument { $0.roots = [] }),
            ("65 roots", keyDocument { $0.roots = (many.dropLast() + ["root"]).map { testKey($0).publicKey.data } }),
            ("a root of 31 bytes", keyDocument { $0.roots.append(Data(count: 31)) }),
            ("a root twice", keyDocument(roots: ["root", "root"])),
            ("a threshold of 0", keyDocument(threshold: 0)),
            ("a threshold above the number of roots", keyDocument(threshold: 2)),
            ("a threshold of 2^32 - 1", keyDocument(threshold: .max)),
            ("65 next roots", keyDocument(next: many)),
            ("a next root of 33 bytes", keyDocument { $0.nextRoots = [Data(count: 33)] }),
            ("a next root twice", keyDocument(next: ["next", "next"])),
            ("a next threshold of 0", keyDocument(nextThreshold: 0)),
            ("a next threshold above the number of next roots", keyDocument(nextThreshold: 2)),
            ("a next threshold without next roots", keyDocument(next: []) { $0.nextThreshold = 1 }),
            (
                "a device key of 31 bytes",
                keyDocument(devices: [.with { ($0.key, $0.scopes) = (Data(count: 31), [.post]) }])
            ),
            ("a device twice", keyDocument(devices: [device("laptop"), device("laptop", [.review])])),
            ("a device that is a root", keyDocument(devices: [device("root")])),
            ("a device without scopes", keyDocument(devices: [device("laptop", [])])),
            (
                "a device with 17 scopes",
                keyDocument(devices: [device("laptop", [WireScope](repeating: .post, count: 17))])
            ),
            ("a device with a label of 129 bytes", keyDocument(devices: [device(String(repeating: "l", count: 129))])),
            ("a device that ends before it begins", keyDocument(devices: [device("laptop", from: 2, until: 1)])),
            (
                "a revocation of a key of 31 bytes",
                keyDocument(revocations: [.with { ($0.key, $0.reason) = (Data(count: 31), .lost) }])
            ),
            ("a revocation without a reason", keyDocument(revocations: [revocation("laptop", .unspecified, since: 1)])),
            (
                "a revocation of an unknown reason",
                keyDocument(revocations: [revocation("laptop", .UNRECOGNIZED(9), since: 1)])
            ),
            (
                "a retired key with a checkpoint",
                keyDocument(revocations: [revocation("laptop", .retired, since: 1, checkpoint: .zero)])
            ),
            (
                "a checkpoint of 31 bytes",
                keyDocument(revocations: [
                    .with { ($0.key, $0.reason, $0.checkpoint) = (Data(count: 32), .lost, Data(count: 31)) }
                ])
            ),
            ("no role", keyDocument { $0.role = .unspecified }),
            ("an unknown role", keyDocument { $0.role = .UNRECOGNIZED(3) }),
            ("a box key of 31 bytes", keyDocument { $0.boxKey = Data(count: 31) }),
        ]
        return forms.map { name, document in one(name) { $0.genesis(document, "refused") } }
    }
}
