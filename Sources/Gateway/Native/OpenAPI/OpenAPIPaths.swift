import WaggleProtocol

/// Every route of the native API.
enum OpenAPIPaths {
    static let all = reads + door + writes + publishing

    // MARK: Parts

    private static func ref(_ name: String) -> OpenAPIValue {
        ["$ref": .text("#/components/schemas/\(name)")]
    }

    private static func page(_ name: String) -> OpenAPIValue {
        [
            "type": "object", "required": ["items"],
            "properties": [
                "items": ["type": "array", "items": ref(name)],
                "next_cursor": ["type": "string", "description": "Absent at the end."],
                "corrected": ["type": "string", "description": "What was searched instead."],
            ],
        ]
    }

    private static func parameter(_ name: String, _ schema: OpenAPIValue, _ about: String = "") -> OpenAPIValue {
        var value: [String: OpenAPIValue] = ["name": .text(name), "in": "query", "schema": schema]
        if !about.isEmpty { value["description"] = .text(about) }
        return .members(value)
    }

    private static let text: OpenAPIValue = ["type": "string"]
    private static let paging = [
        parameter("limit", ["type": "integer", "minimum": 1, "maximum": 100]),
        parameter("cursor", text, "`next_cursor` of the page before."),
    ]
    private static let levels = parameter("level", OpenAPISchemas.level, "Within what the caller sees.")

    private static func sort(_ names: OpenAPIValue) -> OpenAPIValue {
        parameter("sort", ["type": "string", "enum": names])
    }

    private static let modelFilters =
        [
            parameter("q", text, "Words, \"phrases\" and -excluded words."),
            parameter("tag", text, "With commas between."),
            parameter("not_tag", text), parameter("type", text), parameter("not_type", text),
            parameter("base_model", text), parameter("not_base_model", text), parameter("format", text),
            parameter("licence", text), levels, parameter("creator", text, "A handle or an author id."),
            parameter("from_here", ["type": "boolean"], "Only people at home on this node."),
            parameter("days", ["type": "integer", "minimum": 1, "maximum": 36500], "Published within so many days."),
            sort([
                "newest", "oldest", "updated", "most-downloaded", "highest-rated", "most-discussed", "trending",
            ]),
        ] + paging

    // MARK: Reads

    private static let reads: [OpenAPIRoute] = [
        .init(method: "get", path: "/api/w1/node", summary: "This node", answers: [("200", ref("Node"))]),
        .init(
            method: "get", path: "/api/w1/models", summary: "List models", query: modelFilters,
            answers: [("200", page("Model"))]),
        .init(
            method: "get", path: "/api/w1/search", summary: "Search models; words are forgiven", query: modelFilters,
            answers: [("200", page("Model"))]),
        .init(
            method: "get", path: "/api/w1/models/{id}", summary: "A model, by number or post",
            answers: [("200", ref("Model"))]),
        .init(
            method: "get", path: "/api/w1/models/{id}/reviews", summary: "Reviews of all its releases", query: paging,
            answers: [("200", page("Review"))]),
        .init(
            method: "get", path: "/api/w1/models/{id}/comments", summary: "Comments on a model", query: paging,
            answers: [("200", page("Comment"))]),
        .init(
            method: "get", path: "/api/w1/releases/{id}", summary: "A release, by number or post",
            answers: [("200", ref("Release"))]),
        .init(
            method: "get", path: "/api/w1/releases/{id}/reviews", summary: "Reviews of a release", query: paging,
            answers: [("200", page("Review"))]),
        .init(
            method: "get", path: "/api/w1/images", summary: "List images",
            query: [
                parameter("model", ["type": "integer", "minimum": 1, "maximum": 2_147_483_647]),
                parameter("release", ["type": "integer", "minimum": 1, "maximum": 2_147_483_647]),
                parameter("creator", text), parameter("base_model", text), levels,
                parameter("has_recipe", ["type": "boolean"]), parameter("from_here", ["type": "boolean"]),
                sort(["newest", "oldest", "most-reactions"]),
            ] + paging, answers: [("200", page("Image"))]),
        .init(
            method: "get", path: "/api/w1/images/{id}", summary: "An image", answers: [("200", ref("Image"))]),
        .init(
            method: "get", path: "/api/w1/creators", summary: "List creators",
            query: [parameter("q", text, "The start of a handle.")] + paging,
            answers: [("200", page("CreatorPage"))]),
        .init(
            method: "get", path: "/api/w1/creators/{handle}", summary: "A creator, by handle or author id",
            answers: [("200", ref("CreatorPage"))]),
        .init(
            method: "get", path: "/api/w1/collections", summary: "List collections",
            query: [parameter("creator", text)] + paging, answers: [("200", page("Collection"))]),
        .init(
            method: "get", path: "/api/w1/collections/{id}", summary: "A collection",
            answers: [("200", ref("Collection"))]),
        .init(
            method: "get", path: "/api/w1/collections/{id}/items", summary: "What is in a collection", query: paging,
            answers: [("200", page("CollectionItem"))]),
        .init(
            method: "get", path: "/api/w1/comments", summary: "Comments on any post",
            query: [parameter("subject", ["type": "string", "pattern": "^[0-9a-fA-F]{64}$"], "The digits of a post.")]
                + paging,
            answers: [("200", page("Comment"))]),
        .init(
            method: "get", path: "/api/w1/hashes/{hash}", summary: "Releases with a file of this hash, of any kind",
            answers: [("200", page("Release"))]),
        .init(
            method: "post", path: "/api/w1/hashes", summary: "Look up many SHA-256 at once",
            body: [
                "type": "array", "maxItems": .number(Limits.Catalog.hashesPerLookup),
                "items": ["type": "string", "pattern": "^[0-9a-fA-F]{64}$"],
            ], answers: [("200", ["type": "array", "items": ref("HashMatch")])]),
    ]

