public import Digests
import WaggleProtocol

/// Something a creator should look at before publishing.
public struct LintFinding: Hashable, Sendable {
    public enum Severity: String, Comparable, Hashable, Sendable {
        /// Worth knowing.
        case note
        /// Probably not meant; publishing is possible.
        case warning
        /// The file will harm or fail whoever uses it.
        case error

        private var rank: Int {
            switch self {
            case .note: 0
            case .warning: 1
            case .error: 2
            }
        }

        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
    }

    /// What was looked for; the names are stable, for scripts.
    public enum Rule: String, Hashable, Sendable {
        case leakedPath = "leaked-path"
        case leakedUserName = "leaked-user-name"
        case missingTriggerWords = "missing-trigger-words"
        case hashClaimDiffers = "hash-claim-differs"
        case hashClaimUnchecked = "hash-claim-unchecked"
        case pickle
        case unknownFormat = "unknown-format"
        case adapterUnpaired = "adapter-unpaired"
        case adapterRankMismatch = "adapter-rank-mismatch"
        case adapterBadShape = "adapter-bad-shape"
        case baseModelDisagrees = "base-model-disagrees"
    }

    public let severity: Severity
    public let rule: Rule
    /// A sentence or two for the creator: what it is, and what can be done.
    public let text: String
    /// The metadata key or tensor it is about.
    public let subject: String?
}

extension LintFinding {
    /// A place of somebody's machine that is about to be published: a warning, since it may be meant.
    ///
    /// - Parameters:
    ///   - holder: what shows it, as the subject of a sentence: "The graph".
    ///   - remedy: a sentence of what can be done.
    public init(_ leak: PathLeak, in holder: String, remedy: String, subject: String? = nil) {
        severity = .warning
        rule = leak.user == nil ? .leakedPath : .leakedUserName
        let shown =
            leak.user.map { "the account name \u{201c}\($0)\u{201d} in \(leak.path)." }
            ?? "a folder of the machine it was made on: \(leak.path)."
        text = "\(holder) shows \(shown) \(remedy)"
        self.subject = subject
    }
}

/// Looks for what creators regret: private paths, adapters that crash engines, claims that do not hold.
public enum ModelLint {
    /// Findings about the container of a model file.
    public static func check(_ format: ModelFormat) -> [LintFinding] {
        switch format {
        case .pickle, .torchArchive:
            [
                LintFinding(
                    severity: .error, rule: .pickle,
                    text: "This file is a pickle: opening it can run any program its author put in, and nodes refuse "
                        + "to generate with it. Convert it to safetensors.", subject: nil)
            ]
        case .zip, .other:
            [
                LintFinding(
                    severity: .warning, rule: .unknownFormat,
                    text: "This file is neither safetensors nor GGUF, so nobody can check what is inside.",
                    subject: nil)
            ]
        case .safetensors, .gguf: []
        }
    }

    /// Findings about a safetensors file, the most severe first.
    /// - Parameters:
    ///   - draft: the draft of this header, when it was made already.
    ///   - autoV3: the SHA-256 of all bytes after the header, when it was computed.
    public static func check(
        _ header: SafetensorsHeader, draft: ModelDraft? = nil, autoV3: Hash32? = nil
    ) -> [LintFinding] {
        let draft = draft ?? ModelDraft(header)
        let findings =
            leaks(header.metadata) + hashClaims(header.metadata, autoV3) + triggerWords(draft)
            + baseModel(draft, header.metadata) + adapter(draft.survey.adapter)
        // A stable sort keeps the order of the checks within one severity.
        return findings.enumerated().sorted {
            $0.element.severity != $1.element.severity
                ? $0.element.severity > $1.element.severity : $0.offset < $1.offset
        }.map(\.element)
    }

    /// Findings of private paths are kept up to this many; one is enough to act on.
    private static let maximumLeaks = 32

