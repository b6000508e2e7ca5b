import Moderation

/// Levels in the native API.
enum OpenAPILevels {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    private static func list(_ name: String) -> OpenAPIValue { ["type": "array", "items": ref(name)] }

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/levels", summary: "The level of something, and what people say of it",
            caller: .scope("read"),
            query: [["name": "subject", "in": "query", "required": true, "schema": ["type": "string"]]],
            answers: [("200", ref("LevelReport"))]),
        .init(
            method: "post", path: "/api/w1/levels",
            summary: "Say what the level of something should be; without a level, take that back",
            caller: .scope("social"),
            body: OpenAPISchemas.object(["subject": "string", "level": "string"], required: ["subject"]),
            answers: [("200", ref("LevelReport"))]),
        .init(
            method: "post", path: "/api/w1/levels/review",
            summary: "Ask a moderator to look at the level of something of the caller's own", caller: .scope("social"),
            body: OpenAPISchemas.object(
                ["subject": "string", "text": "string"], required: ["subject", "text"]),
            answers: [("200", ref("LevelReport"))]),
        .init(
            method: "get", path: "/api/w1/moderation/levels", summary: "Levels in dispute, and those that are locked",
            caller: .scope("moderate"),
            answers: [
                (
                    "200",
                    ["type": "object", "properties": ["disputes": list("LevelReport"), "locked": list("LevelReport")]]
                )
            ]),
        .init(
            method: "post", path: "/api/w1/moderation/levels",
            summary: "Lock the level of something; without a level, lift the lock", caller: .scope("moderate"),
            body: OpenAPISchemas.object(
                ["subject": "string", "level": "string", "reason": "string"], required: ["subject"]),
            answers: [("200", ref("LevelReport"))]),
    ]

    /// Appeals against entries of lists, labels and locks.
    static let appealPaths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/appeals",
            summary: "What lists and this node say here of the caller's own things, and what became of appeals",
            caller: .scope("read"),
            answers: [("200", ["type": "object", "properties": ["actions": list("ListAction")]])]),
        .init(
            method: "post", path: "/api/w1/appeals",
            summary: "Appeal, once, against an entry or a label, signed and public, or the lock on a level",
            caller: .scope("social"),
            body: OpenAPISchemas.object(["entry": "string", "text": "string"], required: ["entry", "text"]),
            answers: [("201", ["type": "object"])]),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "LevelReport": [
            "type": "object",
            "properties": [
                "subject": ["type": "string"], "title": ["type": "string"], "page": ["type": "string"],
                "declared": OpenAPISchemas.level, "level": OpenAPISchemas.level,
                "votes": ["type": "object", "additionalProperties": ["type": "integer"]],
                "needed": ["type": "integer"], "own": ["type": "string"],
                "is_found_milder": ["type": "boolean"], "is_own": ["type": "boolean"],
                "lock": ref("LevelLock"), "review": ["type": "object"],
            ],
        ],
        "ListAction": [
            "type": "object",
            "properties": [
                "entry": ["type": "string"], "list": ["type": "string"], "subject": ["type": "string"],
                "title": ["type": "string"], "reason": ["type": "string"], "action": ["type": "string"],
                "case_number": ["type": "string"], "appeal": ["type": "object"],
            ],
        ],
        "LevelLock": OpenAPISchemas.answer([
            "number": "string", "reason": "string", "by": "string", "at": "integer", "is_of_older_version": "boolean",
        ]),
    ]
}
