import Accounts
import HTTPTypes
import Hummingbird
import Operations
import WaggleProtocol

/// `/setup/currency`: the offer to found or join a currency, for admins. Nothing waits for it, and doing neither is an answer.
struct CurrencySetupPage: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    private static let formBytes = 8 << 10

    func register(in routes: inout RouteTable) {
        routes.get("/setup/currency", shows: .nothing, .page) { request, context in
            try await page(isAdmin: try await admin(request, context) != nil)
        }
        routes.post("/setup/currency", shows: .account, .page, choose)
    }

    private func admin(_ request: Request, _ context: GatewayContext) async throws -> Account? {
        guard let grant = try await people.grant(request, context), grant.allows(.admin) else { return nil }
        return grant.account
    }

    private func page(isAdmin: Bool, trouble: String? = nil) async throws -> Response {
        let currencies = try await ListCurrencies().run(in: services.context())
        var content: [String: Any] = [
            "isAdmin": isAdmin, "hasCurrencies": !currencies.isEmpty,
            "currencies": currencies.map {
                LinkView(linkText: "\($0.name) (\($0.symbol)), \($0.trust)", linkHref: "/buzz/\($0.currency)")
            },
        ]
        content["trouble"] = trouble
        return pages.page(
            "setupcurrency", PageFrame(pageTitle: say("a-currency")), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: [.cacheControl: "no-store"])
    }

    @Sendable private func choose(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let account = try await admin(request, context) else { throw CallerIdentity.unauthorized }
        let body = try await WireBody.collect(request.body, limit: Self.formBytes, clock: services.clock)
        let form = try Query(String(decoding: body, as: UTF8.self))
        let operations = services.context().acting(for: account)
        do throws(OperationError) {
            switch form["choice"] {
            case "found":
                _ = try await FoundCurrency(
                    account: account.handle, name: form["name"] ?? "", symbol: form["symbol"] ?? ""
                ).run(in: operations)
            case "join":
                _ = try await JoinCurrency(account: account.handle, url: form["url"] ?? "").run(in: operations)
            default: return Response(status: .seeOther, headers: [.location: "/", .cacheControl: "no-store"])
            }
        } catch {
            return try await page(isAdmin: true, trouble: error.message)
        }
        return try await page(isAdmin: true)
    }
}
