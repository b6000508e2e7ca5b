import Digests
import FoundationEssentials
import WaggleProtocol

/// Reading the logs of the other authorities: what is final there becomes final here.
extension QuorumService {
    /// Where another operator was asked last and did not answer; any other's where all did.
    var silentURL: String {
        let others = charter.authorities.indices.filter { $0 != own }
        return charter.authorities[others.first { !health[$0].isAnswering } ?? others.first ?? 0].url
    }

    /// Reads what is new. Returns when the logs of a quorum are read, or all that answer; others go on by themselves.
    ///
    /// - Returns: how many finals came.
    /// - Throws: `unreachable` when fewer than a quorum answer within `followPatience`.
    func follow() async throws(LedgerError) -> UInt64 {
        if let failure = book.failure { throw failure }
        let before = book.state().size
        let others = charter.authorities.indices.filter { $0 != own }
        let (ends, out) = AsyncStream<Bool?>.makeStream()
        for index in others {
            let task = reading(index)
            Task { out.yield(await task.value) }
        }
        let timer = Task {
            try? await Task.sleep(for: patience.follow)
            out.yield(nil)
        }
        var (answered, left) = (own == nil ? 0 : 1, others.count)
        for await end in ends {
            guard let isRead = end else { break }
            left -= 1
            if isRead { answered += 1 }
            if left == 0 || answered >= charter.quorum { break }
        }
        timer.cancel()
        out.finish()
        guard answered >= charter.quorum else {
            throw .unreachable(
                url: silentURL,
                reason: "only \(answered) of \(charter.authorities.count) operators of \(charter.symbol) answer, and "
                    + "\(charter.quorum) are needed")
        }
        let after = book.state().size
        return after - min(before, after)
    }

    /// One look at a time at each log; true when it was read.
    private func reading(_ index: Int) -> Task<Bool, Never> {
        if let running = running[index] { return running }
        let task = Task { () async -> Bool in
            defer { running[index] = nil }
            do throws(LedgerError) {
                try await read(index)
                return true
            } catch {
                health[index].noteFailure(error.message, at: now())
                return false
            }
        }
        running[index] = task
        return task
    }

    private func read(_ index: Int) async throws(LedgerError) {
        let (currency, url, transport) = (charter.currency, charter.authorities[index].url, transport)
        let text = try await timed(index) { () async throws(LedgerError) in
            try await transport.checkpoint(currency, at: url)
        }
        let (note, checkpoint) = try ReplicaService.open(text, charter)
        guard
            checkpoint.origin
                == LedgerCheckpoint.origin(currency: currency, authority: charter.authorities[index].key)
        else { throw .untrusted("\(url) shows the log of another authority") }
        health[index].size = checkpoint.size
        var reading = readings[index]
        guard checkpoint.size > reading.tree.size else {
            try await compareAgain(note, checkpoint, reading, index)
            return
        }
        while reading.tree.size < checkpoint.size {
            let position = reading.tree.size
            let new = try await bundle(position, of: checkpoint.size, index)
            // Most are the same everywhere: whoever brought one to its end told it to everybody.
            let unknown = try await store.unknown(new, in: currency)
            do throws(AuditFailure) {
                for part in unknown.ranges {
                    let read = try await LedgerAudit.read(
                        Array(new[part]), from: position + UInt64(part.lowerBound), charter)
                    try await takeRead(read.map(\.final))
                }
            } catch {
                try await badEntries(new, position, note, checkpoint, index)
                throw .untrusted("\(url): \(error.message)")
            }
            for entry in new { _ = reading.tree.append(LogTree.leaf(entry)) }
        }
        guard reading.tree.root == checkpoint.root else {
            try await contradiction(note, checkpoint, index)
            return
        }
        reading.note = text
        readings[index] = reading
        try await store.keep(reading, of: index, in: currency)
        try await compare(checkpoint, note, index)
    }

    /// What goes wrong on this side is no fault of the log.
    private func takeRead(_ finals: [Final]) async throws(AuditFailure) {
        do throws(LedgerError) {
            try await take(finals)
        } catch {
            throw AuditFailure(position: nil, what: error.message)
        }
    }

    /// The entries from a position on, to the end of their bundle.
    func bundle(_ position: UInt64, of size: UInt64, _ index: Int) async throws(LedgerError) -> [Data] {
        let (currency, url) = (charter.currency, charter.authorities[index].url)
        let width = UInt64(LogTree.tileHashes)
        let bundle = position / width
        let count = Int(min(width, size - bundle * width))
        let path = LogTilePath(level: nil, index: bundle, width: count)
        guard
            let entries = EntryBundle.decode(try await transport.tile(path, of: currency, at: url), count: count)
        else { throw .untrusted("\(url) serves a bundle of entries that is none") }
        return Array(entries.dropFirst(Int(position - bundle * width)))
    }

    /// A checkpoint of no more entries than were read.
    private func compareAgain(
        _ note: SignedNote, _ checkpoint: LedgerCheckpoint, _ reading: LogReading, _ index: Int
    ) async throws(LedgerError) {
        let known = SignedNote(encoded: reading.note)
        if checkpoint.size == reading.tree.size {
            guard checkpoint.size > 0 else { return }
            guard checkpoint.root == reading.tree.root else {
                if let known { try await self.note([.logs(known, note, proof: [])]) }
                throw .untrusted("\(charter.authorities[index].url) signed two logs of \(checkpoint.size) entries")
            }
            // The same entries with other sums show it by themselves.
            if let known { try await self.note([.logs(known, note, proof: [])]) }
            return try await compare(checkpoint, note, index)
        }
        // An older one is no lie by itself: somebody in between may have kept it. Whether it is of this log can be seen.
        if checkpoint.size > 0, let known, let newer = LedgerCheckpoint(text: known.text) {
            try await compare(note, checkpoint, beginning: known, newer, index)
        }
        throw .untrusted(
            "\(charter.authorities[index].url) shows a log of \(checkpoint.size) entries, and showed "
                + "\(reading.tree.size) before")
    }

