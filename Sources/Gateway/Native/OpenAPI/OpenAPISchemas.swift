import Moderation

/// What requests and answers of the native API look like.
enum OpenAPISchemas {
    /// Members by the names of their types: "string", "integer", "number", "boolean", "strings", "time", "hash", "level", a schema of this
    /// document, or "[Schema]". A question mark allows null.
    static func object(_ members: [String: String], required: [String] = []) -> OpenAPIValue {
        var value: [String: OpenAPIValue] = [
            "type": "object",
            "properties": .members(
                Dictionary(
                    uniqueKeysWithValues: members.map { name, text in
                        // Null is the same as nothing.
                        (name, type(required.contains(name) || text.hasSuffix("?") ? text : text + "?"))
                    })),
        ]
        if !required.isEmpty { value["required"] = .list(required.map { .text($0) }) }
        return .members(value)
    }

    private static func type(_ name: String) -> OpenAPIValue {
        if name.hasSuffix("?") { return ["oneOf": [type(String(name.dropLast())), ["type": "null"]]] }
        if name.hasPrefix("[") {
            return ["type": "array", "items": type(String(name.dropFirst().dropLast()))]
        }
        switch name {
        case "string", "number", "boolean": return ["type": .text(name)]
        case "integer": return ["type": "integer", "minimum": 0]
        case "strings": return ["type": "array", "items": ["type": "string"]]
        case "hash": return ["type": "string", "pattern": "^[0-9a-fA-F]{64}$"]
        case "level": return level
        case "time": return ["type": "string", "format": "date-time"]
        default: return ["$ref": .text("#/components/schemas/\(name)")]
        }
    }

    /// The word of a content level.
    static var level: OpenAPIValue { ["type": "string", "enum": .list(Level.words.map { .text($0) })] }

    /// An answer: everything is there, but for what ends in an exclamation mark, which may be absent.
    static func answer(_ members: [String: String]) -> OpenAPIValue {
        let always = members.filter { !$0.value.hasSuffix("!") }.keys.sorted()
        return object(members.mapValues { $0.hasSuffix("!") ? String($0.dropLast()) : $0 }, required: always)
    }

    private static let creator = [
        "id": "integer", "author": "string", "handle": "string", "name": "string", "home": "string", "url": "string",
    ]

