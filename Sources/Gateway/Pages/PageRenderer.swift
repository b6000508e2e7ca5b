import Accounts
import Administration
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Mustache

/// Fills templates. All escaping is the template engine's, but for Markdown, which escapes its own.
struct PageRenderer: Sendable {
    private let library: MustacheLibrary
    private let texts: SiteTexts
    private let administration: Administration
    private let software: String
    private let nodeID: String
    /// In the address of the stylesheet, so that no page meets the one of another version in a cache.
    private let styleVersion = String(SHA256.hash(Array(Templates.stylesheet(.system).utf8)).hex.prefix(8))
    /// The script of all pages, with its words, and the address of it that no cache has of another version.
    let script: StaticText
    private let scriptAddress: String
    /// Which pages there are.
    let site = SiteMap()
    /// The page without a blur before its pictures; nil where there is none to take away.
    var unveilHref: String?

    /// - Throws: `unavailable` for a template that does not parse.
    init(_ services: GatewayServices) throws(GatewayError) {
        var library = MustacheLibrary()
        let words = try PageWords(PageWords.english)
        for (name, text) in Templates.all {
            let text = try words.fill(text)
            do {
                try library.register(text, named: name)
            } catch {
                throw .unavailable("The template \(name) is malformed: \(error)")
            }
        }
        self.library = library
        let text = try words.fill(Templates.pageScript)
        script = StaticText(text, type: "text/javascript; charset=utf-8")
        scriptAddress = "/page.js?v=\(SHA256.hash(Array(text.utf8)).hex.prefix(8))"
        texts = services.configuration.texts
        administration = services.administration
        software = services.configuration.software
        nodeID = AuthorID.short(services.nodeID)
    }

    private struct NavigationView {
        let partTitle: String
        let partHref: String
        let isPartHere: Bool
    }

    /// A page: the fields of `frame` and `content`, which a template sees side by side.
    func page(
        _ template: String, _ frame: PageFrame, _ content: [String: Any], status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [.cacheControl: "public, max-age=30"]
    ) -> Response {
        var values = content
        values["pageTitle"] = frame.pageTitle
        values["summary"] = frame.summary
        values["canonical"] = frame.canonical
        values["preview"] = frame.preview
        values["isHome"] = frame.isHome
        values["searched"] = frame.searched
        values["parts"] = SitePart.allCases.map { part in
            NavigationView(partTitle: part.title, partHref: part.path, isPartHere: part == frame.part)
        }
        values["nodeName"] = texts.name
        values["notices"] = ModeGate.notices(administration)
        values["software"] = software
        values["nodeID"] = nodeID
        values["styleVersion"] = styleVersion
        values["pageScript"] = scriptAddress
        values["unveilHref"] = unveilHref
        var headers = headers
        if let visitor = PageVisitor.current {
            values["memberName"] = visitor.account.handle
            // What somebody sees who is signed in is nobody else's; a browser may show it again when they go back.
            if headers[.cacheControl]?.hasPrefix("public") == true { headers[.cacheControl] = "private, no-cache" }
        }
        headers[.vary] = [headers[.vary], "Cookie"].compactMap { $0 }.joined(separator: ", ")
        let html = library.render(PageFields(values), withTemplate: template) ?? ""
        // Whatever an author wrote, wherever it stands: it reads as what it is.
        return .html(DisplayText.clean(html), status: status, headers: headers)
    }

    /// An error for people.
    func error(_ failure: GatewayError) -> Response {
        let title =
            switch failure {
            case .notFound: say("not-found")
            case .purged: say("taken-down")
            case .gone: say("withdrawn")
            case .unauthorized, .forbidden: say("you-may-not")
            case .tooManyRequests, .tooManyPosts: say("too-much-at-once")
            case .unavailable, .standing: say("not-at-the-moment")
            case .conflict, .preconditionFailed: say("something-else-came-first")
            case .badRequest, .methodNotAllowed, .bodyTooLarge, .bodyTooSlow, .unsupportedMediaType, .unprocessable,
                .misdirected, .tooManyItems, .pageTooFar:
                say("this-cannot-be-done-as-asked")
            }
        return page(
            "error", PageFrame(pageTitle: title), ["explanation": failure.message], status: failure.status,
            headers: [.cacheControl: "no-store"])
    }
}