    /// The newest checkpoints that agree with what was read, as they were signed.
    func notes() -> [String] { readings.map(\.note).filter { !$0.isEmpty } }

    /// Asks another node what it was shown.
    func compareWithOther() async throws(LedgerError) {
        guard let other = charter.authorities.indices.filter({ $0 != own }).randomElement() else { return }
        let (currency, url, transport) = (charter.currency, charter.authorities[other].url, transport)
        let shown: [String]
        do throws(LedgerError) {
            shown = try await transport.checkpoints(currency, at: url)
        } catch {
            // Who does not answer is no liar.
            return
        }
        try await compare(shown)
    }

    /// Compares what another node was shown with what was shown here, where it is of as many entries.
    func compare(_ shown: [String]) async throws(LedgerError) {
        for text in shown {
            guard let note = SignedNote(encoded: text), let checkpoint = LedgerCheckpoint(text: note.text),
                let index = charter.authorities.firstIndex(where: {
                    LedgerCheckpoint.origin(currency: charter.currency, authority: $0.key) == checkpoint.origin
                }), checkpoint.size == readings[index].tree.size, let known = SignedNote(encoded: readings[index].note)
            else { continue }
            try await self.note([.logs(known, note, proof: [])])
        }
    }

    // MARK: What is wrong

    /// The tiles of a signed log, checked from its root down.
    private func tiles(_ checkpoint: LedgerCheckpoint, _ index: Int) async throws(LedgerError) -> SignedTiles {
        let (currency, url, transport) = (charter.currency, charter.authorities[index].url, transport)
        return try await SignedTiles(size: checkpoint.size, root: checkpoint.root) {
            path async throws(LedgerError) in try await transport.tile(path, of: currency, at: url)
        }
    }

    /// The entries that are served do not come to the root that was signed: who serves is wrong, or the authority signed two
    /// logs.
    private func contradiction(_ note: SignedNote, _ checkpoint: LedgerCheckpoint, _ index: Int)
        async throws(LedgerError)
    {
        let url = charter.authorities[index].url
        if let known = SignedNote(encoded: readings[index].note), let older = LedgerCheckpoint(text: known.text) {
            try await compare(known, older, beginning: note, checkpoint, index)
        }
        throw .untrusted("\(url) serves other entries than it signed; what is final in them is final all the same")
    }

    /// Whether the smaller of two logs that an authority signed is the beginning of the larger.
    private func compare(
        _ smaller: SignedNote, _ small: LedgerCheckpoint, beginning larger: SignedNote, _ large: LedgerCheckpoint,
        _ index: Int
    ) async throws(LedgerError) {
        var tiles = try await tiles(large, index)
        let leaves = try await tiles.leaves(upTo: large.size, limit: Limits.Ledger.proofEntries)
        guard let leaves else { return }
        let proof: [Hash32]? = try? LogProof.prefix(small.size, size: large.size) { level, place in
            let start = Int(place << UInt64(level))
            return LogTree.root(of: leaves[start..<start + 1 << level])
        }
        guard let proof else { return }
        try await note([.logs(smaller, larger, proof: proof)])
    }

    /// An entry that is no final, under a root that was signed.
    private func badEntries(
        _ entries: [Data], _ position: UInt64, _ note: SignedNote, _ checkpoint: LedgerCheckpoint, _ index: Int
    ) async throws(LedgerError) {
        for (place, entry) in entries.enumerated() {
            let at = position + UInt64(place)
            do throws(AuditFailure) {
                _ = try LedgerAudit.read(entry, at: at, charter)
            } catch {
                var tiles = try await tiles(checkpoint, index)
                let leaves = try await tiles.leaves(upTo: checkpoint.size, limit: Limits.Ledger.proofEntries)
                guard let leaves else { return }
                let proof: [Hash32]? = try? LogProof.inclusion(at, size: checkpoint.size) { level, place in
                    let start = Int(place << UInt64(level))
                    return LogTree.root(of: leaves[start..<start + 1 << level])
                }
                guard let proof else { return }
                return try await self.note([.entry(note, position: at, entry: entry, proof: proof)])
            }
        }
    }

    /// Where the same is final here and there, both come to the same state.
    private func compare(_ checkpoint: LedgerCheckpoint, _ note: SignedNote, _ index: Int) async throws(LedgerError) {
        guard let sum = try await book.sum() else { return }
        if sum.size == checkpoint.size, !book.waits {
            guard sum != FinalBook.Sum(checkpoint) else { return }
            _ = try await take(.checkpoint(note), isPosted: false)
            throw .untrusted(
                "\(charter.authorities[index].url) signed other accounts, holds or sums than its log comes to")
        }
        // Everything in its log was taken. What is not here all the same was handed on in pieces: it comes again, though not
        // all the time.
        if sum.size < checkpoint.size, !book.waits, now() >= begunAnew + Limits.Ledger.doubtSeconds {
            begunAnew = now()
            readings[index] = LogReading()
        }
    }
}
