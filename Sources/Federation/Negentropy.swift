public import Digests
public import PostLog
public import WaggleProtocol

/// Range-based set reconciliation, Negentropy version 1: two nodes find out which ids each lacks, at a cost near that of
/// the difference.
///
/// The initiator sends `initiate()`, the responder answers each message with `respond(to:)`, and the initiator feeds each
/// answer to `advance(_:)` until that gives no further message. Neither side keeps anything between messages but its set,
/// so one message can be one HTTP request, and the set may change in between. `ReconciliationSession` is an initiator that
/// counts its rounds and reports each id once.
///
/// Wire-exact to the reference (`hoytech/negentropy`, protocol version 1) but for one point, in which the reference loses
/// ids: see `close`. A set of chosen ids can be made to have another's sum (at about 2³² steps), so a node must not rely
/// on reconciliation alone to notice a missing post.
public struct Negentropy<Storage: ReconciliationSet>: Sendable {
    /// What an initiator learns from one answer. With frame limits the same id may be reported again later.
    public struct Step: Hashable, Sendable {
        /// Ids that only this side holds.
        public var have: [Hash32] = []
        /// Ids that the responder listed and this side does not hold in the same range. The responder may list anything.
        public var need: [Hash32] = []
        /// What to send next; nil when all ranges are settled.
        public var message: [UInt8]?
    }

    private static var buckets: Int { 16 }

    private let set: Storage
    private let frameLimit: Int
    private let messageLimit: Int
    private let rangeLimit: Int

    /// - Parameters:
    ///   - set: the records of this side.
    ///   - frameLimit: the most bytes of a message from here, at least 4096; 0 for no limit.
    ///   - messageLimit: the most bytes of a message from the peer.
    ///   - rangeLimit: the most ranges of a message from either side.
    public init(
        _ set: Storage, frameLimit: Int = Limits.Wire.syncMessageBytes,
        messageLimit: Int = Limits.Wire.syncMessageBytes, rangeLimit: Int = Limits.Wire.syncRanges
    ) throws(NegentropyError) {
        guard frameLimit == 0 || frameLimit >= NegentropyWire.smallestFrame else {
            throw .frameLimitTooSmall(frameLimit)
        }
        self.set = set
        self.frameLimit = frameLimit
        self.messageLimit = messageLimit
        self.rangeLimit = rangeLimit
    }

    /// The first message, at most 1 KiB.
    public func initiate() -> [UInt8] {
        var writer = NegentropyWriter()
        split(0..<set.count, to: .infinity, into: &writer, hasher: SHA256())
        return writer.bytes
    }

    /// The responder's answer. To a message of another version it is the one byte that names ours.
    public func respond(to message: [UInt8]) throws(NegentropyError) -> [UInt8] {
        guard try version(of: message) == NegentropyWire.version else { return [NegentropyWire.version] }
        var pass = Pass()
        try walk(message, &pass) { pass, range, ranks, _ in
            writeFittingIDs(ranks, to: range.upper, &pass)
        }
        return pass.writer.bytes
    }

    /// What the initiator learns from an answer, and its next message.
    public func advance(_ answer: [UInt8]) throws(NegentropyError) -> Step {
        let version = try version(of: answer)
        guard version == NegentropyWire.version else {
            throw .unsupportedVersion(Int(version - NegentropyWire.versions.lowerBound))
        }
        var step = Step()
        var pass = Pass()
        try walk(answer, &pass) { pass, range, ranks, theirs in
            compare(ranks, with: theirs, &step)
            pass.deferSkip(to: range.upper, rank: ranks.upperBound)
        }
        step.message = pass.writer.bytes.count > 1 ? pass.writer.bytes : nil
        return step
    }

    // MARK: One pass over a message

    /// What is written so far, and the agreed ranges at its end that are not written yet: a skip is written only in front
    /// of something else, so that neighbouring skips become one and the last one none.
    private struct Pass {
        var writer = NegentropyWriter()
        let hasher = SHA256()
        /// The rank that the written bounds reach.
        var writtenRank = 0
        private var pendingSkip: (upper: NegentropyBound, rank: Int)?

        mutating func deferSkip(to upper: NegentropyBound, rank: Int) {
            pendingSkip = (upper, rank)
        }

        mutating func writePendingSkip() {
            guard let skip = pendingSkip else { return }
            writer.skip(to: skip.upper)
            writtenRank = skip.rank
            pendingSkip = nil
        }
    }

