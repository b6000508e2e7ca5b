/// Articles and workflows in the description of the native API.
enum OpenAPIWorks {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    private static func page(_ name: String) -> OpenAPIValue {
        [
            "type": "object", "required": ["items"],
            "properties": [
                "items": ["type": "array", "items": ref(name)],
                "next_cursor": ["type": "string", "description": "Absent at the end."],
            ],
        ]
    }

    private static let query: [OpenAPIValue] = [
        ["name": "q", "in": "query", "schema": ["type": "string"], "description": "Words of the name and the tags."],
        [
            "name": "creator", "in": "query", "schema": ["type": "string"],
            "description": "A handle or an author id.",
        ],
        [
            "name": "limit", "in": "query", "schema": ["type": "integer", "minimum": 1, "maximum": 100],
        ],
        [
            "name": "cursor", "in": "query", "schema": ["type": "string"],
            "description": "`next_cursor` of the page before.",
        ],
    ]

    private static let said: [(status: String, schema: OpenAPIValue?)] = [("200", ref("Said")), ("201", ref("Said"))]

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/articles", summary: "List articles", query: query,
            answers: [("200", page("Article"))]),
        .init(
            method: "get", path: "/api/w1/articles/{id}", summary: "An article", answers: [("200", ref("Article"))]),
        .init(
            method: "put", path: "/api/w1/articles/mine/{slug}",
            summary: "Write an article of mine; what is left out stays as it is", caller: .scope("publish"),
            body: OpenAPISchemas.object([
                "title": "string", "text": "string", "tags": "strings", "level": "level", "cover": "string",
            ]), answers: said),
        .init(
            method: "get", path: "/api/w1/workflows", summary: "List workflows", query: query,
            answers: [("200", page("Workflow"))]),
        .init(
            method: "get", path: "/api/w1/workflows/{id}", summary: "A workflow",
            answers: [("200", ref("Workflow"))]),
        .init(
            method: "post", path: "/api/w1/workflows/draft", summary: "What a graph gives away, before it is signed",
            caller: .scope("publish"),
            body: OpenAPISchemas.object(["graph": "string"], required: ["graph"]),
            answers: [("200", ref("WorkflowDraft"))]),
        .init(
            method: "put", path: "/api/w1/workflows/mine/{slug}",
            summary: "Publish a workflow of mine; what is left out stays as it is", caller: .scope("publish"),
            body: OpenAPISchemas.object([
                "name": "string", "description": "string", "tags": "strings", "level": "level", "graph": "string",
            ]), answers: said),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "Article": OpenAPISchemas.answer([
            "id": "integer", "post": "string", "creator": "Creator", "slug": "string", "title": "string",
            "text": "string", "tags": "strings", "level": "string", "updated": "time", "cover_url": "string!",
            "counts": "Counts", "url": "string",
        ]),
        "WorkflowDraft": OpenAPISchemas.answer(["findings": "[DraftFinding]"]),
        "Workflow": OpenAPISchemas.answer([
            "id": "integer", "post": "string", "creator": "Creator", "slug": "string", "name": "string",
            "description": "string", "tags": "strings", "level": "string", "updated": "time", "sha256": "string",
            "size": "integer", "file_url": "string", "counts": "Counts", "url": "string",
        ]),
    ]
}
