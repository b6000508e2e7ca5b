import Digests
import PostLog

/// A post as far as the machines between nodes care. Its id is a hash of all of it but the signature.
struct SimulatedPost: Hashable {
    let author: Int
    let number: Int
    /// Unix seconds by the author's clock.
    let created: UInt64
    let bytes: Int
    /// False for a forged copy: same id, broken signature.
    var isSigned = true
    let id: Hash32

    init(author: Int, number: Int, created: UInt64, bytes: Int) {
        self.author = author
        self.number = number
        self.created = created
        self.bytes = bytes
        id = SHA256.hash(Array("post \(author) \(number) \(created) \(bytes)".utf8))
    }

    var record: ReconciliationRecord { ReconciliationRecord(created: created, id: id) }

    var forged: SimulatedPost {
        var copy = self
        copy.isSigned = false
        return copy
    }

    static func authorID(_ author: Int) -> Hash32 { SHA256.hash(Array("author \(author)".utf8)) }
    static func nodeID(_ node: Int) -> Hash32 { SHA256.hash(Array("node \(node)".utf8)) }
}
