import Accounts
import Administration
import BlobStore
import HTTPTypes
import Hummingbird
import Operations
import SystemPackage
import WaggleProtocol

/// `/setup/…`: the six steps after the owner's first sign-in. Each is saved when it is done and may be skipped, taken up again, or
/// looked at later; none needs scripts.
struct SetupWizard: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity

    func register(in routes: inout RouteTable) {
        for step in SetupStep.allCases {
            routes.get(Self.path(step), shows: .account, .page) { request, context in
                guard let account = try await admin(request, context) else { return signIn(request) }
                return try await page(step, operations(account))
            }
            routes.post(Self.path(step), shows: .account, .page) { request, context in
                guard let account = try await admin(request, context) else { return signIn(request) }
                return try await take(step, try await form(request), operations(account))
            }
        }
        routes.get("/setup/done", shows: .account, .page) { request, context in
            guard let account = try await admin(request, context) else { return signIn(request) }
            return done(operations(account))
        }
        routes.post("/setup/done", shows: .account, .page) { request, context in
            guard let account = try await admin(request, context) else { return signIn(request) }
            let operations = operations(account)
            _ = try await FinishSetup().perform(in: operations)
            return done(operations)
        }
    }

    static func path(_ step: SetupStep) -> String { "/setup/\(step.rawValue)" }

    /// Where to begin, or to go on.
    static func start(_ setup: SetupProgress) -> String { setup.next.map(path) ?? "/setup/done" }

    private func signIn(_ request: Request) -> Response {
        pages.signIn(
            next: request.uri.path,
            lead:
                say("open-the-link-that-the-first"),
            status: .unauthorized)
    }

    private func admin(_ request: Request, _ context: GatewayContext) async throws -> Account? {
        guard let grant = try await people.grant(request, context), grant.allows(.admin),
            case .session = grant.source
        else { return nil }
        return grant.account
    }

    private func operations(_ account: Account) -> OperationContext { services.context().acting(for: account) }

    private func form(_ request: Request) async throws -> Query {
        let body = try await WireBody.collect(
            request.body, limit: Limits.Administration.formBytes, clock: services.clock)
        return try Query(String(decoding: body, as: UTF8.self))
    }

    // MARK: Steps

    private func take(_ step: SetupStep, _ form: Query, _ context: OperationContext) async throws -> Response {
        switch form["choice"] {
        case "words":
            // Shown in the answer itself and nowhere again.
            guard step == .owner, let words = context.house?.takeFirstWords() else {
                return try await page(
                    step, context, trouble: say("the-words-were-shown-already-or"))
            }
            return try await page(step, context, words: words)
        case "skip": break
        default:
            do throws(OperationError) {
                try await save(step, form, context)
            } catch {
                return try await page(step, context, typed: form, trouble: AdminDesk.sentence(error.message))
            }
        }
        do {
            try await services.administration.note(step)
        } catch {
            throw OperationError(error)
        }
        return Response(
            status: .seeOther,
            headers: [.location: step.next.map(Self.path) ?? "/setup/done", .cacheControl: "no-store"])
    }

    /// Chooses the settings of a step. What somebody else decides is left alone.
    private func save(_ step: SetupStep, _ form: Query, _ context: OperationContext) async throws(OperationError) {
        let settings = try context.describedSettings()
        for field in SetupFields(settings: settings, typed: nil).fields(step) where field.lockedBy == nil {
            guard settings.contains(where: { $0.view.key == field.name }) else { continue }
            let value = form[field.name] ?? ""
            guard settings.first(where: { $0.view.key == field.name })?.view.value != value else { continue }
            _ = try await ChooseSetting(key: field.name, value: value).perform(in: context)
        }
        guard step == .federation else { return }
        let addresses = (form["starters"] ?? "").split { $0.isWhitespace || $0 == "," }.map(String.init)
        guard addresses.count <= Limits.Administration.starters else {
            throw OperationError(.limits, "name at most \(Limits.Administration.starters) nodes here, and others later")
        }
        var failures: [String] = []
        for address in addresses {
            do throws(OperationError) {
                _ = try await AddPeer(url: address).perform(in: context)
            } catch {
                failures.append("\(address): \(error.message)")
            }
        }
        if let first = failures.first {
            throw OperationError(.network, first + (failures.count > 1 ? " (and \(failures.count - 1) more)" : ""))
        }
    }

    // MARK: Pages

    private func page(
        _ step: SetupStep, _ context: OperationContext, typed: Query? = nil, words: String? = nil,
        trouble: String? = nil
    ) async throws -> Response {
        let fields = SetupFields(settings: try context.describedSettings(), typed: typed)
        let view = DeskForm(action: Self.path(step), submit: "", fields: fields.fields(step)).view(in: step.rawValue)
        var content: [String: Any] = [
            "number": step.number, "count": SetupStep.allCases.count, "heading": SetupFields.title(step),
            "lead": SetupFields.lead(step), "path": Self.path(step), "fields": view["fields"] ?? [],
            "submit": step == .owner ? say("i-have-them-go-on") : say("save-and-go-on"),
            "hasWords": words != nil,
            "canShowWords": step == .owner && words == nil && context.house?.hasFirstWords == true,
        ]
        if let words { content["recovery"] = words.split(separator: " ").map(String.init) }
        if let trouble { content["trouble"] = trouble }
        if let before = SetupStep.allCases.last(where: { $0.number == step.number - 1 }) {
            content["back"] = Self.path(before)
        }
        switch step {
        case .owner where words == nil && context.house?.hasFirstWords != true:
            content["note"] =
                say("your-24-recovery-words-were-printed")
        case .storage:
            let room = try await services.blobs.storeRoom()
            let facts = [
                FactView(say("data-folder"), context.home.root.string),
                FactView(say("free-on-its-disk"), room.free.map { Wording.size($0) } ?? say("cannot-be-told")),
            ].compactMap { $0 }
            content["facts"] = facts
            content["hasFacts"] = true
            content["note"] = say("another-folder-is-chosen-when-the")
        case .name, .owner, .people, .content, .federation: break
        }
        return pages.page(
            "setupstep", PageFrame(pageTitle: say("set-up", "\(SetupFields.title(step))")), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: [.cacheControl: "no-store"])
    }

    private struct StepView {
        let stepTitle: String
        let stepHref: String
        let isDone: Bool
    }

    private func done(_ context: OperationContext) -> Response {
        let setup = services.administration.setup
        let listen = context.settings.first { $0.key == "listen" }?.value ?? ""
        return pages.page(
            "setupdone", PageFrame(pageTitle: setup.isFinished ? say("set-up-2") : say("nearly-done")),
            [
                "heading": setup.isFinished ? say("this-node-is-set-up") : say("nearly-done"),
                "lead": setup.isFinished
                    ? say("it-listens-at-every-step-can", "\(listen)")
                    : say("from-now-on-the-node-will", "\(listen)"),
                "isFinished": setup.isFinished,
                "steps": SetupStep.allCases.map {
                    StepView(
                        stepTitle: SetupFields.title($0), stepHref: Self.path($0), isDone: setup.done.contains($0))
                },
            ], headers: [.cacheControl: "no-store"])
    }
}

extension OperationContext {
    fileprivate func describedSettings() throws(OperationError) -> [SettingDescription] {
        guard let house else { throw OperationError(.failed, "settings are chosen while a node runs") }
        return house.settingDescriptions()
    }
}
