import WaggleProtocol

/// Drawing in the native API.
enum OpenAPIGeneration {
    private static func ref(_ name: String) -> OpenAPIValue { ["$ref": .text("#/components/schemas/\(name)")] }

    private static func page(_ name: String) -> OpenAPIValue {
        [
            "type": "object", "required": ["items"],
            "properties": [
                "items": ["type": "array", "items": ref(name)], "next_cursor": ["type": "string"],
            ],
        ]
    }

    private static let asked = OpenAPISchemas.object(
        [
            "model": "string", "prompt": "string", "negative_prompt": "string", "width": "integer",
            "height": "integer", "steps": "integer", "cfg_scale": "number", "sampler": "string",
            "scheduler": "string", "seed": "integer", "batch": "integer", "clip_skip": "integer", "vae": "string",
            "init_image": "string", "strength": "number", "format": "string", "quote": "string",
        ], required: ["model", "prompt"])

    static let paths: [OpenAPIRoute] = [
        .init(
            method: "get", path: "/api/w1/generate", summary: "What draws here, or why nothing does",
            caller: .scope("generate"), answers: [("200", ref("DrawingBackend"))]),
        .init(
            method: "get", path: "/api/w1/generate/models", summary: "Models that can be drawn with",
            caller: .scope("generate"), answers: [("200", page("DrawableModel"))]),
        .init(
            method: "get", path: "/api/w1/generate/loras", summary: "LoRAs that can be drawn with",
            caller: .scope("generate"), answers: [("200", page("DrawableModel"))]),
        .init(
            method: "post", path: "/api/w1/generate/quote", summary: "What a picture would cost",
            caller: .scope("generate"), body: asked, answers: [("200", ref("DrawingQuote"))]),
        .init(
            method: "post", path: "/api/w1/generate",
            summary: "Order pictures; what is left out is what the model's author recommends",
            caller: .scope("generate"), body: asked, answers: [("202", ref("DrawingJob"))]),
        .init(
            method: "get", path: "/api/w1/generate/jobs", summary: "Your jobs, the newest first",
            caller: .scope("generate"),
            query: [
                ["name": "limit", "in": "query", "schema": ["type": "integer", "minimum": 1, "maximum": 50]],
                ["name": "cursor", "in": "query", "schema": ["type": "integer", "minimum": 0, "maximum": 500]],
            ], answers: [("200", page("DrawingJob"))]),
        .init(
            method: "get", path: "/api/w1/generate/jobs/{job}", summary: "One job", caller: .scope("generate"),
            answers: [("200", ref("DrawingJob"))]),
        .init(
            method: "delete", path: "/api/w1/generate/jobs/{job}",
            summary: "Cancel a job; what it drew stays, and the rest of its price goes back",
            caller: .scope("generate"), answers: [("200", ref("DrawingJob"))]),
        .init(
            method: "get", path: "/api/w1/generate/jobs/{job}/events",
            summary: "The job whenever it changes, as server-sent events, until it is over",
            caller: .scope("generate"), answers: [("200", nil)]),
        .init(
            method: "get", path: "/api/w1/generate/jobs/{job}/preview",
            summary: "How far the picture is that is being drawn", caller: .scope("generate"), answers: [("200", nil)]),
        .init(
            method: "get", path: "/api/w1/generate/jobs/{job}/pictures/{index}", summary: "A picture of a job",
            caller: .scope("generate"), answers: [("200", nil)]),
        .init(
            method: "post", path: "/api/w1/generate/jobs/{job}/pictures/{index}/feedback",
            summary: "Say whether a picture is good: a public post that names it by hash and the models, and no more",
            caller: .scope("social"), body: OpenAPISchemas.object(["good": "boolean"], required: ["good"]),
            answers: [("200", ref("DrawingJob"))]),
    ]

    static let schemas: [String: OpenAPIValue] = [
        "DrawingBackend": OpenAPISchemas.answer([
            "is_ready": "boolean", "backend": "string", "engine": "string", "samplers": "strings",
            "schedulers": "strings", "mode": "string", "price_per_unit": "number", "why": "string!",
        ]),
        "DrawableModel": OpenAPISchemas.answer([
            "name": "string", "reference": "string", "title": "string", "type": "string", "base_model": "string",
            "sha256": "string", "size": "integer", "release": "string", "release_id": "integer",
            "model_id": "integer", "triggers": "strings", "defaults": "DrawingDefaults",
        ]),
        "DrawingDefaults": OpenAPISchemas.answer([
            "width": "integer!", "height": "integer!", "steps": "integer!", "cfg_scale": "number!",
            "sampler": "string!", "scheduler": "string!", "clip_skip": "integer!",
        ]),
        "DrawingQuote": OpenAPISchemas.answer([
            "work": "integer", "price": "integer", "seed": "integer", "width": "integer", "height": "integer",
            "steps": "integer", "cfg_scale": "number", "quote": "string", "expires": "integer",
        ]),
        "DrawingJob": OpenAPISchemas.answer([
            "id": "string", "state": "string", "is_over": "boolean", "position": "integer!",
            "seconds_before": "integer!", "progress": "number", "prompt": "string",
            "negative_prompt": "string", "model": "string", "seed": "integer",
            "steps": "integer", "cfg_scale": "number", "sampler": "string", "scheduler": "string",
            "width": "integer", "height": "integer", "batch": "integer", "clip_skip": "integer",
            "resources": "[DrawingResource]", "price": "integer", "captured": "integer", "created": "integer",
            "started": "integer!", "finished": "integer!", "error_code": "string!", "error": "string!",
            "pictures": "[DrawnPicture]", "previews": "integer",
        ]),
        "DrawingResource": OpenAPISchemas.answer([
            "role": "string", "name": "string", "sha256": "string", "weight": "number!",
        ]),
        "DrawnPicture": OpenAPISchemas.answer([
            "index": "integer", "seed": "integer", "sha256": "string", "media_type": "string", "width": "integer",
            "height": "integer", "path": "string!", "is_good": "boolean!",
        ]),
    ]
}
