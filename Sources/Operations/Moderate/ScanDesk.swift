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

    /// Looks at a file that is here. One that is not, or is refused already, is left out.
    ///
    /// - Throws: `failed` when a scanner cannot be asked: the file is looked at later.
    public func look(at hash: Hash32) async throws(OperationError) {
        let reader: BlobReader
        do {
            reader = try await context.blobs.open(hash)
        } catch {
            return
        }
        let scanned = try await FileScanner(tools: context.scanTools).scan(reader, temporary: context.home.temporary)
        // A node without the tools says nothing of pictures.
        if scanned.report.format == .picture, scanned.picture == nil, scanned.report.unasked != nil { return }
        try await note(scanned, of: hash, isSaid: scanned.report.verdict != .safe)
    }

    /// Keeps what was found, and acts on it.
    ///
    /// - Parameter isSaid: whether it is signed: what is not safe, and all that is published here. That a copy of something
    ///   is safe, everybody finds out who has one.
    func note(_ scanned: FileScanner.Scanned, of hash: Hash32, isSaid: Bool) async throws(OperationError) {
        let report = scanned.report
        let row = ScanRow(
            sha256: hash, verdict: report.verdict, format: report.format, findings: report.findings,
            picture: scanned.picture, scanner: context.scanTools.name, at: context.now())
        do {
            let before = try await context.moderation.keep(row)
            // Who lifted the block of a danger was wiser than the scanner.
            if row.verdict == .danger, before?.verdict != .danger {
                _ = try await context.moderation.block(
                    [.exact(.blob(hash))],
                    reason: "malware: \(row.worst?.detail ?? "")".firstBytes(Limits.Moderation.reasonBytes),
                    by: Self.decider, when: context.now())
                try await Takedowns(context).reconcile()
            } else if context.moderation.takedown(of: .blob(hash)) != nil {
                // It looks like something that is blocked.
                try await Takedowns(context).reconcile()
            }
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        if isSaid { try await sign(row) }
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
