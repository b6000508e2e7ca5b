import FoundationEssentials

/// Why a post's body breaks the rules of its kind.
public struct BodyFailure: Error, Equatable, Sendable {
    public let what: String
}

extension PostKind {
    /// True when this version knows the body of the kind; posts of other kinds are stored and relayed, never shown.
    public var hasKnownBody: Bool {
        switch rawValue {
        case 1...5, 10...16, 20...26, 30, 40...42, 45...48, 62: true
        default: false
        }
    }
}

extension WirePost.OneOf_Body {
    /// The kind whose body this is: field number minus 100.
    public var kind: PostKind {
        switch self {
        case .keyDocument: .keyDocument
        case .checkpoint: .checkpoint
        case .profile: .profile
        case .nodeAnnounce: .nodeAnnounce
        case .follows: .follows
        case .model: .model
        case .release: .release
        case .channel: .channel
        case .imagePost: .imagePost
        case .collection: .collection
        case .article: .article
        case .workflow: .workflow
        case .review: .review
        case .comment: .comment
        case .reaction: .reaction
        case .bounty: .bounty
        case .bountyEntry: .entry
        case .bountyAward: .award
        case .drawingFeedback: .drawingFeedback
        case .delete: .delete
        case .list: .list
        case .listEntry: .listEntry
        case .label: .label
        case .appeal: .appeal
        case .answer: .answer
        case .purge: .purge
        case .transparencyHead: .transparencyHead
        case .fraudProof: .fraudProof
        }
    }

    /// Checks the body against the limits and the slot rule of its kind (Protocol/spec/post.md).
    public func check(slot: String) throws(BodyFailure) {
        switch self {
        case .keyDocument:
            break  // The key chain checks these, with more context.
        case .checkpoint(let body):
            try require(body.device.count == 32 && body.blob.count == 32, "a checkpoint names a device and a blob")
        case .profile(let body):
            try name(body.name)
            try text(body.about, "about", Limits.Text.descriptionBytes)
            try hash(body.avatar, "avatar", optional: true)
            try texts(body.links, "links", 16, Limits.Wire.urlBytes)
            try texts(body.currencies, "currencies", 64, Limits.Text.nameBytes)
            try require(slot.isEmpty, "a profile has the empty slot")
        case .nodeAnnounce(let body):
            try texts(body.urls, "urls", 16, Limits.Wire.urlBytes)
            try name(body.name)
            try text(body.about, "about", Limits.Text.descriptionBytes)
            try require(slot.isEmpty, "a node announce has the empty slot")
        case .follows(let body):
            try require(body.follows.count <= Limits.Post.follows, "more than 1200 follows")
            for follow in body.follows { try hash(follow.author, "a followed author") }
            try require(slot.isEmpty, "a follow list has the empty slot")
        case .model(let body):
            try Self.slug(slot)
            try name(body.name)
            try require(!body.name.isEmpty, "a model has a name")
            try require(!body.type.isEmpty && body.type.utf8.count <= Limits.Text.tagBytes, "a model has a type")
            try text(body.description_p, "description", Limits.Text.descriptionBytes)
            try texts(body.tags, "tags", Limits.Text.tags, Limits.Text.tagBytes)
            try Self.level(body.level)
        case .release(let body):
            try release(body)
        case .channel(let body):
            try Self.slug(slot)
            try require(body.modelSlug.utf8.elementsEqual(slot.utf8), "the slot of a channel is the model's slug")
            try hash(body.modelAuthor, "model author")
            try hash(body.release, "release")
        case .imagePost(let body):
            try images(body.images)
            try require(!body.images.isEmpty, "an image post has an image")
            try require(body.releases.count <= Limits.Post.refs, "too many releases")
            for release in body.releases { try hash(release, "a release") }
            try name(body.title)
            try text(body.text, "text", Limits.Text.descriptionBytes)
        case .collection(let body):
            try Self.slug(slot)
            try name(body.name)
            try require(body.items.count <= Limits.Post.collectionItems, "more than 1500 items")
            for item in body.items { try hash(item, "an item") }
            try Self.level(body.level)
        case .article(let body):
            try Self.slug(slot)
            try name(body.title)
            try hash(body.cover, "cover", optional: true)
            try texts(body.tags, "tags", Limits.Text.tags, Limits.Text.tagBytes)
            try Self.level(body.level)
        case .workflow(let body):
            try Self.slug(slot)
            try name(body.name)
            try file(body.graph)
            try texts(body.tags, "tags", Limits.Text.tags, Limits.Text.tagBytes)
            try Self.level(body.level)
        case .review(let body):
            try hash(body.release, "release")
            try require(
                slot.utf8.elementsEqual(body.release.hexText.utf8),
                "the slot of a review is the release id in hexadecimal")
            try text(body.text, "text", Limits.Text.commentBytes)
            try images(body.images)
        case .comment(let body):
            try hash(body.subject, "subject")
            try hash(body.replyTo, "reply", optional: true)
            try text(body.text, "text", Limits.Text.commentBytes)
            try require(!body.text.isEmpty, "a comment has a text")
        case .reaction(let body):
            try hash(body.subject, "subject")
            try require(!body.emoji.isEmpty && body.emoji.utf8.count <= 32, "a reaction has one emoji")
            // Byte for byte: two spellings of one character would be two slots that look like one.
            try require(
                slot.utf8.elementsEqual((body.subject.hexText + " " + body.emoji).utf8),
                "the slot of a reaction is its subject and emoji")
        case .bounty(let body): try bounty(body)
        case .bountyEntry(let body):
            try hash(body.bounty, "bounty")
            try text(body.text, "text", Limits.Text.commentBytes)
            try require(body.works.count <= Limits.Economy.works, "more than \(Limits.Economy.works) works")
            for work in body.works { try hash(work, "a work") }
            try require(!body.works.isEmpty || !body.text.isEmpty, "an entry shows something")
        case .bountyAward(let body):
            try hash(body.bounty, "bounty")
            try text(body.text, "text", Limits.Text.commentBytes)
            try require(body.shares.count <= Limits.Economy.winners, "more than \(Limits.Economy.winners) winners")
            for share in body.shares {
                try hash(share.entry, "an entry")
                try require(
                    (1...Limits.Economy.weight).contains(share.weight),
                    "a share's weight is 1 to \(Limits.Economy.weight)")
            }
            try require(Set(body.shares.map(\.entry)).count == body.shares.count, "an entry is named twice")
        case .drawingFeedback(let body):
            try hash(body.picture, "picture")
            try require(body.releases.count <= Limits.Post.refs, "too many releases")
            for release in body.releases { try hash(release, "a release") }
        case .delete(let body):
            try require(body.ids.count + body.slots.count > 0, "a delete names something")
            try require(body.ids.count <= 1000 && body.slots.count <= 256, "a delete names too much")
            for id in body.ids { try hash(id, "a deleted id") }
            try require(
                body.slots.allSatisfy {
                    $0.slot.utf8.count <= Limits.Post.slotBytes && PostKind(rawValue: $0.kind).isReplaceable
                        && PostKind(rawValue: $0.kind).isDeletable
                }, "a deleted slot is of a kind that has no slots")
            try text(body.reason, "reason", Limits.Text.commentBytes)
        case .list(let body): try body.check(slot: slot)
        case .listEntry(let body): try body.check(slot: slot)
        case .label(let body): try body.check(slot: slot)
        case .appeal(let body): try body.check()
        case .answer(let body): try body.check()
        case .purge(let body): try body.check()
        case .transparencyHead(let body): try body.check(slot: slot)
        case .fraudProof(let body):
            try hash(body.currency, "currency")
            try require(body.proof != nil, "a fraud proof shows something")
        }
    }

