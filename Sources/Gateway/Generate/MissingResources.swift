import Catalog
import Digests
import FoundationEssentials
import Moderation
import Operations
import Synchronization
import WaggleProtocol

/// A resource of a recipe that cannot be drawn with, because it is not here.
struct MissingView: Sendable {
    let missingKind: String
    let missingName: String
    let missingHref: String?
    /// For the operator, where no button stands.
    let missingCommand: String?
    /// What a button fetches, and what it costs: "218 MB from 3 peers".
    let fetchFile: String?
    let fetchWords: String?
    /// How far it is, or why it did not come.
    let fetchState: String?
    let isUnderWay: Bool
}

extension GeneratePages {
    /// What of an image's recipe is not here.
    ///
    /// - Parameter here: files that can be drawn with, by SHA-256.
    func missing(
        of image: Int32, here: Set<String>, _ context: OperationContext, mayFetch: Bool
    ) async throws -> [MissingView] {
        let filter = services.moderation.filter(for: context.viewer)
        var views: [MissingView] = []
        for match in try await services.catalog.recipe(ofImage: image, filter)?.resources ?? [] {
            let hash = Hash32(match.resource.sha256)?.hex
            guard hash.map({ !here.contains($0) }) ?? true else { continue }
            let state = hash.flatMap { fetches.state(of: $0) }
            var found: MissingResource?
            // Peers are asked for it, so this is for whoever can do something with the answer.
            if mayFetch, match.release != nil, let hash, state?.isUnderWay != true {
                found = try? await MissingResource(hash, in: context)
            }
            views.append(
                MissingView(
                    missingKind: match.resource.kind,
                    missingName: match.release.map { "\($0.modelName) \($0.version)" } ?? match.resource.name,
                    missingHref: match.release.map(PageAddress.release),
                    missingCommand: match.release == nil || mayFetch
                        ? nil : hash.map { "waggle get \($0.prefix(16))" }, fetchFile: found?.sha256,
                    fetchWords: found.map {
                        say("from-2", Wording.size($0.size), Wording.count($0.holders, say("peer"), say("peers-2")))
                    }, fetchState: state?.words, isUnderWay: state?.isUnderWay ?? false))
        }
        return views
    }
}

/// Files that are fetched because somebody wants to draw with them, as long as the node runs.
final class ResourceFetches: Sendable {
    struct State: Sendable {
        var done: UInt64 = 0
        var total: UInt64 = 0
        var isUnderWay = true
        var failure: String?

        var words: String {
            if let failure { return failure }
            guard isUnderWay else { return say("it-came") }
            return total > 0 ? say("came", "\(done * 100 / total)") : say("being-fetched")
        }
    }

    private let states = Mutex<[String: State]>([:])

    func state(of sha256: String) -> State? { states.withLock { $0[sha256] } }

    /// Begins to fetch a file that is not under way, as one of a few.
    func begin(_ sha256: String, _ context: OperationContext) {
        let isNew = states.withLock { states in
            guard states[sha256]?.isUnderWay != true,
                states.values.count(where: \.isUnderWay) < Limits.Generation.fetches
            else { return false }
            // What is over is told once more at most.
            states = states.filter { $0.value.isUnderWay }
            states[sha256] = State()
            return true
        }
        guard isNew else { return }
        let told = context.reporting { [weak self] progress in
            self?.states.withLock { states in
                states[sha256]?.done = progress.done
                states[sha256]?.total = progress.total
            }
        }
        Task { [weak self] in
            var failure: String?
            do throws(OperationError) {
                _ = try await FetchResource(sha256: sha256).perform(in: told)
            } catch {
                failure = error.message
            }
            self?.states.withLock { states in
                states[sha256]?.isUnderWay = false
                states[sha256]?.failure = failure
            }
        }
    }
}
