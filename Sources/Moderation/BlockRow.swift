import Digests
public import Formats
import WaggleProtocol

/// What this node blocks until somebody lifts it.
public enum BlockSubject: Sendable, Hashable {
    /// A file, everything with its tensors, or a post.
    case exact(ModerationSubject)
    /// Every picture that looks like one: at most `distance` bits of the perceptual hash differ.
    case picture(PDQHash, distance: Int)
}

/// A decision that can be taken back: what is refused here and answers 451, under which case, why, who, when.
public struct BlockRow: Sendable, Hashable {
    public let subject: BlockSubject
    public let caseNumber: String
    public let reason: String
    /// Who decided: an account name or a node.
    public let by: String
    /// Unix seconds.
    public let when: UInt64

    public init(subject: BlockSubject, caseNumber: String, reason: String, by: String, when: UInt64) {
        self.subject = subject
        self.caseNumber = caseNumber
        self.reason = reason
        self.by = by
        self.when = when
    }
}

/// All blocks in force, for asking. A value, so that a set of them is compared and tested as one.
struct Blocks: Sendable {
    private(set) var exact: [ModerationSubject: BlockRow] = [:]
    private(set) var pictures: [PDQHash: BlockRow] = [:]
    private var index = PictureIndex()
    private var indexed: [PDQHash] = []

    mutating func insert(_ row: BlockRow) {
        switch row.subject {
        case .exact(let subject): exact[subject] = row
        case .picture(let hash, let distance):
            let before = pictures.updateValue(row, forKey: hash)
            if before?.subject == row.subject { return }
            guard before == nil else { return indexAgain() }
            index.add(hash, distance: distance)
            indexed.append(hash)
        }
    }

    private mutating func indexAgain() {
        index = PictureIndex()
        indexed = []
        for case (let hash, .picture(_, let distance)) in pictures.mapValues(\.subject) {
            index.add(hash, distance: distance)
            indexed.append(hash)
        }
    }

    mutating func remove(_ subject: BlockSubject) {
        switch subject {
        case .exact(let subject): exact[subject] = nil
        case .picture(let hash, _):
            if pictures.removeValue(forKey: hash) != nil { indexAgain() }
        }
    }

    /// The nearest block of a picture, all its turned and mirrored forms compared.
    func picture(_ pdq: PDQ) -> BlockRow? {
        guard pdq.quality >= Self.leastQuality, let found = index.nearest(to: pdq) else { return nil }
        return pictures[indexed[found]]
    }

    static let leastQuality = Limits.Moderation.pictureQuality
}
