import WaggleProtocol

/// Currencies in the native API.
enum OpenAPIBuzz {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    private static func page(_ name: String) -> OpenAPIValue {
        [
            "type": "object", "required": ["items"],
            "properties": [
                "items": ["type": "array", "items": ref(name)], "next_cursor": ["type": "string"],
            ],
        ]
    }

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/buzz", summary: "Currencies known here, and how far each may be trusted",
            answers: [("200", page("Currency"))]),
        .init(
            method: "get", path: "/api/w1/buzz/{currency}", summary: "A charter, by symbol or id",
            answers: [("200", ref("CurrencyRules"))]),
        .init(
            method: "get", path: "/api/w1/buzz/{currency}/accounts/{account}",
            summary: "A balance, of a person or of an account's 64 digits", answers: [("200", ref("Balance"))]),
        .init(
            method: "get", path: "/api/w1/buzz/{currency}/accounts/{account}/finals",
            summary: "What an account paid and got, the newest first",
            query: [
                ["name": "limit", "in": "query", "schema": ["type": "integer", "minimum": 1, "maximum": 100]],
                ["name": "cursor", "in": "query", "schema": ["type": "string"]],
            ], answers: [("200", page("Final"))]),
        .init(
            method: "get", path: "/api/w1/buzz/{currency}/finals/{final}",
            summary: "One order that is final, with a receipt that anybody can check",
            answers: [("200", ref("ExplainedFinal"))]),
        .init(
            method: "post", path: "/api/w1/buzz/tips", summary: "Tip whoever made something, or a person",
            caller: .scope("spend"),
            body: OpenAPISchemas.object(
                ["subject": "string", "amount": "integer", "currency": "string"], required: ["subject", "amount"]),
            answers: [("201", ref("Final"))]),
        .init(
            method: "put", path: "/api/w1/buzz/{currency}/accepted", summary: "List a currency in your profile",
            caller: .scope("social"), answers: [("200", ref("Said"))]),
        .init(
            method: "delete", path: "/api/w1/buzz/{currency}/accepted", summary: "Take it out again",
            caller: .scope("social"), answers: [("204", nil)]),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "Currency": OpenAPISchemas.answer([
            "currency": "string", "name": "string", "symbol": "string", "role": "string", "url": "string",
            "finals": "integer", "epoch": "integer", "issued": "integer", "burned": "integer", "held": "integer",
            "accounts": "integer", "witnesses": "integer", "operators": "integer", "quorum": "integer",
            "trust": "string", "answered": "integer", "stopped": "string", "warning": "string",
        ]),
        "CurrencyRules": OpenAPISchemas.answer([
            "report": "Currency", "genesis": "integer", "epoch_seconds": "integer", "authorities": "strings",
            "addresses": "strings",
            "granters": "[Granter]", "wardens": "strings", "warden_threshold": "integer", "has_clawback": "boolean",
            "max_hold_epochs": "integer", "hold_grace_epochs": "integer", "max_freeze_epochs": "integer",
            "charter": "string",
        ]),
        "Granter": OpenAPISchemas.answer([
            "account": "string", "cap_per_epoch": "integer", "per_recipient_per_epoch": "integer!",
            "rewards": "[Reward]",
        ]),
        "Reward": OpenAPISchemas.answer(["action": "string", "amount": "integer", "cap_per_epoch": "integer"]),
        "Balance": OpenAPISchemas.answer([
            "currency": "string", "symbol": "string", "account": "string", "balance": "integer", "held": "integer",
            "orders": "integer", "pending": "integer", "frozen_until": "integer!", "is_current": "boolean",
            "trust": "string", "double_orders": "[integer]!",
        ]),
        "Final": OpenAPISchemas.answer([
            "currency": "string", "symbol": "string", "order": "string", "slot": "string", "operation": "string",
            "position": "integer!", "time": "integer", "from": "string", "outputs": "[Side]", "reference": "string!",
            "change": "number!",
        ]),
        "Side": OpenAPISchemas.answer(["account": "string", "amount": "integer"]),
        "ExplainedFinal": OpenAPISchemas.answer([
            "final": "Final", "expiry": "integer!", "is_open": "boolean!", "checkpoint": "integer!",
            "receipt": "Receipt!", "trust": "string",
        ]),
        "Receipt": OpenAPISchemas.answer([
            "version": "integer", "charter": "string", "final": "string", "position": "integer!",
            "size": "integer!", "proof": "strings!", "checkpoint": "string!",
        ]),
    ]
}
