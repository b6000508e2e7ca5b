import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import WaggleProtocol

/// A model or other file that an image was made with.
struct ResourceView {
    let resourceKind: String
    let resourceName: String
    let resourceHref: String?
    let resourceState: String

    /// - Parameter model: the model that has the file of this hash here.
    init(_ resource: WireResource, model: ModelView?) {
        resourceKind = resource.kind.isEmpty ? "resource" : resource.kind
        let strength = resource.strength == 0 || resource.strength == 1 ? "" : " × \(Wording.number(resource.strength))"
        let name =
            [model?.body.name ?? "", resource.name, resource.claimedHash].first { !$0.isEmpty } ?? "without a name"
        resourceName = name + strength
        resourceHref = model.map(PageAddress.model)
        resourceState =
            model != nil
            ? "yes, by hash"
            : resource.sha256.count == 32 || !resource.claimedHash.isEmpty
                ? "not here" : "no hash to look for"
    }
}

/// The values of an image's page.
struct ImagePage {
    /// Resources shown at most.
    static let resources = 32

    private let image: ImageView
    private let picture: PictureView
    private let post: ImagePostView?
    private let resources: [ResourceView]

    init(image: ImageView, picture: PictureView, post: ImagePostView?, resources: [ResourceView]) {
        self.image = image
        self.picture = picture
        self.post = post
        self.resources = resources
    }

    private struct ModelLink {
        let modelName: String
        let modelHref: String
    }

    var content: [String: Any] {
        let recipe = image.image.recipe
        var values: [String: Any] = [
            "source": picture.source, "width": picture.width, "height": picture.height, "alt": picture.alt,
            "heading": Wording.heading(image), "creator": image.author.name,
            "badges": image.level == .pg ? [] : [image.level.word],
            "published": Dates.timestamp(image.created), "publishedDay": Dates.day(image.created),
            "models": image.releases.map { link in
                ModelLink(
                    modelName: "\(link.modelName) \(link.version)",
                    modelHref: "/models/\(link.modelID)?modelVersionId=\(link.releaseID)")
            },
            "settings": settings(recipe), "resources": resources,
            "paragraphs": Wording.paragraphs(post?.text ?? ""),
            "siblings": post?.images.filter { $0.id != image.id }.compactMap(SampleView.init) ?? [],
            "postIDs": [
                FactView("Post", image.post.hex), FactView("Author", AuthorID.text(image.author.author)),
                FactView("SHA-256 of the bytes", Hex.encode(image.image.blob)),
            ].compactMap { $0 },
        ]
        values["prompt"] = recipe.prompt.isEmpty ? nil : recipe.prompt
        values["negativePrompt"] = recipe.negativePrompt.isEmpty ? nil : recipe.negativePrompt
        return values
    }

    private func settings(_ recipe: WireRecipe) -> [FactView] {
        func positive(_ value: UInt32) -> String { value == 0 ? "" : "\(value)" }
        return [
            FactView("Seed", recipe.hasSeed_p ? "\(recipe.seed)" : ""), FactView("Steps", positive(recipe.steps)),
            FactView("Sampler", recipe.sampler), FactView("Scheduler", recipe.scheduler),
            FactView("CFG scale", recipe.cfgScale == 0 ? "" : Wording.number(recipe.cfgScale)),
            FactView("Size", recipe.width == 0 ? "" : "\(recipe.width) × \(recipe.height)"),
            FactView("Clip skip", positive(recipe.clipSkip)), FactView("Engine", recipe.engine),
        ].compactMap { $0 }
    }
}