    // MARK: Door

    private static let door: [OpenAPIRoute] = [
        .init(
            method: "post", path: "/api/w1/setup", summary: "Choose the owner's passphrase with the set-up token",
            body: OpenAPISchemas.object(
                ["token": "string", "passphrase": "string"], required: ["token", "passphrase"]),
            answers: [("200", ref("Session"))]),
        .init(
            method: "post", path: "/api/w1/accounts", summary: "Register", body: ref("Registration"),
            answers: [("201", ref("Session")), ("202", ref("Session"))]),
        .init(
            method: "post", path: "/api/w1/moves",
            summary: "Move here from another node, with the 24 words",
            body: OpenAPISchemas.object(
                [
                    "from": "string", "words": "string", "account": "string", "passphrase": "string",
                    "author": "string", "invite": "string", "application": "string", "is_adult": "boolean",
                ], required: ["from", "words", "account", "passphrase"]),
            answers: [("201", ref("Move")), ("202", ref("Move"))]),
        .init(
            method: "post", path: "/api/w1/me/move",
            summary: "Finish a move that stopped half-way; needs a session", caller: .scope("social"),
            body: OpenAPISchemas.object(
                ["passphrase": "string", "from": "string", "kept": "strings"], required: ["passphrase"]),
            answers: [("200", ref("Move"))]),
        .init(
            method: "post", path: "/api/w1/challenges", summary: "A text for a key to sign",
            answers: [("201", ref("Challenge"))]),
        .init(
            method: "post", path: "/api/w1/sessions", summary: "Sign in, by passphrase or by a signed challenge",
            body: OpenAPISchemas.object([
                "account": "string", "passphrase": "string", "author": "string", "nonce": "string", "key": "string",
                "signature": "string",
            ]), answers: [("200", ref("Session"))]),
        .init(
            method: "delete", path: "/api/w1/sessions/current", summary: "Sign out", caller: .scope("read"),
            answers: [("204", nil)]),
        .init(
            method: "get", path: "/api/w1/me", summary: "Who I am here", caller: .scope("read"),
            answers: [("200", ref("Me"))]),
        .init(
            method: "patch", path: "/api/w1/me", summary: "Change my profile, and which levels I see",
            caller: .scope("social"),
            body: OpenAPISchemas.object([
                "name": "string", "about": "string", "links": "strings", "levels": "[level]",
                "blur_from": "string", "is_adult": "boolean",
            ]), answers: [("200", ref("Me"))]),
        .init(
            method: "put", path: "/api/w1/me/passphrase", summary: "Change my passphrase; needs a session",
            caller: .scope("read"),
            body: OpenAPISchemas.object(["old": "string", "new": "string"], required: ["old", "new"]),
            answers: [("204", nil)]),
        .init(
            method: "get", path: "/api/w1/tokens", summary: "My tokens", caller: .scope("read"),
            answers: [("200", page("Token"))]),
        .init(
            method: "post", path: "/api/w1/tokens", summary: "Make a token; needs a session", caller: .scope("read"),
            body: OpenAPISchemas.object(
                ["label": "string", "scopes": "strings", "expires_in": "integer", "buzz_limit": "integer"],
                required: ["scopes"]), answers: [("201", ref("NewToken"))]),
        .init(
            method: "delete", path: "/api/w1/tokens/{id}", summary: "Revoke a token", caller: .scope("read"),
            answers: [("204", nil)]),
        .init(
            method: "get", path: "/api/w1/events", summary: "Posts as they come and go, as server-sent events",
            caller: .scope("read"), query: [parameter("cursor", text, "The id of the last event that was seen.")],
            answers: [("200", ref("Event"))], mediaType: "text/event-stream"),
    ]

    // MARK: Writes

