import Digests
import Foundation
import PostLog
import WaggleProtocol

/// Posts about other posts and about their authors.
extension TestAuthor {
    func reaction(_ subject: LoggedPost, _ emoji: String, withdrawn: Bool = false, at created: UInt64 = 60)
        -> LoggedPost
    {
        var body = WireReaction()
        body.subject = subject.id.data
        body.emoji = emoji
        body.withdrawn = withdrawn
        return post(.reaction(body), slot: "\(subject.id.hex) \(emoji)", at: created)
    }

    func feedback(_ picture: String, drawnWith releases: [LoggedPost], isGood: Bool = true, at created: UInt64 = 65)
        -> LoggedPost
    {
        var body = WireDrawingFeedback()
        body.picture = hash(picture).data
        body.releases = releases.map(\.id.data)
        body.good = isGood
        return post(.drawingFeedback(body), at: created)
    }

    func reply(to comment: LoggedPost, on subject: LoggedPost, _ text: String, at created: UInt64 = 51) -> LoggedPost {
        var body = WireComment()
        body.subject = subject.id.data
        body.replyTo = comment.id.data
        body.text = text
        return post(.comment(body), at: created)
    }

    func collection(
        _ slug: String, _ items: [LoggedPost], level: UInt32 = 1, name: String? = nil, at created: UInt64 = 70
    ) -> LoggedPost {
        var body = WireCollection()
        body.name = name ?? slug
        body.items = items.map(\.id.data)
        body.level = level
        return post(.collection(body), slot: slug, at: created)
    }

    func article(
        _ slug: String, text: String = "text", cover: Hash32? = nil, level: UInt32 = 1, at created: UInt64 = 70
    ) -> LoggedPost {
        var body = WireArticle()
        body.title = "Article \(slug)"
        body.text = text
        body.cover = cover?.data ?? Data()
        body.level = level
        body.tags = ["how-to"]
        return post(.article(body), slot: slug, at: created)
    }

    func workflow(_ slug: String, graph: String? = nil, level: UInt32 = 1, at created: UInt64 = 70) -> LoggedPost {
        var body = WireWorkflow()
        body.name = "Workflow \(slug)"
        body.description_p = "described"
        body.graph = file("graph \(graph ?? slug)", name: "\(slug).json")
        body.level = level
        return post(.workflow(body), slot: slug, at: created)
    }

    func channel(
        _ slug: String, _ release: LoggedPost, number: UInt64 = 1, of author: TestAuthor? = nil,
        at created: UInt64 = 25
    ) -> LoggedPost {
        var body = WireChannel()
        body.modelAuthor = (author ?? self).id.data
        body.modelSlug = slug
        body.release = release.id.data
        body.number = number
        return post(.channel(body), slot: slug, expires: 5000, at: created)
    }

    func page(
        _ name: String, about: String = "", avatar: Hash32? = nil, links: [String] = [], labels: [String] = [],
        at created: UInt64 = 1
    ) -> LoggedPost {
        var body = WireProfile()
        body.name = name
        body.about = about
        body.avatar = avatar?.data ?? Data()
        body.links = links
        return post(.profile(body), labels: labels, at: created)
    }

    func derived(
        _ slug: String, version: String = "v1", from refs: [(role: String, post: Hash32)], at created: UInt64 = 21
    ) -> LoggedPost {
        let plain = release(slug, version: version)
        return post(.release(plain.post.release), refs: refs, at: created)
    }

    func remix(_ images: [WireImage], of post: LoggedPost, at created: UInt64 = 31) -> LoggedPost {
        self.post(
            .imagePost(imagePost(images).post.imagePost), refs: [("remix-of", post.id)], at: created)
    }
}

func resource(_ name: String, sha256: Data = Data(), claimed: String = "") -> WireResource {
    var resource = WireResource()
    resource.kind = "lora"
    resource.name = name
    resource.sha256 = sha256
    resource.claimedHash = claimed
    return resource
}

func image(_ content: String, made resources: [WireResource]) -> WireImage {
    var image = image(content)
    image.recipe.prompt = "a bee"
    image.recipe.resources = resources
    return image
}
