import Formats
import FoundationEssentials
import HTTPTypes
import Hummingbird
import WaggleProtocol

/// The description of the native API (OpenAPI 3.1), at `/openapi.json`. Written by hand in the files beside this one; a test
/// compares it with the router, and other people's programs are driven by it.
struct OpenAPIRoutes: Sendable {
    private let document: StaticText

    init(software: String) {
        document = StaticText(OpenAPIDocument.text(software: software), type: "application/json")
    }

    func register(in routes: inout RouteTable) {
        routes.get("/openapi.json", shows: .nothing, .native) { [document] request, _ in
            var response = document.response(to: request)
            response.headers[.accessControlAllowOrigin] = "*"
            return response
        }
    }
}

/// JSON as it is put together in Swift.
indirect enum OpenAPIValue: Encodable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case text(String)
    case number(Int)
    case truth(Bool)
    case list([OpenAPIValue])
    case members([String: OpenAPIValue])

    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .truth(value) }
    init(arrayLiteral elements: OpenAPIValue...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, OpenAPIValue)...) {
        self = .members(Dictionary(elements) { $1 })
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .truth(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .members(let values): try container.encode(values)
        }
    }
}

enum OpenAPIDocument {
    static func text(software: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        guard let data = try? encoder.encode(document(software: software)) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    private static func document(software: String) -> OpenAPIValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Waggle", "version": .text(software),
                "description": """
                The native API of a Waggle node. Errors are problems (RFC 9457) with a stable `code`. Lists go on by \
                `next_cursor`. A POST with an `Idempotency-Key` is carried out once, and sent again within a day it gets the \
                first answer (`Idempotency-Replayed: true`); but answers that show a secret (a new token, recovery words) \
                are not kept: sent again, such a request is carried out again. Tokens go into the Authorization \
                field and nowhere else.
                """,
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "servers": [["url": "/"]],
            "security": [[:], ["token": []]],
            "paths": .members(paths),
            "components": [
                "securitySchemes": [
                    "token": ["type": "http", "scheme": "bearer", "description": "`waggle token new --scope …`"],
                    "session": ["type": "apiKey", "in": "cookie", "name": "__Host-waggle"],
                ],
                "schemas": .members(
                    OpenAPISchemas.all.merging(OpenAPIBuzz.schemas) { $1 }.merging(OpenAPIBounties.schemas) { $1 }
                        .merging(OpenAPIGeneration.schemas) { $1 }.merging(OpenAPIModeration.schemas) { $1 }
                        .merging(OpenAPILevels.schemas) { $1 }
                        .merging(OpenAPIWorks.schemas) { $1 }.merging(OpenAPILists.schemas) { $1 }),
            ],
        ]
    }

    private static var paths: [String: OpenAPIValue] {
        var paths: [String: [String: OpenAPIValue]] = [:]
        for route in OpenAPIPaths.all + OpenAPIBuzz.paths + OpenAPIBounties.paths + OpenAPIGeneration.paths
            + OpenAPIModeration.paths + OpenAPILevels.paths + OpenAPILevels.appealPaths + OpenAPIWorks.paths
            + OpenAPILists.paths
        {
            paths[route.path, default: [:]][route.method] = route.value
        }
        return paths.mapValues { .members($0) }
    }
}

/// One method of one path.
struct OpenAPIRoute: Sendable {
    enum Caller: Sendable {
        case anybody
        /// Somebody with this scope.
        case scope(String)
    }

    let method: String
    let path: String
    let summary: String
    var caller = Caller.anybody
    var query: [OpenAPIValue] = []
    var body: OpenAPIValue?
    /// The same as a form, with files beside its fields.
    var form: OpenAPIValue?
    /// Of an upload.
    var takesBytes = false
    var headers: [OpenAPIValue] = []
    /// The statuses that are no errors, each with its schema; nil for an empty answer.
    let answers: [(status: String, schema: OpenAPIValue?)]
    var mediaType = "application/json"

    var value: OpenAPIValue {
        var value: [String: OpenAPIValue] = [
            "summary": .text(summary), "operationId": .text(name), "responses": .members(responses),
        ]
        let parameters = pathParameters + query + headers
        if !parameters.isEmpty { value["parameters"] = .list(parameters) }
        if let body {
            var content: [String: OpenAPIValue] = ["application/json": ["schema": body]]
            if let form { content["multipart/form-data"] = ["schema": form] }
            value["requestBody"] = ["required": true, "content": .members(content)]
        }
        if takesBytes {
            value["requestBody"] = [
                "required": true, "content": ["application/octet-stream": ["schema": [:]]],
            ]
        }
        if case .scope(let scope) = caller {
            value["security"] = [["token": []], ["session": []]]
            value["description"] = .text("Needs the scope `\(scope)`.")
        }
        return .members(value)
    }

    /// "get_models_id".
    private var name: String {
        method
            + path.dropFirst("/api/w1".count).map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
            .replacing("__", with: "_")
    }

    private var pathParameters: [OpenAPIValue] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
            let name = String(part.dropFirst().dropLast())
            return [
                "name": .text(name), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1, "maxLength": 128],
            ]
        }
    }

    private var responses: [String: OpenAPIValue] {
        var responses: [String: OpenAPIValue] = [:]
        for (status, schema) in answers {
            var answer: [String: OpenAPIValue] = ["description": "As asked."]
            if let schema { answer["content"] = [mediaType: ["schema": schema]].value }
            responses[status] = .members(answer)
        }
        responses["default"] = [
            "description": "A problem: `code` is stable, `detail` is for people.",
            "content": ["application/problem+json": ["schema": ["$ref": "#/components/schemas/Problem"]]],
        ]
        return responses
    }
}

extension [String: OpenAPIValue] {
    fileprivate var value: OpenAPIValue { .members(self) }
}