    private func release(_ body: WireRelease) throws(BodyFailure) {
        try hash(body.modelAuthor, "model author")
        try Self.slug(body.modelSlug)
        try require(!body.version.isEmpty, "a release has a version")
        try name(body.version)
        try require(body.baseModel.utf8.count <= Limits.Text.tagBytes, "the base model's name is too long")
        try texts(body.trainedWords, "trained words", Limits.Text.triggerWords, Limits.Text.triggerWordBytes)
        try text(body.changes, "changes", Limits.Text.descriptionBytes)
        try texts(body.mirrors, "mirrors", Limits.Post.mirrors, Limits.Wire.urlBytes)
        try require(!body.files.isEmpty, "a release has a file")
        try require(body.files.count <= Limits.Post.releaseFiles, "more than \(Limits.Post.releaseFiles) files")
        for entry in body.files { try file(entry) }
        try require(Set(body.files.map(\.sha256)).count == body.files.count, "a file is listed twice")
    }

    private func bounty(_ body: WireBounty) throws(BodyFailure) {
        try name(body.title)
        try require(!body.title.isEmpty, "a bounty has a title")
        try text(body.text, "text", Limits.Text.descriptionBytes)
        try texts(body.tags, "tags", Limits.Text.tags, Limits.Text.tagBytes)
        try text(body.wanted, "wanted", Limits.Text.tagBytes)
        try Self.level(body.level)
        try hash(body.currency, "currency")
        try hash(body.arbiter, "arbiter")
        try hash(body.arbiterNode, "arbiter's node")
        try require(body.deadline > 0 && body.deadline <= body.decided, "a bounty is decided after its deadline")
        try require(body.decided <= Limits.Economy.latestTime, "a bounty's times are out of range")
        if case .UNRECOGNIZED = body.rule { throw BodyFailure(what: "a bounty names one of the rules") }
        try require(body.rule != .unspecified, "a bounty names one of the rules")
    }

