import Moderation
import WaggleProtocol

/// Lists in the native API.
enum OpenAPILists {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    private static let name: OpenAPIValue = [
        "name": "list", "in": "query", "required": true, "schema": ["type": "string"],
        "description": "@keeper/name, the keeper's id and the name, or consensus:name",
    ]

    private static func flag(_ name: String) -> OpenAPIValue {
        ["name": .text(name), "in": "query", "schema": ["type": "boolean"]]
    }

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/moderation/lists",
            summary: "Lists of people here, and those that this node listens to in their order",
            caller: .scope("moderate"), answers: [("200", ["type": "array", "items": ref("List")])]),
        .init(
            method: "get", path: "/api/w1/moderation/lists/show",
            summary: "A list with its entries, and what those that wait would do here", caller: .scope("moderate"),
            query: [
                name, flag("waiting"),
                ["name": "limit", "in": "query", "schema": ["type": "integer", "minimum": 1, "maximum": 1000]],
            ],
            answers: [
                (
                    "200",
                    [
                        "type": "object",
                        "properties": ["list": ref("List"), "entries": ["type": "array", "items": ref("ListEntry")]],
                    ]
                )
            ]),
        .init(
            method: "get", path: "/api/w1/moderation/lists/export",
            summary: "A list as CSV, or its domains as Mastodon imports them", caller: .scope("moderate"),
            query: [name, flag("mastodon")], answers: [("200", nil)]),
        .init(
            method: "post", path: "/api/w1/moderation/lists/{action}",
            summary: """
                With a list of one's own: new, add, withdraw, import, fork. With one that this node listens to: approve, \
                reject, undo; and for admins subscribe, unsubscribe, allow
                """,
            caller: .scope("moderate"),
            body: OpenAPISchemas.object(
                [
                    "list": "string", "subjects": "strings", "title": "string", "purpose": "string",
                    "policy_url": "string", "appeal_url": "string", "salted": "boolean", "severity": "string",
                    "reason": "string", "label": "string", "until": "integer", "text": "string", "slug": "string",
                    "mode": "string", "grant": "string", "reasons": "strings", "shadow": "boolean",
                    "place": "integer", "lists": "strings", "needed": "integer", "most": "string", "remove": "boolean",
                ], required: ["list"]), answers: [("200", ["type": "object"]), ("201", ["type": "object"])]),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "List": OpenAPISchemas.answer([
            "list": "string", "keeper": "string", "name": "string", "purpose": "string", "version": "integer",
            "entries": "integer", "is_own": "boolean",
        ]),
        "ListEntry": OpenAPISchemas.answer([
            "subject": "string", "severity": "string", "reason": "string", "basis": "string", "label": "string",
            "until": "integer", "case_number": "string", "post": "string", "created": "integer", "state": "string",
        ]),
    ]
}
