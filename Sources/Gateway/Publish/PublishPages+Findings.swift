import Operations
import SystemPackage

/// What to look at before something is signed.
struct FindingView {
    let findingKind: String
    let findingWords: String
    let isGrave: Bool

    init(_ finding: ReleaseDraft.Finding) {
        findingKind =
            switch finding.severity {
            case "error": say("error")
            case "warning": say("warning")
            default: say("note")
            }
        findingWords = finding.text
        isGrave = finding.severity != "note"
    }

    /// Why something cannot be signed as it is.
    init(_ refusal: OperationError) {
        (findingKind, findingWords, isGrave) = (say("error"), refusal.message, true)
    }
}

extension PublishPages {
    /// What the graph of a workflow gives away, or why it is none; nothing of other drafts.
    func graphFindings(_ draft: PublishDraft, _ call: PageCall) async throws -> [FindingView] {
        guard draft.kind == .workflow, let graph = draft.files.first else { return [] }
        do throws(OperationError) {
            return try await DraftWorkflow(graph: graph.path.string).run(in: call.operations).findings.map {
                FindingView($0)
            }
        } catch {
            // Whoever brought it takes it away here.
            guard [.usage, .limits].contains(error.code) else { throw error }
            return [FindingView(error)]
        }
    }
}