    /// Answers the ranges of `message` in order until the frame is full; `onIDs` answers an id list.
    private func walk(
        _ message: [UInt8], _ pass: inout Pass,
        onIDs: (inout Pass, NegentropyRange, Range<Int>, [Hash32]) -> Void
    ) throws(NegentropyError) {
        var reader = NegentropyReader(message[1...], rangeLimit: rangeLimit)
        var lower = 0
        while let range = try reader.next() {
            let upper = max(lower, set.lowerBound(of: range.upper.record))
            let ranks = lower..<upper
            lower = upper
            switch range.payload {
            case .skip:
                pass.deferSkip(to: range.upper, rank: upper)
            case .fingerprint(let theirs):
                if theirs == NegentropyFingerprint(of: set, ranks, hasher: pass.hasher) {
                    pass.deferSkip(to: range.upper, rank: upper)
                    continue
                }
                pass.writePendingSkip()
                let mark = pass.writer.mark
                split(ranks, to: range.upper, into: &pass.writer, hasher: pass.hasher)
                if isFull(pass.writer) {
                    pass.writer.takeBack(to: mark)
                    return close(&pass)
                }
                pass.writtenRank = upper
            case .ids(let theirs):
                onIDs(&pass, range, ranks, theirs)
                if isFull(pass.writer) {
                    return close(&pass)
                }
            }
        }
    }

    /// Ends a full frame with one fingerprint of all that was not answered.
    ///
    /// It covers the set from the last *written* bound, because that is where the peer takes the range to start. The
    /// reference starts behind the range that it dropped: a peer that holds nothing from the written bound on then sees the
    /// fingerprint that it expects, and the ids of the dropped range are lost to it.
    private func close(_ pass: inout Pass) {
        let rest = NegentropyFingerprint(of: set, pass.writtenRank..<set.count, hasher: pass.hasher)
        pass.writer.fingerprint(rest, to: .infinity)
    }

    /// A responder's id list of `ranks`, cut short where the frame is full.
    private func writeFittingIDs(_ ranks: Range<Int>, to upper: NegentropyBound, _ pass: inout Pass) {
        var fitting = ranks.count
        if frameLimit > 0 {
            // As in the reference, the id that passes the threshold is still written and the skip in front is not
            // counted: the margin has room for both.
            let room = frameLimit - NegentropyWire.frameMargin - pass.writer.bytes.count
            fitting = min(fitting, room / NegentropyWire.idBytes + 1)
        }
        pass.writePendingSkip()
        let end = ranks.lowerBound + fitting
        let bound = end == ranks.upperBound ? upper : NegentropyBound(at: set[end])
        pass.writer.ids(of: set, ranks.lowerBound..<end, to: bound)
        pass.writtenRank = end
    }

    /// No further range may follow but the closing one. A skip, an id list and the closing fingerprint may come after the
    /// last time that this was false.
    private func isFull(_ writer: NegentropyWriter) -> Bool {
        frameLimit > 0 && writer.bytes.count > frameLimit - NegentropyWire.frameMargin
            || writer.ranges > rangeLimit - 3
    }

    /// Fingerprints of sixteen parts of a large range, the ids of a small one.
    private func split(
        _ ranks: Range<Int>, to upper: NegentropyBound, into writer: inout NegentropyWriter, hasher: SHA256
    ) {
        guard ranks.count >= 2 * Self.buckets else {
            return writer.ids(of: set, ranks, to: upper)
        }
        var start = ranks.lowerBound
        for bucket in 0..<Self.buckets {
            let size = ranks.count / Self.buckets + (bucket < ranks.count % Self.buckets ? 1 : 0)
            let end = start + size
            let bound = end == ranks.upperBound ? upper : NegentropyBound(between: set[end - 1], and: set[end])
            writer.fingerprint(NegentropyFingerprint(of: set, start..<end, hasher: hasher), to: bound)
            start = end
        }
    }

    private func compare(_ ranks: Range<Int>, with theirs: [Hash32], _ step: inout Step) {
        var missing = Set(theirs)
        set.forEachID(in: ranks) { id in
            if missing.remove(id) == nil { step.have.append(id) }
        }
        step.need += theirs.filter { missing.remove($0) != nil }
    }

    private func version(of message: [UInt8]) throws(NegentropyError) -> UInt8 {
        guard message.count <= messageLimit else {
            throw .messageTooLong(bytes: message.count, limit: messageLimit)
        }
        guard let version = message.first else { throw .truncated }
        guard NegentropyWire.versions.contains(version) else { throw .notNegentropy(byte: version) }
        return version
    }
}
