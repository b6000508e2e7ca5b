import Catalog
import Digests
import Media
import WaggleProtocol

/// The values of the part of a page that says what something was made from, and what was made of it.
struct LineagePart {
    private struct KinView {
        let kinRole: String
        let kinName: String
        let kinHref: String?
        let kinAuthor: String?
        /// More than one step away.
        let isFar: Bool

        init(_ link: LineageLink) {
            kinRole = Wording.role(link.role)
            isFar = link.depth > 1
            kinAuthor = link.creator?.name
            if let release = link.release {
                kinName = "\(release.modelName) \(release.version)"
                kinHref = PageAddress.release(release)
            } else if let image = link.image {
                kinName = Wording.heading(image)
                kinHref = PageAddress.image(image.id)
            } else if let model = link.model {
                kinName = model.name
                kinHref = PageAddress.model(model)
            } else {
                kinName = say("something-that-is-not-here", "\(link.post.hex.prefix(12))")
                kinHref = nil
            }
        }
    }

    private let lineage: LineageView

    private let looks: PictureLooks

    init(_ lineage: LineageView, _ looks: PictureLooks) {
        self.lineage = lineage
        self.looks = looks
    }

    var content: [String: Any] {
        let more = lineage.descendantCount - lineage.descendants.count
        var values: [String: Any] = [
            "ancestors": lineage.ancestors.map(KinView.init), "hasAncestors": !lineage.ancestors.isEmpty,
            "descendants": lineage.descendants.map(KinView.init), "hasDescendants": !lineage.descendants.isEmpty,
            "remixes": lineage.remixes.map { CardView($0).tinted(looks) }, "hasRemixes": !lineage.remixes.isEmpty,
            "hasLineage": !lineage.ancestors.isEmpty || !lineage.descendants.isEmpty || !lineage.remixes.isEmpty,
        ]
        values["moreDescendants"] = more > 0 ? Wording.count(more) : nil
        return values
    }
}
