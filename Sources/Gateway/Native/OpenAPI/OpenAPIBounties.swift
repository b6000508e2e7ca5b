import WaggleProtocol

/// Bounties and rewards in the native API.
enum OpenAPIBounties {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/bounties", summary: "Bounties, the newest first",
            query: [
                [
                    "name": "open", "in": "query", "schema": ["type": "boolean"],
                    "description": "Only those that take entries.",
                ],
                [
                    "name": "by", "in": "query", "schema": ["type": "string"],
                    "description": "Only those of a handle or an author id.",
                ],
                ["name": "limit", "in": "query", "schema": ["type": "integer", "minimum": 1, "maximum": 100]],
                ["name": "cursor", "in": "query", "schema": ["type": "string"]],
            ],
            answers: [
                (
                    "200",
                    [
                        "type": "object", "required": ["items"],
                        "properties": [
                            "items": ["type": "array", "items": ref("Bounty")], "next_cursor": ["type": "string"],
                        ],
                    ]
                )
            ]),
        .init(
            method: "post", path: "/api/w1/bounties", summary: "Post a bounty whose arbiter is this node, and back it",
            caller: .scope("spend"),
            body: OpenAPISchemas.object(
                [
                    "title": "string", "text": "string", "wanted": "string", "tags": "strings", "level": "level",
                    "currency": "string", "amount": "integer", "deadline": "integer", "decided": "integer",
                    "rule": "BountyRule",
                ], required: ["title", "amount", "deadline", "decided", "rule"]),
            answers: [("201", ref("BountyReport"))]),
        .init(
            method: "get", path: "/api/w1/bounties/{bounty}",
            summary: "A bounty with its backers, entries and awards", answers: [("200", ref("BountyReport"))]),
        .init(
            method: "post", path: "/api/w1/bounties/{bounty}/backings", summary: "Set Buzz aside for a bounty",
            caller: .scope("spend"),
            body: OpenAPISchemas.object(["amount": "integer", "is_pledge": "boolean"], required: ["amount"]),
            answers: [("201", ref("BountyReport"))]),
        .init(
            method: "post", path: "/api/w1/bounties/{bounty}/entries", summary: "Enter something for a bounty",
            caller: .scope("social"), body: OpenAPISchemas.object(["works": "strings", "text": "string"]),
            answers: [("200", ref("Said")), ("201", ref("Said"))]),
        .init(
            method: "post", path: "/api/w1/bounties/{bounty}/awards", summary: "Give what you set aside to entries",
            caller: .scope("spend"),
            body: OpenAPISchemas.object(["shares": "[BountyShare]", "text": "string"], required: ["shares"]),
            answers: [("201", ref("BountyReport"))]),
        .init(
            method: "post", path: "/api/w1/bounties/{bounty}/refund",
            summary: "Take back what you set aside: a pledge, while nobody entered, or once it has expired",
            caller: .scope("spend"), answers: [("200", ref("BountyReport"))]),
        .init(
            method: "get", path: "/api/w1/buzz/{currency}/rewards/{epoch}",
            summary: "Why an epoch's rewards were granted, counted again",
            query: [
                [
                    "name": "granter", "in": "query", "schema": ["type": "string"],
                    "description":
                        "Whose list, where several grant: the address of a node, or the beginning of its account.",
                ]
            ], answers: [("200", ref("Rewards"))]),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "BountyRule": ["type": "string", "enum": ["refund", "first", "split", "most-awarded"]],
        "Bounty": OpenAPISchemas.answer([
            "bounty": "string", "title": "string", "poster": "string", "handle": "string", "name": "string",
            "wanted": "string", "level": "string", "created": "integer", "currency": "string", "symbol": "string",
            "phase": "string", "deadline": "integer", "decided": "integer", "rule": "BountyRule",
            "escrowed": "integer", "pledged": "integer", "paid": "integer", "returned": "integer",
            "backers": "integer", "entries": "integer",
        ]),
        "BountyReport": OpenAPISchemas.answer([
            "summary": "Bounty", "text": "string", "tags": "strings", "arbiter": "string", "arbiter_node": "string",
            "is_arbiter_known": "boolean", "symbol": "string", "backings": "[BountyBacking]",
            "entries": "[BountyEntry]", "awards": "[BountyAward]", "stopped": "string", "answered": "integer",
            "trust": "string",
        ]),
        "BountyBacking": OpenAPISchemas.answer([
            "hold": "string", "account": "string", "name": "string!", "amount": "integer", "is_pledge": "boolean",
            "state": "string", "paid": "integer", "returned": "integer", "expiry": "integer", "next": "integer!",
        ]),
        "BountyEntry": OpenAPISchemas.answer([
            "post": "string", "author": "string", "handle": "string", "name": "string", "created": "integer",
            "text": "string", "works": "strings", "counts": "boolean", "won": "integer",
        ]),
        "BountyAward": OpenAPISchemas.answer([
            "post": "string", "author": "string", "name": "string", "created": "integer", "text": "string",
            "shares": "[BountyShare]",
        ]),
        "BountyShare": OpenAPISchemas.answer(["entry": "string", "weight": "integer"]),
        "Rewards": OpenAPISchemas.answer([
            "currency": "string", "symbol": "string", "epoch": "number", "evidence": "string", "members": "integer",
            "facts": "integer", "actions": "[RewardedAction]", "totals": "[Side]", "granted": "integer",
            "faults": "strings", "missing": "integer", "text": "string!", "granter": "RewardGranter",
            "granters": "[RewardGranter]",
        ]),
        "RewardGranter": OpenAPISchemas.answer(["account": "string", "url": "string"]),
        "RewardedAction": OpenAPISchemas.answer(["action": "string", "facts": "integer", "amount": "integer"]),
    ]
}
