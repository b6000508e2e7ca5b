import Catalog
import Moderation

/// Parameters of the Civitai API as the catalog's queries. Unknown parameters are ignored, wrong values are refused.
enum CivitaiQueries {
    /// What `/api/v1/models` is asked.
    struct Models {
        var query = ModelQuery()
        /// 0 asks for nothing but is no error.
        let limit: Int
        let page: Int?
        /// Asks for what there is none of here, or for lists that accounts here do not have.
        let isEmpty: Bool
        /// Leaves out all other files of a version.
        let isPrimaryOnly: Bool

        /// - Parameter hasAccount: whether whoever asks is known here.
        init(_ query: Query, hasAccount: Bool, now: UInt64) throws(GatewayError) {
            limit = try query.integer("limit", in: 0...100) ?? 100
            page = try CivitaiQueries.page(query, limit: limit)
            if page != nil, query["query"] != nil {
                throw .badRequest(code: "bad-parameter", "page cannot be used with query; use cursor")
            }
            let isOwn = ["favorites", "hidden"].filter { query.boolean($0) == true }
            if let name = isOwn.first, !hasAccount {
                throw .unauthorized(code: "unauthorized", "\(name) needs an account")
            }
            isEmpty =
                !isOwn.isEmpty || query.boolean("supportsGeneration") == true || query.boolean("earlyAccess") == true
            isPrimaryOnly = query.boolean("primaryFileOnly") ?? false
            self.query.limit = max(limit, 1)
            self.query.position = CivitaiQueries.position(query, page: page)
            self.query.detail = .list
            self.query.hasRelease = true
            self.query.text = query["query"] ?? ""
            self.query.tags = query["tag"].map { [$0] } ?? []
            self.query.types = query.list("types")
            self.query.baseModels = query.list("baseModels")
            self.query.creator = query["username"].map { .handle($0) }
            self.query.since = try CivitaiQueries.since(query, now: now)
            self.query.ids = try CivitaiQueries.numbers(query.list("ids"))
            self.query.sort = try Self.sort(query["sort"])
            try askForPermissions(query)
        }

        private mutating func askForPermissions(_ query: Query) throws(GatewayError) {
            let named: [(String, Permission)] = [
                ("allowNoCredit", .noCredit), ("allowDerivatives", .derivatives),
                ("allowDifferentLicense", .differentLicence), ("allowDifferentLicenses", .differentLicence),
            ]
            for (name, permission) in named {
                switch query.boolean(name) {
                case true: self.query.permissions.insert(permission)
                case false: self.query.excludedPermissions.insert(permission)
                default: continue
                }
            }
            for use in query.list("allowCommercialUse") {
                switch use.lowercased() {
                case "image": self.query.anyPermissions.insert(.sellImages)
                case "rent", "rentcivit": self.query.anyPermissions.insert(.rent)
                case "sell": self.query.anyPermissions.insert(.sell)
                case "none": self.query.excludedPermissions.formUnion([.sellImages, .rent, .sell])
                default:
                    throw .badRequest(
                        code: "bad-parameter", "allowCommercialUse is None, Image, RentCivit, Rent or Sell")
                }
            }
        }

        private static func sort(_ name: String?) throws(GatewayError) -> ModelQuery.Sort {
            switch name?.lowercased() {
            case nil, "newest": .newest
            case "oldest": .oldest
            case "highest rated", "most liked": .highestRated
            case "most discussed": .mostDiscussed
            case "most downloaded", "most collected", "most images": .mostDownloaded
            default: throw .badRequest(code: "bad-parameter", "sort is not one of the known orders")
            }
        }
    }

    /// What `/api/v1/images` is asked.
    struct Images {
        var query = ImageQuery()
        let limit: Int
        let page: Int?
        /// Asks for what there is none of here: videos, numbered tags.
        let isEmpty: Bool