    private static func leaks(_ metadata: [String: String]) -> [LintFinding] {
        let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        let findings = sorted.lazy.compactMap { key, value -> LintFinding? in
            guard let leak = PathLeak.find(in: value) else { return nil }
            let key = key.cut(toUTF8: 80)
            return LintFinding(
                leak, in: "The metadata value \(key)",
                remedy: "It can be removed: the file's SHA-256 changes, its tensor digest does not.", subject: key)
        }
        return Array(findings.prefix(maximumLeaks))
    }

    /// Both claims are of the SHA-256 of the bytes after the header, that is, AutoV3.
    private static func hashClaims(_ metadata: [String: String], _ autoV3: Hash32?) -> [LintFinding] {
        ["modelspec.hash_sha256", "sshs_model_hash"].compactMap { key in
            guard let text = metadata[key]?.cut(toUTF8: 80).trimmed.lowercased(), !text.isEmpty else { return nil }
            let claim = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
            guard let autoV3 else {
                return LintFinding(
                    severity: .note, rule: .hashClaimUnchecked,
                    text: "\(key) claims a hash. It is only a claim until the tensors are hashed here.", subject: key)
            }
            // Twelve digits are the short form.
            guard claim != autoV3.hex, claim.utf8.count != 12 || !autoV3.hex.hasPrefix(claim) else { return nil }
            return LintFinding(
                severity: .warning, rule: .hashClaimDiffers,
                text: "\(key) claims \(claim.prefix(12))…, the tensors hash to \(autoV3.hex.prefix(12))…. The file was "
                    + "changed after the claim was written, or the claim was copied from another file.", subject: key)
        }
    }

    private static func triggerWords(_ draft: ModelDraft) -> [LintFinding] {
        guard let type = draft.type?.value, type.isAdapter, draft.triggerWords.isEmpty else { return [] }
        let hint =
            draft.triggerCandidates.isEmpty
            ? "Say in the description when none is needed."
            : "The captions often say "
                + draft.triggerCandidates.prefix(3).map { "\u{201c}\($0.word.cut(toUTF8: 60))\u{201d}" }
                .joined(separator: ", ") + "."
        return [
            LintFinding(
                severity: .note, rule: .missingTriggerWords,
                text: "The file names no trigger word. \(hint)", subject: nil)
        ]
    }

    private static func baseModel(_ draft: ModelDraft, _ metadata: [String: String]) -> [LintFinding] {
        guard let evident = draft.survey.baseModel, let claim = MetadataClaims(metadata).broadBaseModel,
            BaseModel.lineage(of: evident) != BaseModel.lineage(of: claim.value)
        else { return [] }
        return [
            LintFinding(
                severity: .warning, rule: .baseModelDisagrees,
                text: "\(claim.source) claims \(claim.value), the tensors are those of \(evident).",
                subject: claim.source)
        ]
    }

    private static func adapter(_ adapter: AdapterSurvey?) -> [LintFinding] {
        guard let adapter, adapter.problemCount > 0 else { return [] }
        var findings: [LintFinding] = adapter.problems.map { problem in
            let (rule, subject, text): (LintFinding.Rule, String, String) =
                switch problem {
                case .unpaired(let module):
                    (.adapterUnpaired, module, "has only one half of its pair of tensors, so it cannot be applied")
                case .rankMismatch(let module, let down, let up):
                    (.adapterRankMismatch, module, "has halves of rank \(down) and \(up); engines crash on it")
                case .badShape(let tensor):
                    (.adapterBadShape, tensor, "has too few dimensions; engines crash on it")
                case .alphaNotScalar(let tensor):
                    (.adapterBadShape, tensor, "should be a single number")
                }
            let name = subject.cut(toUTF8: 120)
            return LintFinding(severity: .error, rule: rule, text: "\(name) \(text).", subject: name)
        }
        if adapter.problemCount > findings.count, let first = findings.first {
            findings.append(
                LintFinding(
                    severity: .error, rule: first.rule,
                    text: "\(adapter.problemCount - findings.count) more modules have such problems.", subject: nil))
        }
        return findings
    }
}
