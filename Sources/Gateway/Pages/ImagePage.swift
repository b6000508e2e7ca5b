import Catalog
import Digests
import FoundationEssentials
import Identity
import Media
import Moderation
import WaggleProtocol

/// The values of an image's page.
struct ImagePage {
    private let image: ImageView
    private let picture: PictureView
    var post: ImagePostView?
    var recipe: RecipeView?
    var comments: [CommentView] = []
    var lineage: LineageView?
    var signature: SignatureView?
    /// How the pictures look.
    var looks = PictureLooks()
    /// Where the image can be made again, otherwise.
    var remixHref: String?

    /// What the page shows of pictures.
    var pictures: [Hash32] {
        [picture.blob] + ((post?.images ?? []) + (lineage?.remixes ?? [])).compactMap { Hash32($0.image.blob) }
    }

    init(image: ImageView, picture: PictureView) {
        self.image = image
        self.picture = picture
    }

    /// A model or other file that the image was made with.
    private struct ResourceView {
        let resourceKind: String
        let resourceName: String
        let resourceHref: String?
        let resourceState: String

        init(_ match: ResourceMatch) {
            let resource = match.resource
            resourceKind = resource.kind.isEmpty ? "resource" : resource.kind
            let strength =
                resource.strength == 0 || resource.strength == 1 ? "" : " × \(Wording.number(resource.strength))"
            let here = match.release.map { "\($0.modelName) \($0.version)" } ?? ""
            let name =
                [here, resource.name, resource.claimedHash].first { !$0.trimmed.isEmpty } ?? say("without-a-name")
            resourceName = name + strength
            resourceHref = match.release.map(PageAddress.release)
            resourceState = Wording.match(match.state)
        }
    }

    var content: [String: Any] {
        let recipe = image.image.recipe
        let reactions = ReactionView.all(image.counts)
        var values: [String: Any] = [
            "source": picture.source, "width": picture.width,
            "height": picture.height, "alt": picture.alt,
            "heading": Wording.heading(image), "creator": image.author.name,
            "creatorHref": PageAddress.creator(image.author), "size": Wording.size(image.image.size),
            "badges": image.level == .pg ? [] : [image.level.word],
            "published": Dates.timestamp(image.created), "publishedDay": Dates.day(image.created),
            "relation": Wording.relation(image),
            "models": image.releases.map { link in
                LinkView(linkText: "\(link.modelName) \(link.version)", linkHref: PageAddress.release(link))
            },
            "settings": settings(recipe), "resources": (self.recipe?.resources ?? []).map(ResourceView.init),
            "isVerified": self.recipe?.isVerified ?? false,
            "siblings": post?.images.filter { $0.id != image.id }.compactMap { SampleView($0, looks) } ?? [],
            "reactions": reactions, "hasReactions": !reactions.isEmpty,
            "comments": CommentItem.all(comments, at: PageAddress.image(image.id)), "hasComments": !comments.isEmpty,
            "postIDs": [
                FactView(say("post-2"), image.post.hex), FactView(say("author"), AuthorID.text(image.author.author)),
                FactView(say("sha-256-of-the-bytes"), Hex.encode(image.image.blob)),
            ].compactMap { $0 },
        ]
        let blur = looks[picture.blob].map(BlurCell.all) ?? []
        values["isBlurred"] = looks.isBlurred(picture.level)
        values["levelWord"] = picture.levelWord
        values["blur"] = blur
        values["hasBlur"] = !blur.isEmpty
        values["bareSource"] = picture.bareSource
        values["remixHref"] = remixHref
        values["levelHref"] = LevelPages.address("file:\(Hex.encode(image.image.blob))")
        values["reportHref"] = "/report?about=\(image.post.hex)"
        values["creatorHome"] = Wording.origin(image.author)
        values["signature"] = signature
        values["prompt"] = recipe.prompt.trimmed.isEmpty ? nil : recipe.prompt
        values["negativePrompt"] = recipe.negativePrompt.trimmed.isEmpty ? nil : recipe.negativePrompt
        let text = Markdown.html(post?.text ?? "", firstHeading: 2)
        values["text"] = text.isEmpty ? nil : text
        if let lineage { values.merge(LineagePart(lineage, looks).content) { _, new in new } }
        return values
    }

    private func settings(_ recipe: WireRecipe) -> [FactView] {
        func positive(_ value: UInt32) -> String { value == 0 ? "" : "\(value)" }
        return [
            FactView(say("seed"), recipe.hasSeed_p ? "\(recipe.seed)" : ""),
            FactView(say("steps"), positive(recipe.steps)),
            FactView(say("sampler"), recipe.sampler), FactView(say("scheduler"), recipe.scheduler),
            FactView(say("cfg-scale"), recipe.cfgScale == 0 ? "" : Wording.number(recipe.cfgScale)),
            FactView(say("size"), recipe.width == 0 ? "" : "\(recipe.width) × \(recipe.height)"),
            FactView(say("clip-skip"), positive(recipe.clipSkip)), FactView(say("engine"), recipe.engine),
        ].compactMap { $0 }
    }
}
