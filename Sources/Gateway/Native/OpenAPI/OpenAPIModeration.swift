import Moderation
import Operations
import WaggleProtocol

/// Reports, requests and cases in the native API.
enum OpenAPIModeration {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    private static func words(_ all: [String]) -> OpenAPIValue {
        ["type": "string", "enum": .list(all.map { .text($0) })]
    }

    private static let request = [
        "subjects": "strings", "reason": "string", "right": "string", "statement": "string", "signature": "string",
        "contact": "string",
    ]

    /// The same fields, each subject one of its own, and files.
    private static let form: OpenAPIValue = {
        var fields: [String: OpenAPIValue] = request.mapValues { _ in ["type": "string"] }
        fields["subjects"] = ["type": "array", "items": ["type": "string"]]
        fields["files"] = [
            "type": "array", "maxItems": .number(Limits.Cases.attachedFiles),
            "items": ["type": "string", "format": "binary", "maxLength": .number(Limits.Cases.attachedBytes)],
        ]
        return [
            "type": "object", "properties": .members(fields),
            "required": .list(request.keys.sorted().map { .text($0) }),
        ]
    }()

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "post", path: "/api/w1/reports", summary: "Report something to the moderators of this node",
            body: OpenAPISchemas.object(
                ["subject": "string", "reason": "string", "text": "string", "contact": "string", "tell": "string"],
                required: ["subject", "reason"]), answers: [("201", ref("CaseReceipt"))]),
        .init(
            method: "post", path: "/api/w1/takedowns",
            summary: "Ask for something to be taken down; it is decided within 48 hours. A form may bring files",
            body: OpenAPISchemas.object(request, required: request.keys.sorted()),
            form: form,
            answers: [("201", ref("CaseReceipt"))]),
        .init(
            method: "get", path: "/api/w1/takedowns/{secret}",
            summary: "How a request stands, for whoever has its secret",
            answers: [("200", ref("CaseStatus"))]),
        .init(
            method: "get", path: "/api/w1/transparency", summary: "What this node says in public of how it moderates",
            answers: [("200", ["type": "object"])]),
        .init(
            method: "get", path: "/api/w1/cases/{case}",
            summary: "What was decided about something of the caller's own", caller: .scope("read"),
            answers: [("200", ref("OwnCase"))]),
        .init(
            method: "post", path: "/api/w1/cases/{case}/appeal",
            summary: "Appeal, once, against a decision, a lock (L-7) or a label about something of the caller's own",
            caller: .scope("social"),
            body: OpenAPISchemas.object(["text": "string"], required: ["text"]), answers: [("200", ref("OwnCase"))]),
        .init(
            method: "get", path: "/api/w1/moderation/cases",
            summary: "What waits for a decision, the most urgent first",
            caller: .scope("moderate"),
            query: [["name": "show", "in": "query", "schema": words(ShowQueue.choices)]],
            answers: [("200", ["type": "object", "properties": ["cases": ["type": "array", "items": ref("Case")]]])]),
        .init(
            method: "get", path: "/api/w1/moderation/cases/{case}",
            summary: "A case: its reports, how far it reaches, what was done", caller: .scope("moderate"),
            answers: [("200", ["type": "object", "properties": ["line": ref("Case")]])]),
        .init(
            method: "post", path: "/api/w1/moderation/cases/{case}/{action}",
            summary: "Act on a case: assign, hide, decide, undo, answer, appeal", caller: .scope("moderate"),
            body: OpenAPISchemas.object([
                "action": "string", "account": "string", "reason": "string", "sets": "strings", "letter": "string",
                "maker_letter": "string", "list": "string", "outcome": "string", "text": "string",
            ]), answers: [("200", ref("Case"))]),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "CaseReceipt": OpenAPISchemas.answer([
            "number": "string", "secret": "string", "deadline": "integer!", "is_new": "boolean",
        ]),
        "CaseStatus": OpenAPISchemas.answer([
            "number": "string", "state": "string", "opened": "integer", "deadline": "integer!", "decision": "string!",
            "decided_at": "integer!", "letter": "string", "can_appeal": "boolean", "appeal": "string!",
        ]),
        "OwnCase": OpenAPISchemas.answer([
            "number": "string", "reason": "string", "decision": "string!", "decided_at": "integer",
            "letter": "string", "can_appeal": "boolean", "outcome": "string!", "has_appealed": "boolean",
            "answer": "string!",
        ]),
        "Case": OpenAPISchemas.answer([
            "number": "string", "kind": "string", "reason": "string", "subject": "string", "page": "string",
            "opened": "integer", "deadline": "integer!", "urgency": "string", "reports": "integer",
            "assigned": "string", "state": "string", "decision": "string!", "has_open_appeal": "boolean",
        ]),
    ]
}