    private func file(_ file: WireFile) throws(BodyFailure) {
        try hash(file.sha256, "a file's sha256")
        try hash(file.piecesRoot, "a file's pieces root")
        try require(file.size > 0 && file.size <= Limits.Blob.bytes, "a file's size is out of range")
        try hash(file.autov3, "AutoV3", optional: true)
        try hash(file.tensorDigest, "tensor digest", optional: true)
        try require(file.autov1.isEmpty || file.autov1.count == 4, "AutoV1 is 4 bytes")
        try require(
            (1...Limits.Blob.fileNameBytes).contains(file.name.utf8.count), "a file has a name of 1 to 255 bytes")
        // A hostile name is refused here once, so that no later consumer has to remember to.
        try require(
            !file.name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f || $0 == "/" || $0 == "\\" }
                && file.name != "." && file.name != "..", "a file's name has characters that names do not have")
        for (value, label) in [
            (file.kind, "kind"), (file.format, "format"), (file.precision, "precision"), (file.mediaType, "media type"),
        ] {
            try text(value, label, Limits.Text.tagBytes)
        }
    }

    private func images(_ images: [WireImage]) throws(BodyFailure) {
        try require(images.count <= Limits.Post.images, "more than \(Limits.Post.images) images")
        for image in images {
            try hash(image.blob, "an image's blob")
            try hash(image.piecesRoot, "an image's pieces root")
            try require(image.size > 0 && image.size <= Limits.Blob.bytes, "an image's size is out of range")
            try require(
                image.width <= 1 << 16 && image.height <= 1 << 16 && image.mediaType.utf8.count <= Limits.Text.tagBytes,
                "an image's dimensions or media type are out of range")
            try text(image.alt, "alt text", 2048)
            try Self.level(image.level)
            try require(image.recipe.resources.count <= Limits.Post.recipeResources, "more than 128 resources")
            for resource in image.recipe.resources {
                try hash(resource.sha256, "a resource's sha256", optional: true)
                try text(resource.name + resource.kind + resource.claimedHash, "a resource", 1024)
            }
        }
    }

    private func require(_ isTrue: Bool, _ what: @autoclosure () -> String) throws(BodyFailure) {
        if !isTrue { throw BodyFailure(what: what()) }
    }

    private func name(_ value: String) throws(BodyFailure) {
        try require(value.utf8.count <= Limits.Text.nameBytes, "a name has more than \(Limits.Text.nameBytes) bytes")
    }

    private func text(_ value: String, _ label: String, _ limit: Int) throws(BodyFailure) {
        try require(value.utf8.count <= limit, "\(label): more than \(limit) bytes")
    }

    private func texts(_ values: [String], _ label: String, _ count: Int, _ limit: Int) throws(BodyFailure) {
        try require(values.count <= count, "\(label): more than \(count)")
        for value in values { try text(value, label, limit) }
    }

    private func hash(_ value: Data, _ label: String, optional: Bool = false) throws(BodyFailure) {
        try require(value.count == 32 || (optional && value.isEmpty), "\(label) is not 32 bytes")
    }

    /// Lower-case letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit.
    private static func slug(_ slot: String) throws(BodyFailure) {
        guard Slug.isValid(slot) else { throw BodyFailure(what: "the slug is not of the form a-z 0-9 - _ .") }
    }

    /// One level bit of 1, 2, 4, 8, 16, 32, or 0 for "not said".
    private static func level(_ level: UInt32) throws(BodyFailure) {
        guard level == 0 || (level <= 32 && level.nonzeroBitCount == 1) else {
            throw BodyFailure(what: "a level is one of 1, 2, 4, 8, 16, 32")
        }
    }
}

/// The short name of a model, collection, article or workflow in addresses and on the command line.
public enum Slug {
    /// Lower-case letters, digits, `-`, `_` and `.`, 1 to 64 of them, starting with a letter or digit.
    public static func isValid(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        return isAlphanumeric(first) && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    /// A name for addresses that reads like a title; "untitled" for one without letters that addresses have.
    public static func suggested(for title: String) -> String {
        let words = title.lowercased().utf8.split { !isAlphanumeric($0) }.map { String(decoding: $0, as: UTF8.self) }
        let slug = words.joined(separator: "-").utf8.prefix(56)
        return slug.isEmpty ? "untitled" : String(decoding: slug, as: UTF8.self)
    }

    private static func isAlphanumeric(_ character: UInt8) -> Bool {
        (0x61...0x7a).contains(character) || (0x30...0x39).contains(character)
    }
}

extension Data {
    var hexText: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
