import Foundation

/// Reads a page as a strict parser would, and says what is wrong with it: tags that do not nest, what people who do not
/// see or use a mouse would miss, and anything that would run or be fetched from elsewhere.
struct HTMLLint {
    struct Element {
        let tag: String
        let attributes: [String: String]
        var text = ""
    }

    private(set) var problems: [String] = []
    private(set) var elements: [Element] = []
    private var open: [Element] = []
    private var headings: [Int] = []

    static func problems(_ html: String) -> [String] {
        var lint = HTMLLint(html)
        lint.judgePage()
        return lint.problems
    }

    /// A part of a page.
    static func fragment(_ html: String) -> HTMLLint { HTMLLint(html) }

    private init(_ html: String) {
        var rest = html.utf8[...]
        if rest.starts(with: "<!doctype html>".utf8) { rest = rest.dropFirst(15) }
        while let byte = rest.first {
            if byte == UInt8(ascii: "<") {
                rest.removeFirst()
                readTag(&rest)
            } else {
                let text = rest.prefix { $0 != UInt8(ascii: "<") }
                if text.contains(UInt8(ascii: ">")) { problems.append("a > that ends no tag") }
                let words = String(decoding: text, as: UTF8.self)
                for index in open.indices { open[index].text += words }
                rest = rest[text.endIndex...]
            }
        }
        if !open.isEmpty { problems.append("never closed: \(open.map(\.tag))") }
    }

    // MARK: Reading

    private static let void: Set = ["meta", "link", "img", "input", "br", "hr", "path", "use"]
    private static let blocks: Set = [
        "p", "ul", "ol", "div", "section", "table", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "form",
        "dl",
        "article", "nav", "details", "fieldset",
    ]