        init(_ query: Query, now: UInt64) throws(GatewayError) {
            limit = try query.integer("limit", in: 0...200) ?? 50
            page = try CivitaiQueries.page(query, limit: limit)
            self.query.limit = max(limit, 1)
            self.query.position = CivitaiQueries.position(query, page: page)
            self.query.creator = query["username"].map { .handle($0) }
            self.query.since = try CivitaiQueries.since(query, now: now)
            self.query.imageID = try CivitaiQueries.number("imageId", query)
            self.query.postID = try CivitaiQueries.number("postId", query)
            self.query.modelID = try CivitaiQueries.number("modelId", query)
            self.query.releaseID = try CivitaiQueries.number("modelVersionId", query)
            self.query.baseModels = query.list("baseModels")
            if let id = try CivitaiQueries.number("userId", query) { self.query.creator = .id(id) }
            self.query.hasRecipe = query.boolean("requiringMeta") ?? false
            let types = query.list("type").map { $0.lowercased() }
            guard types.allSatisfy({ ["image", "video", "audio"].contains($0) }) else {
                throw .badRequest(code: "bad-parameter", "type is image, video or audio")
            }
            isEmpty = !types.isEmpty && !types.contains("image") || query["tags"] != nil
            switch query["sort"]?.lowercased() {
            case nil, "newest", "random": self.query.sort = .newest
            case "oldest": self.query.sort = .oldest
            case "most reactions", "most comments", "most collected": self.query.sort = .mostReactions
            default: throw .badRequest(code: "bad-parameter", "sort is not one of the known orders")
            }
        }
    }

    /// What the viewer wants to see of what they may see: `nsfw` and, for images, `browsingLevel`.
    static func narrowed(_ filter: ViewerFilter, _ query: Query) throws(GatewayError) -> ViewerFilter {
        var mask = filter.mask
        switch query["nsfw"]?.lowercased() {
        case nil, "true", "x": break
        case "false": mask &= Level.pg13.upTo
        case "none": mask &= Level.pg.upTo
        case "soft": mask &= Level.pg13.upTo
        case "mature": mask &= Level.r.upTo
        default: throw .badRequest(code: "bad-parameter", "nsfw is true, false, None, Soft, Mature or X")
        }
        if let bits = try query.integer("browsingLevel", in: 0...Int(Int32.max)) { mask = filter.mask & UInt32(bits) }
        return ViewerFilter(mask: mask, seesHidden: filter.seesHidden)
    }

    private static func page(_ query: Query, limit: Int) throws(GatewayError) -> Int? {
        guard let page = try query.integer("page", in: 1...Int(Int32.max)) else { return nil }
        // Counting pages costs more the further one goes; cursors do not.
        guard page <= 1000, page * limit <= 1000 else { throw .pageTooFar(items: 1000) }
        return page
    }

    private static func position(_ query: Query, page: Int?) -> PagePosition {
        if let cursor = query["cursor"] { return .after(cursor) }
        return page.map { .number($0) } ?? .start
    }

    private static func since(_ query: Query, now: UInt64) throws(GatewayError) -> UInt64? {
        let days: UInt64
        switch query["period"]?.lowercased() {
        case nil, "alltime": return nil
        case "day": days = 1
        case "week": days = 7
        case "month": days = 30
        case "year": days = 365
        default: throw .badRequest(code: "bad-parameter", "period is Day, Week, Month, Year or AllTime")
        }
        return now - min(now, days * 86400)
    }

    private static func number(_ name: String, _ query: Query) throws(GatewayError) -> Int32? {
        try query.integer(name, in: 1...Int(Int32.max)).map { Int32($0) }
    }

    private static func numbers(_ texts: [String]) throws(GatewayError) -> [Int32] {
        guard texts.count <= 100 else { throw .tooManyItems(limit: 100) }
        let numbers = texts.compactMap { Int32($0) }.filter { $0 > 0 }
        guard numbers.count == texts.count else {
            throw .badRequest(code: "bad-parameter", "ids are numbers from 1 to \(Int32.max)")
        }
        return numbers
    }
}