    static let all: [String: OpenAPIValue] = [
        "Problem": answer([
            "type": "string", "title": "string", "status": "integer", "code": "string", "detail": "string",
            "case": "string!",
        ]),
        "Node": answer([
            "node": "string", "name": "string", "software": "string", "registration": "string", "ceiling": "string",
            "models": "integer", "releases": "integer", "images": "integer",
        ]),
        "Creator": answer(creator),
        "CreatorPage": answer(
            creator.merging([
                "about": "string", "links": "strings", "followers": "integer", "following": "integer",
                "models": "integer", "images": "integer", "is_from_here": "boolean",
            ]) { $1 }),
        "Counts": answer([
            "downloads": "integer", "recommended": "integer", "not_recommended": "integer", "comments": "integer",
            "images": "integer", "collections": "integer", "drawn_by": "integer", "reactions": "[ReactionCount]",
        ]),
        "ReactionCount": answer(["emoji": "string", "count": "integer"]),
        "Licence": answer([
            "name": "string", "url": "string", "no_credit": "boolean", "commercial_use": "strings",
            "derivatives": "boolean", "different_licence": "boolean",
        ]),
        "Model": answer([
            "id": "integer", "post": "string", "creator": "Creator", "slug": "string", "name": "string",
            "type": "string", "description": "string", "tags": "strings", "level": "string", "levels": "strings",
            "licence": "Licence", "real_person": "string", "created": "time", "updated": "time", "counts": "Counts",
            "releases": "[Release]", "url": "string",
        ]),
        "Settings": answer([
            "strength": "number!", "strength_min": "number!", "strength_max": "number!", "clip_skip": "integer!",
            "sampler": "string!", "scheduler": "string!", "steps": "integer!", "cfg_scale": "number!",
            "width": "integer!", "height": "integer!", "hint": "string!",
        ]),
        "Release": answer([
            "id": "integer", "post": "string", "model_id": "integer", "model_post": "string", "creator": "Creator",
            "version": "string", "base_model": "string", "trained_words": "strings", "changes": "string",
            "settings": "Settings", "mirrors": "strings", "created": "time", "levels": "strings", "counts": "Counts",
            "files": "[File]", "images": "[Image]", "download_url": "string", "url": "string",
        ]),
        "File": answer([
            "id": "integer", "name": "string", "size": "integer", "kind": "string", "format": "string",
            "precision": "string", "sha256": "string", "pieces_root": "string", "autov1": "string!",
            "autov2": "string", "autov3": "string!", "crc32": "string", "blake3": "string!",
            "tensor_digest": "string!", "is_primary": "boolean", "url": "string", "torrent_url": "string",
            "metalink_url": "string",
        ]),
        "Image": answer([
            "id": "integer", "post": "string", "post_id": "integer", "index": "integer", "creator": "Creator",
            "created": "time", "title": "string", "level": "string", "width": "integer", "height": "integer",
            "media_type": "string", "size": "integer", "alt": "string", "sha256": "string", "recipe": "Recipe!",
            "releases": "[ReleaseLink]", "counts": "Counts", "file_url": "string", "url": "string",
        ]),
        "ReleaseLink": answer([
            "release_id": "integer", "model_id": "integer", "model_name": "string", "version": "string",
            "base_model": "string",
        ]),
        "Recipe": answer([
            "prompt": "string", "negative_prompt": "string", "seed": "integer!", "steps": "integer!",
            "sampler": "string!", "scheduler": "string!", "cfg_scale": "number!", "clip_skip": "integer!",
            "width": "integer!", "height": "integer!", "engine": "string!", "resources": "[RecipeResource]",
        ]),
        "RecipeResource": answer([
            "kind": "string", "name": "string", "sha256": "string!", "claimed_hash": "string!", "strength": "number",
        ]),
        "Review": answer([
            "post": "string", "release_id": "integer", "version": "string", "creator": "Creator", "created": "time",
            "is_recommended": "boolean", "text": "string", "counts": "Counts",
        ]),
        "Comment": answer([
            "post": "string", "subject": "string", "reply_to": "string!", "creator": "Creator", "created": "time",
            "text": "string", "depth": "integer", "replies": "integer", "counts": "Counts",
        ]),
        "Collection": answer([
            "id": "integer", "post": "string", "creator": "Creator", "slug": "string", "name": "string",
            "description": "string", "level": "string", "updated": "time", "item_count": "integer",
            "counts": "Counts", "url": "string",
        ]),
        "CollectionItem": answer(["model": "Model!", "release": "Release!", "images": "[Image]!"]),
        "HashMatch": answer(["hash": "string", "release_id": "integer", "model_id": "integer"]),
        "Follow": answer(["author": "string", "petname": "string", "creator": "Creator!"]),
        "Registration": object(
            [
                "account": "string", "passphrase": "string", "name": "string", "invite": "string",
                "application": "string", "is_adult": "boolean", "author": "string", "documents": "strings",
                "nonce": "string",
                "key": "string", "signature": "string",
            ], required: ["account", "passphrase"]),
        "Session": answer([
            "account": "string", "author": "string", "role": "string", "state": "string", "words": "string!",
            "expires": "time?",
        ]),
        "Move": answer([
            "account": "string", "author": "string", "state": "string", "expires": "time?", "posts": "integer",
            "is_open": "boolean", "withdrawn": "strings", "is_old_home_told": "boolean", "balances": "[MovedBalance]",
        ]),
        "MovedBalance": answer([
            "currency": "string", "symbol": "string", "balance": "integer", "outcome": "string", "is_open": "boolean",
        ]),
        "Challenge": answer(["nonce": "string", "text": "string", "expires": "time"]),
        "Me": answer([
            "account": "string", "author": "string", "role": "string", "custody": "string", "scopes": "strings",
            "levels": "strings", "blur_from": "string?", "is_adult": "boolean", "storage": "Storage",
            "created": "time", "expires": "time?",
        ]),
        "Storage": answer(["quota": "integer?", "stored": "integer", "uploads": "integer"]),
        "Token": answer([
            "id": "integer", "account": "string", "label": "string", "scopes": "strings", "created": "integer",
            "expires": "integer!", "last_used": "integer!", "buzz_limit": "integer!",
        ]),
        "NewToken": answer([
            "token": "string", "id": "integer", "account": "string", "scopes": "strings", "expires": "integer!",
        ]),
        "Event": answer(["id": "string", "event": "string", "data": "string"]),
        "Said": answer(["post": "string", "is_new": "boolean"]),
        "Submitted": answer([
            "post": "string", "result": "string", "reason": "string!", "retry_after": "integer!",
        ]),
        "Upload": answer([
            "id": "string", "name": "string", "size": "integer", "offset": "integer", "is_complete": "boolean",
            "expires": "time", "url": "string",
        ]),
        "Publication": object(
            [
                "files": "strings", "samples": "strings", "model": "string", "version": "string", "type": "string",
                "base_model": "string", "name": "string", "description": "string", "trained_words": "strings",
                "tags": "strings", "level": "level", "real_person": "boolean", "changes": "string",
                "settings": "Settings", "licence": "LicenceTerms", "parents": "[Parent]", "mirrors": "strings",
            ], required: ["files", "model", "version"]),
        "LicenceTerms": object([
            "name": "string", "url": "string", "no_credit": "boolean", "commercial_use": "strings",
            "derivatives": "boolean", "different_licence": "boolean",
        ]),
        "Parent": object(["role": "string", "release": "string"], required: ["role", "release"]),
        "Draft": answer(["fields": "[DraftField]", "findings": "[DraftFinding]"]),
        "DraftField": answer(["name": "string", "value": "string", "source": "string"]),
        "DraftFinding": answer(["severity": "string", "text": "string", "flag": "string!", "rule": "string!"]),
        "Published": answer([
            "release": "string", "model": "string", "version": "string", "files": "[PublishedFile]", "url": "string",
            "is_new": "boolean",
        ]),
        "PublishedFile": answer([
            "name": "string", "sha256": "string", "size": "integer", "pieces_root": "string", "autov2": "string",
            "autov3": "string!",
        ]),
    ]
}
