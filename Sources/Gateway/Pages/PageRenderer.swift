import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Mustache

/// Fills templates. All escaping is the template engine's, but for Markdown, which escapes its own.
struct PageRenderer: Sendable {
    private let library: MustacheLibrary
    private let nodeName: String
    private let software: String
    private let nodeID: String
    /// In the address of the stylesheet, so that no page meets the one of another version in a cache.
    private let styleVersion = String(SHA256.hash(Array(Templates.stylesheet(.system).utf8)).hex.prefix(8))
    /// Which pages there are.
    let site = SiteMap()

    /// - Throws: `unavailable` for a template that does not parse.
    init(_ services: GatewayServices) throws(GatewayError) {
        var library = MustacheLibrary()
        for (name, text) in Templates.all {
            do {
                try library.register(text, named: name)
            } catch {
                throw .unavailable("The template \(name) is malformed: \(error)")
            }
        }
        self.library = library
        nodeName = services.configuration.nodeName
        software = services.configuration.software
        nodeID = AuthorID.short(services.nodeID)
    }

    private struct NavigationView {
        let partTitle: String
        let partHref: String
        let isPartHere: Bool
    }

    /// A page: the fields of `frame` and `content`, which a template sees side by side.
    ///
    /// - Parameter runsScripts: whether scripts of this node may run; none may on pages that need none.
    func page(
        _ template: String, _ frame: PageFrame, _ content: [String: Any], status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [.cacheControl: "public, max-age=30"], runsScripts: Bool = false
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
        values["nodeName"] = nodeName
        values["software"] = software
        values["nodeID"] = nodeID
        values["styleVersion"] = styleVersion
        let html = library.render(values, withTemplate: template) ?? ""
        // Whatever an author wrote, wherever it stands: it reads as what it is.
        return .html(DisplayText.clean(html), status: status, headers: headers, runsScripts: runsScripts)
    }

    /// An error for people.
    func error(_ failure: GatewayError) -> Response {
        let title =
            switch failure {
            case .notFound: "Not found"
            case .purged: "Taken down"
            case .gone: "Withdrawn"
            default: "\(failure.status.code) \(failure.status.reasonPhrase)"
            }
        return page(
            "error", PageFrame(pageTitle: title), ["explanation": failure.message], status: failure.status,
            headers: [.cacheControl: "no-store"])
    }

    /// An author's text as HTML paragraphs; nil for no text.
    func paragraphs(_ text: String) -> String? {
        let paragraphs = Wording.paragraphs(text)
        return paragraphs.isEmpty ? nil : library.render(["paragraphs": paragraphs], withTemplate: "paragraphs")
    }
}
