import HTTPTypes
import Hummingbird
import WaggleProtocol

extension PageRenderer {
    /// The page where somebody signs in.
    ///
    /// - Parameters:
    ///   - next: where to go then, on this node.
    ///   - kept: the body of a form that was sent to `next` without a session.
    func signIn(
        next: String?, kept: String? = nil, typed: Query? = nil, lead: String? = nil, trouble: String? = nil,
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        let next = PageAddress.local(next).flatMap { $0 == "/" || $0.hasPrefix("/sign") ? nil : $0 }
        func link(_ path: String) -> String { next.map { PageAddress.adding("next", $0, to: path) } ?? path }
        let form = FormView(
            "/signin", sends: say("sign-in"),
            fields: [
                FieldView(
                    "account", say("name"), hint: say("without-the"), most: Limits.Accounts.handleBytes + 1,
                    isNeeded: true,
                    autocomplete: "username"),
                FieldView(
                    "passphrase", say("passphrase"), .passphrase(isNew: false), most: Limits.Accounts.passphraseBytes,
                    isNeeded: true),
            ], typed: typed)
        var content: [String: Any] = ["signInAction": link("/signin"), "fields": form.fields]
        content["kept"] = kept
        content["lead"] = lead
        content["trouble"] = trouble
        content["signUpHref"] = site.has("/signup") ? link("/signup") : nil
        var headers = headers
        headers[.cacheControl] = "private, no-store"
        return page("signin", PageFrame(pageTitle: say("sign-in")), content, status: status, headers: headers)
    }

    /// What was typed into a form, to be looked at and sent again.
    func kept(_ action: String, _ typed: Query, _ trouble: FormTrouble?, notice: String? = nil) -> Response {
        let typed = typed.withoutSecrets
        let fields = typed.names.flatMap { name in
            typed.values(name).enumerated().map { index, value in
                let isLong = value.utf8.count > 80 || value.contains("\n")
                let label = Self.label(name) + (index == 0 ? "" : " \(index + 1)")
                return FieldView(name, label, isLong ? .text(rows: 8) : .line, value: value)
            }
        }
        var content = FormView(action, sends: say("send-it-again"), fields: fields, trouble: trouble).content(
            say("what-you-typed"), lead: say("nothing-of-it-is-lost-look"))
        content["notice"] = notice
        return page(
            "formpage", PageFrame(pageTitle: say("what-you-typed")), content,
            headers: [.cacheControl: "private, no-store"])
    }

    /// A page that is a form.
    func form(
        _ heading: String, _ form: FormView, lead: String? = nil, crumb: LinkView? = nil,
        more: [String: Any] = [:], headers: HTTPFields = [.cacheControl: "private, no-store"]
    ) -> Response {
        page(
            "formpage", PageFrame(pageTitle: heading),
            form.content(heading, lead: lead, crumb: crumb).merging(more) { _, new in new }, headers: headers)
    }

    private static func label(_ name: String) -> String {
        let words = name.replacing("_", with: " ").replacing("-", with: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}