    private static let said: [(status: String, schema: OpenAPIValue?)] = [("200", ref("Said")), ("201", ref("Said"))]

    private static let writes: [OpenAPIRoute] = [
        .init(
            method: "post", path: "/api/w1/reviews", summary: "Review a release; said again it takes the first's place",
            caller: .scope("review"),
            body: OpenAPISchemas.object(
                [
                    "release": "string", "is_recommended": "boolean", "text": "string", "images": "strings",
                    "level": "string",
                ], required: ["release", "is_recommended"]), answers: said),
        .init(
            method: "post", path: "/api/w1/comments", summary: "Comment on a post", caller: .scope("review"),
            body: OpenAPISchemas.object(
                ["subject": "hash", "reply_to": "hash", "text": "string"], required: ["subject", "text"]),
            answers: said),
        .init(
            method: "post", path: "/api/w1/reactions", summary: "React to a post, or take that back",
            caller: .scope("review"),
            body: OpenAPISchemas.object(
                ["subject": "hash", "emoji": "string", "is_withdrawn": "boolean"], required: ["subject", "emoji"]),
            answers: said),
        .init(
            method: "put", path: "/api/w1/collections/mine/{slug}", summary: "Make or rename a collection of mine",
            caller: .scope("social"),
            body: OpenAPISchemas.object(["name": "string", "description": "string", "level": "level"]), answers: said),
        .init(
            method: "post", path: "/api/w1/collections/mine/{slug}/items", summary: "Add and remove posts",
            caller: .scope("social"), body: OpenAPISchemas.object(["add": "[hash]", "remove": "[hash]"]),
            answers: said),
        .init(
            method: "get", path: "/api/w1/follows", summary: "Whom I follow", caller: .scope("read"), query: paging,
            answers: [("200", page("Follow"))]),
        .init(
            method: "put", path: "/api/w1/follows/{author}", summary: "Follow somebody", caller: .scope("social"),
            body: OpenAPISchemas.object(["petname": "string"]), answers: said),
        .init(
            method: "delete", path: "/api/w1/follows/{author}", summary: "Follow no longer", caller: .scope("social"),
            answers: [("204", nil)]),
        .init(
            method: "post", path: "/api/w1/posts", summary: "Hand in posts that my own keys signed",
            caller: .scope("publish"),
            body: OpenAPISchemas.object(["envelopes": "strings"], required: ["envelopes"]),
            answers: [("200", page("Submitted"))]),
        .init(
            method: "delete", path: "/api/w1/posts/{id}", summary: "Take a post of mine back; the scope is its kind's",
            caller: .scope("read"), answers: said),
    ]

    private static let publishing: [OpenAPIRoute] = [
        .init(
            method: "post", path: "/api/w1/uploads", summary: "Begin an upload", caller: .scope("publish"),
            body: OpenAPISchemas.object(
                ["name": "string", "size": "integer", "sha256": "hash"], required: ["name", "size"]),
            answers: [("201", ref("Upload"))]),
        .init(
            method: "get", path: "/api/w1/uploads", summary: "My uploads", caller: .scope("publish"),
            answers: [("200", page("Upload"))]),
        .init(
            method: "get", path: "/api/w1/uploads/{id}", summary: "How far an upload is", caller: .scope("publish"),
            answers: [("200", ref("Upload"))]),
        .init(
            method: "patch", path: "/api/w1/uploads/{id}", summary: "Add bytes at an offset",
            caller: .scope("publish"), takesBytes: true,
            headers: [
                [
                    "name": "Upload-Offset", "in": "header", "required": true,
                    "schema": ["type": "integer", "minimum": 0, "maximum": .number(Int.max)],
                ]
            ], answers: [("200", ref("Upload"))]),
        .init(
            method: "put", path: "/api/w1/uploads/{id}", summary: "Bring all bytes, or those of a Content-Range",
            caller: .scope("publish"), takesBytes: true, answers: [("200", ref("Upload"))]),
        .init(
            method: "delete", path: "/api/w1/uploads/{id}", summary: "Drop an upload", caller: .scope("publish"),
            answers: [("204", nil)]),
        .init(
            method: "post", path: "/api/w1/releases/draft", summary: "What would be signed, from the files' headers",
            caller: .scope("publish"), body: ref("Publication"), answers: [("200", ref("Draft"))]),
        .init(
            method: "post", path: "/api/w1/releases", summary: "Publish a release", caller: .scope("publish"),
            body: ref("Publication"), answers: [("200", ref("Published")), ("201", ref("Published"))]),
        .init(
            method: "post", path: "/api/w1/images", summary: "Post images", caller: .scope("publish"),
            body: OpenAPISchemas.object(
                [
                    "images": "strings", "level": "level", "title": "string", "text": "string",
                    "releases": "strings",
                ], required: ["images"]), answers: [("201", ref("Said"))]),
    ]
}
