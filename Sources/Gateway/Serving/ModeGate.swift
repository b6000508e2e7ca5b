import Accounts
import Administration
import HTTPTypes
import Hummingbird
import Operations

/// Turns requests away while the operator has the node stand still.
struct ModeGate: Sendable {
    private let administration: Administration
    private let people: CallerIdentity

    init(_ services: GatewayServices) {
        administration = services.administration
        people = CallerIdentity(accounts: services.accounts, origins: Origins(services.configuration))
    }

    /// - Throws: `standing`, for writes in read-only mode, and for everything but what keeps the node going in maintenance.
    func admit(_ request: Request, _ context: GatewayContext) async throws {
        let standing = administration.standing
        guard standing.mode != .normal else { return }
        let path = request.uri.path
        switch standing.mode {
        case .normal: return
        case .readOnly:
            guard Self.isWrite(request, path), !Self.isAlwaysOpen(path) else { return }
        case .maintenance:
            guard !Self.isAlwaysOpen(path), !Self.isForPrograms(path) else { return }
            if let grant = try? await people.grant(request, context), grant.allows(.admin) { return }
        }
        throw GatewayError.standing(code: standing.mode.rawValue, Self.words(standing))
    }

    /// For a person who meets it: what, and the operator's own words.
    static func words(_ standing: NodeStanding) -> String {
        let own = standing.message
        return switch standing.mode {
        case .normal: ""
        case .readOnly: own.isEmpty ? say("takes-nothing-in") : say("takes-nothing-in-because", own)
        case .maintenance: own.isEmpty ? say("is-being-worked-on") : say("is-being-worked-on-because", own)
        }
    }

    /// What stands above every page: the mode, and what the operator announces.
    static func notices(_ administration: Administration) -> [String] {
        let standing = administration.standing
        return (standing.mode == .normal ? [] : [words(standing) + "."]) + administration.announced.map(\.text)
    }

    private static func isWrite(_ request: Request, _ path: String) -> Bool {
        guard ![.get, .head, .options].contains(request.method) else { return false }
        // Asking by POST is no writing: searches by hash, what nodes tell each other, a file that is only checked.
        let isQuestion = request.method == .post && questions.contains { path.hasPrefix($0) }
        return !isQuestion || path.hasPrefix("/w/1/buzz/")
    }

    private static let questions = ["/api/v1/", "/w/1/", "/verify"]

    /// Signing in and out, setting up, and what an admin does about it.
    private static func isAlwaysOpen(_ path: String) -> Bool {
        openPaths.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    private static let openPaths = [
        "/admin", "/setup", "/signin", "/signout", "/api/w1/session", "/api/w1/sessions", "/api/w1/setup",
        "/style.css",
        "/icon.svg", "/theme",
    ]

    private static func isForPrograms(_ path: String) -> Bool {
        ["/healthz", "/readyz", "/metrics"].contains(path)
    }
}