    private mutating func readTag(_ rest: inout Substring.UTF8View) {
        let isClosing = rest.first == UInt8(ascii: "/")
        if isClosing { rest.removeFirst() }
        let name = take(&rest) { Self.isWord($0) }
        var attributes: [String: String] = [:]
        while true {
            _ = take(&rest) { $0 == 0x20 || $0 == 0x0A }
            guard let byte = rest.first else { return problems.append("<\(name) does not end") }
            if byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") {
                rest.removeFirst()
                if byte == UInt8(ascii: ">") { break }
                continue
            }
            let attribute = take(&rest) { Self.isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }
            guard !attribute.isEmpty else {
                rest.removeFirst()
                problems.append("a stray character in <\(name)>")
                continue
            }
            var value = ""
            if rest.starts(with: "=\"".utf8) {
                rest = rest.dropFirst(2)
                value = take(&rest) { $0 != UInt8(ascii: "\"") }
                rest = rest.dropFirst()
            } else if rest.first == UInt8(ascii: "=") {
                problems.append("\(attribute) of <\(name)> has no quotes")
            }
            if attributes.updateValue(value, forKey: attribute) != nil { problems.append("\(attribute) twice") }
        }
        isClosing ? close(name) : begin(Element(tag: name, attributes: attributes))
    }

    private func take(_ rest: inout Substring.UTF8View, while isPart: (UInt8) -> Bool) -> String {
        let part = rest.prefix(while: isPart)
        rest = rest[part.endIndex...]
        return String(decoding: part, as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (0x30...0x39).contains(byte)
    }

    private mutating func begin(_ element: Element) {
        judge(element)
        if Self.void.contains(element.tag) {
            elements.append(element)
            if element.tag == "img", let alt = element.attributes["alt"] {
                for index in open.indices { open[index].text += alt }
            }
        } else {
            open.append(element)
        }
    }

    private mutating func close(_ name: String) {
        guard let last = open.last, last.tag == name else {
            return problems.append("</\(name)> closes <\(open.last?.tag ?? "nothing")>")
        }
        open.removeLast()
        elements.append(last)
        let words = last.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let needsWords: Set = [
            "a", "button", "label", "title", "h1", "h2", "h3", "h4", "summary", "legend", "th", "option",
        ]
        if needsWords.contains(name), words.isEmpty, last.attributes["aria-label"] == nil {
            problems.append("<\(name) \(last.attributes)> says nothing")
        }
    }

    // MARK: Judging

    private mutating func judge(_ element: Element) {
        let (tag, attributes) = (element.tag, element.attributes)
        func check(_ isRight: Bool, _ what: String, _ problems: inout [String]) {
            if !isRight {
                problems.append(
                    "<\(tag) \(attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })>: \(what)")
            }
        }
        check(!["style", "iframe", "object", "embed", "base", "font"].contains(tag), "not on our pages", &problems)
        if tag == "script" {
            check(
                attributes["src"]?.hasPrefix("/") == true && attributes.keys.contains("defer"), "inline or in the way",
                &problems)
        }
        for (name, value) in attributes {
            check(!name.hasPrefix("on") && name != "style", "inline \(name)", &problems)
            if name == "href" || name == "src" || name == "action" {
                let isLocal = value.hasPrefix("/") || value.hasPrefix("#")
                let isForeign = value.hasPrefix("https://") || value.hasPrefix("http://")
                let isLink = tag == "a" || attributes["rel"] == "canonical"
                check(!value.hasPrefix("//") && (isLocal || (isForeign && isLink)), "leads to \(value)", &problems)
                if isForeign, tag == "a" {
                    let rel = attributes["rel"] ?? ""
                    check(rel.contains("nofollow") && rel.contains("noopener"), "trusts a stranger", &problems)
                }
            }
        }
        switch tag {
        case "img":
            let isTold = ["alt", "width", "height"].allSatisfy { !(attributes[$0] ?? "").isEmpty }
            check(isTold, "alt, width and height", &problems)
        case "th": check(attributes["scope"] != nil, "scope", &problems)
        case "form": check(["get", "post"].contains(attributes["method"]), "method", &problems)
        case "svg": check(attributes["aria-hidden"] == "true", "a drawing that is read out", &problems)
        case "nav": check(attributes["aria-label"] != nil, "a name", &problems)
        case "li": check(["ul", "ol"].contains(open.last?.tag ?? "-"), "within a list", &problems)
        case "h1", "h2", "h3", "h4", "h5", "h6":
            let level = Int(tag.dropFirst()) ?? 0
            check(headings.last.map { level <= $0 + 1 } ?? true, "skips a level", &problems)
            headings.append(level)
        default: break
        }
        if Self.blocks.contains(tag) {
            check(!open.contains { $0.tag == "p" }, "inside of a paragraph", &problems)
        }
        if tag == "a" { check(!open.contains { $0.tag == "a" }, "a link within a link", &problems) }
        if let current = attributes["aria-current"] {
            check(["page", "true"].contains(current), "aria-current", &problems)
        }
    }

    private mutating func judgePage() {
        func all(_ tag: String) -> [Element] { elements.filter { $0.tag == tag } }
        func expect(_ isRight: Bool, _ what: String) { if !isRight { problems.append(what) } }
        expect(all("html").first?.attributes["lang"] == "en", "lang")
        expect(all("h1").count == 1, "\(all("h1").count) h1")
        expect(headings.first == 1, "the first heading is the h1")
        expect(all("main").count == 1, "one main")
        expect(all("header").contains { $0.attributes["class"] == "bar" }, "a banner")
        expect(all("footer").count == 1, "one footer")
        expect(all("title").count == 1, "one title")
        expect(all("a").first?.attributes["href"] == "#main", "the skip link comes first")
        expect(all("meta").contains { $0.attributes["property"] == "og:title" }, "OpenGraph")
        let ids = elements.compactMap { $0.attributes["id"] }
        expect(Set(ids).count == ids.count, "ids twice: \(ids.filter { id in ids.count { $0 == id } > 1 })")
        for element in elements {
            for name in ["for", "aria-labelledby", "aria-describedby"] {
                guard let id = element.attributes[name] else { continue }
                expect(ids.contains(id), "\(name) names \(id), which is not there")
            }
            guard ["input", "select", "textarea"].contains(element.tag) else { continue }
            // Nobody sees a hidden field, and HTML lets no label name it.
            if element.attributes["type"] == "hidden" { continue }
            let label = all("label").contains { $0.attributes["for"] == element.attributes["id"] ?? "-" }
            expect(label || element.attributes["aria-label"] != nil, "a field without a label: \(element.attributes)")
        }
        let names = all("nav").compactMap { $0.attributes["aria-label"] }
        expect(Set(names).count == names.count, "navigations of one name: \(names)")
    }
}
