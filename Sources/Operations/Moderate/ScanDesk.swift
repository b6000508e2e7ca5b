import BlobStore
public import Digests
import Formats
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// What scans of files do here: they are kept, what is dangerous goes out of service, and what was found is said in a signed
/// label. Labels do nothing by themselves, here and elsewhere.
public struct ScanDesk: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        // Whoever brought the file says nothing of it, and pays nothing for what this node says.
        self.context = context.asOperator
    }

    static let label = "scan"
    /// Who blocks what scanners find.
    private static let decider = "scanner"

    /// Those of the files that the scanners of this node have not looked at.
    public func unscanned(_ hashes: [Hash32]) async throws(OperationError) -> [Hash32] {
        do {
            return try await context.moderation.unscanned(hashes, by: context.scanTools.name)
        } catch {
            throw OperationError(error)
        }
    }

    /// Looks at files that are here, one after another. Those that are not, or are refused already, are left out. What is found
    /// of small files is kept together; what is not safe goes at once.
    ///
    /// - Throws: `failed` when a scanner cannot be asked: the files that were not looked at are so later.
    public func look(at hashes: [Hash32]) async throws(OperationError) {
        var found: [ScanRow] = []
        var failure: OperationError?
        let small = (try? await context.blobs.openSmall(hashes)) ?? [:]
        for hash in hashes where !Task.isCancelled {
            var reader = small[hash]
            if reader == nil { reader = try? await context.blobs.open(hash) }
            guard let reader else { continue }
            do throws(OperationError) {
                let scanned = try await FileScanner(tools: context.scanTools, isIdle: true).scan(
                    reader, temporary: context.home.temporary)
                // A node without the tools says nothing of pictures.
                if scanned.report.format == .picture, scanned.picture == nil, scanned.report.unasked != nil { continue }
                found.append(row(scanned, of: hash))
            } catch {
                failure = error
                break
            }
            if reader.size > UInt64(Limits.Blob.smallBytes) || found.last?.verdict != .safe {
                try await note(found)
                found = []
            }
        }
        try await note(found)
        if let failure { throw failure }
    }

    /// Keeps what was found in a file that is published here, acts on it, and says it whatever it is.
    func note(_ scanned: FileScanner.Scanned, of hash: Hash32) async throws(OperationError) {
        let row = row(scanned, of: hash)
        try await note([row])
        if row.verdict == .safe { try await sign(row) }
    }

    private func row(_ scanned: FileScanner.Scanned, of hash: Hash32) -> ScanRow {
        ScanRow(
            sha256: hash, verdict: scanned.report.verdict, format: scanned.report.format,
            findings: scanned.report.findings, picture: scanned.picture, scanner: context.scanTools.name,
            at: context.now())
    }

    /// Keeps rows, and acts on them. What is not safe is signed: that a copy of something is safe, everybody finds out who has
    /// one.
    private func note(_ rows: [ScanRow]) async throws(OperationError) {
        guard !rows.isEmpty else { return }
        do {
            let before = try await context.moderation.keep(rows)
            // Who lifted the block of a danger was wiser than the scanner.
            let dangers = zip(rows, before).filter { $0.verdict == .danger && $1?.verdict != .danger }.map(\.0)
            for row in dangers {
                _ = try await context.moderation.block(
                    [.exact(.blob(row.sha256))],
                    reason: "malware: \(row.worst?.detail ?? "")".firstBytes(Limits.Moderation.reasonBytes),
                    by: Self.decider, when: context.now())
            }
            // Others may look like something that is blocked.
            if rows.contains(where: { context.moderation.takedown(of: .blob($0.sha256)) != nil }) {
                try await Takedowns(context).reconcile()
            }
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        for row in rows where row.verdict != .safe { try await sign(row) }
    }

    /// Says it, once: the label of a file stands until the scanners say something else.
    private func sign(_ row: ScanRow) async throws(OperationError) {
        guard context.keyring.accounts["me"] != nil, !context.signing.isHeld else { return }
        var label = WireLabel()
        label.subject = ListSubject.exact(.blob(row.sha256)).wire
        label.label = Self.label
        label.value = row.verdict.rawValue
        label.basis = .auto
        if let worst = row.worst {
            label.detail = "\(worst.code.rawValue): \(worst.detail)".firstBytes(Limits.Lists.detailBytes)
        }
        guard let name = label.subject.slotName else { return }
        let (posting, slot) = (try Posting(context, as: "me"), "\(name) \(Self.label)")
        // Who upheld an appeal against these words was wiser than the scanner.
        if let standing = try await posting.standing(.label, slot), case .label(let said) = standing.post.body,
            said.withdrawn, said.value == label.value
        {
            return
        }
        _ = try await posting.replace(.label, slot: slot, with: .label(label))
    }

    /// Lifts the block that came of a scan whose label was taken back.
    func take(back label: WireLabel, of account: String) async throws(OperationError) {
        guard account == "me", label.label == Self.label, case .exact(let subject)? = ListSubject(label.subject),
            context.moderation.blocks.contains(where: { $0.subject == .exact(subject) && $0.by == Self.decider })
        else { return }
        do {
            _ = try await context.moderation.unblock(
                subject: .exact(subject), by: context.decider, when: context.now())
        } catch {
            throw OperationError(error)
        }
        try await Takedowns(context).reconcile()
    }
}

extension String {
    /// As much of the beginning as so many bytes of UTF-8 hold.
    func firstBytes(_ limit: Int) -> String {
        var bytes = 0
        return String(
            unicodeScalars.prefix { scalar in
                bytes += UTF8.width(scalar)
                return bytes <= limit
            })
    }
}
