import Accounts
import Catalog
import Digests
import Federation
import Foundation
import HTTPTypes
import Identity
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("The Civitai API")
struct CivitaiTests {
    private struct World {
        let node: TestNode
        let alpha: TestNode.Published
        let modelID: Int32
        let versionID: Int32
    }

    private static func world(configure: (inout GatewayConfiguration) -> Void = { _ in }) async throws -> World {
        let node = try await TestNode.make(configure: configure)
        let alpha = try await node.publishModel("Alpha") { _ in
        } changeRelease: { release in
            var config = WireFile()
            config.sha256 = SHA256.hash(Array("config".utf8)).data
            config.piecesRoot = config.sha256
            config.size = 12_345
            config.name = "Alpha.yaml"
            config.kind = "Config"
            config.format = "Other"
            release.files.append(config)
        }
        let view = try #require(
            try await node.catalog.release(post: alpha.release.id, node.moderation.filter(for: .anonymous)))
        return World(node: node, alpha: alpha, modelID: view.modelID, versionID: view.id)
    }

    // MARK: Small routes

    @Test("the smaller routes have the recorded shapes; who the caller is needs a token")
    func smallRoutes() async throws {
        let world = try await Self.world()
        let token = try await world.node.accounts.newToken(
            NewToken(label: "", scopes: [.read]), for: "maker"
        ).secret.text
        try await world.node.test { client in
            for (path, name) in [
                ("model-versions/mini/\(world.versionID)", "mini"), ("creators", "creators"), ("tags", "tags"),
                ("users?query=ma", "users"), ("enums", "enums"), ("permissions/check?entityIds=1,2", "permissions"),
                ("me?token=\(token)", "me"),
            ] {
                let answer = try await client(.get, "/api/v1/\(path)")
                #expect(answer.status == .ok, "\(path)")
                try Golden.check(Data(answer.bytes), name)
            }
            let me = try await client(.get, "/api/v1/me", [.authorization: "Bearer \(token)"])
            #expect(me.status == .ok && me.headers[.cacheControl] == "private, no-store")
            for fields: HTTPFields in [[:], [.authorization: "Bearer wrong"], [.authorization: "Basic x"]] {
                let refused = try await client(.get, "/api/v1/me", fields)
                #expect(refused.status == .unauthorized)
                #expect(try refused.json()["error"] as? String == "Unauthorized")
            }
            let page = try await client(.get, "/api/v1/creators?limit=1&page=2").json()
            let metadata = try #require(page["metadata"] as? [String: Any])
            #expect(metadata["totalItems"] as? Int == 1 && metadata["nextPage"] == nil)
            #expect((metadata["prevPage"] as? String)?.hasSuffix("limit=1&page=1") == true)
            for bad in ["creators?limit=201", "creators?page=0", "tags?limit=-1", "users?ids=x", "users?ids=0"] {
                #expect(try await client(.get, "/api/v1/\(bad)").status == .badRequest, "\(bad)")
            }
            #expect(try await client(.get, "/api/v1/creators?page=100000").status == .tooManyRequests)
        }
    }

    // MARK: Shapes

    @Test("lists, single items and look-ups by hash have the recorded shapes, and the same version everywhere")
    func shapes() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            let list = try await client(.get, "/api/v1/models")
            try Golden.check(Data(list.bytes), "models")
            let model = try await client(.get, "/api/v1/models/\(world.modelID)")
            try Golden.check(Data(model.bytes), "model")
            let version = try await client(.get, "/api/v1/model-versions/\(world.versionID)")
            try Golden.check(Data(version.bytes), "version")
            let images = try await client(.get, "/api/v1/images?withMeta=true")
            try Golden.check(Data(images.bytes), "images")

            let items = try #require(try list.json()["items"] as? [[String: Any]])
            #expect(NSDictionary(dictionary: items[0]) == NSDictionary(dictionary: try model.json()))
            let versions = try #require(items[0]["modelVersions"] as? [[String: Any]])
            #expect(NSDictionary(dictionary: versions[0]) == NSDictionary(dictionary: try version.json()))
        }
    }

    /// Members that a known client fails without, by object.
    private static let required: [String: [String]] = [
        "model": [
            "id", "name", "description", "type", "nsfw", "nsfwLevel", "creator", "tags", "allowNoCredit",
            "allowCommercialUse", "allowDerivatives", "allowDifferentLicense", "poi", "minor", "stats", "modelVersions",
            "availability", "supportsGeneration", "sfwOnly", "userId",
        ],
        "version": [
            "id", "modelId", "name", "baseModel", "baseModelType", "publishedAt", "createdAt", "updatedAt", "index",
            "availability", "air", "earlyAccessConfig", "uploadType", "usageControl", "nsfwLevel", "status", "stats",
            "description", "trainedWords", "files", "images", "model", "downloadUrl", "covered",
        ],
        "file": [
            "id", "name", "type", "sizeKB", "metadata", "pickleScanResult", "virusScanResult", "scannedAt", "hashes",
            "downloadUrl", "primary",
        ],
        "hashes": ["SHA256", "AutoV1", "AutoV2", "AutoV3", "CRC32", "BLAKE3"],
        "image": ["url", "nsfwLevel", "width", "height", "hash", "type", "meta", "metadata", "hasMeta"],
    ]

    @Test("every member that some client fails without is there, with the type that it expects")
    func required() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            let model = try await client(.get, "/api/v1/models/\(world.modelID)").json()
            let version = try #require((model["modelVersions"] as? [[String: Any]])?.first)
            let files = try #require(version["files"] as? [[String: Any]])
            let image = try #require((version["images"] as? [[String: Any]])?.first)
            let hashes = try #require(files[0]["hashes"] as? [String: String])
            for (name, object) in [
                ("model", model), ("version", version), ("file", files[0]), ("hashes", hashes), ("image", image),
            ] as [(String, [String: Any])] {
                for member in Self.required[name] ?? [] { #expect(object[member] != nil, "\(name).\(member)") }
            }
            #expect(model["allowCommercialUse"] as? [String] == ["Image", "Sell"])
            #expect((version["earlyAccessConfig"] as? [String: Any])?.isEmpty == true)
            #expect(files.map { $0["primary"] as? Bool } == [true, false])
            let base = "https://hive.example/api/download/models/\(world.versionID)"
            #expect(files[0]["downloadUrl"] as? String == base)
            #expect((files[1]["downloadUrl"] as? String)?.hasPrefix(base + "?fileId=") == true)
            #expect(version["downloadUrl"] as? String == base)
            #expect(files[0]["sizeKB"] as? Double == 3000.0 / 1024)
            #expect(hashes["SHA256"] == world.alpha.file.hex.uppercased())
            #expect(hashes["AutoV2"] == String(world.alpha.file.hex.prefix(10)).uppercased())
            #expect(hashes["AutoV3"]?.count == 12 && hashes["AutoV1"]?.count == 8 && hashes["CRC32"]?.count == 8)
            #expect((files[1]["hashes"] as? [String: String])?["AutoV3"]?.count == 12)
            #expect(image["nsfwLevel"] as? Int == 1)
            #expect((image["url"] as? String)?.hasPrefix("https://hive.example/blobs/\(world.alpha.image)/") == true)
            #expect((image["url"] as? String)?.hasSuffix(".png") == true)
            let air = try #require(version["air"] as? String)
            #expect(air == "urn:air:sdxl10:lora:waggle:\(world.alpha.model.id)@\(world.alpha.release.id)")
        }
    }

    // MARK: Lists

    @Test("paging gives each model once; links are whole addresses and absent at the end")
    func paging() async throws {
        let node = try await TestNode.make()
        for number in 0..<7 { _ = try await node.publishModel("Paged\(number)z", age: UInt64(number)) }
        try await node.test { client in
            var path = "/api/v1/models?limit=3&sort=Newest"
            var names: [String] = []
            var pages = 0
            while true {
                let page = try await client(.get, path).json()
                let items = try #require(page["items"] as? [[String: Any]])
                names += items.compactMap { $0["name"] as? String }
                pages += 1
                let metadata = try #require(page["metadata"] as? [String: Any])
                guard let next = metadata["nextPage"] as? String else {
                    #expect(metadata.isEmpty)
                    break
                }
                #expect(metadata["nextCursor"] is String)
                #expect(next.hasPrefix("https://hive.example/api/v1/models?"))
                path = String(next.dropFirst("https://hive.example".count))
            }
            #expect(pages == 3)
            #expect(names == (0..<7).map { "Model Paged\($0)z" })

            let second = try await client(.get, "/api/v1/models?limit=3&page=2").json()
            let metadata = try #require(second["metadata"] as? [String: Any])
            #expect(metadata["currentPage"] as? Int == 2 && metadata["pageSize"] as? Int == 3)
            #expect((metadata["nextPage"] as? String)?.contains("page=3") == true)
            #expect((metadata["prevPage"] as? String)?.contains("page=1") == true)
            #expect(try await client(.get, "/api/v1/models?limit=0").json()["items"] as? [Int] == [])
            #expect(try await client(.get, "/api/v1/models?limit=2&token=secret").text.contains("secret") == false)
        }
    }

    @Test("filters choose, unknown names are ignored, wrong values refused")
    func filters() async throws {
        let node = try await TestNode.make()
        _ = try await node.publishModel("Alpha", age: 2)
        let beta = try await node.publishModel("Beta", age: 1) { model in
            model.type = "Checkpoint"
            model.tags = ["other"]
        } changeRelease: {
            $0.baseModel = "Pony"
        }
        let anyone = node.moderation.filter(for: .anonymous)
        let id = try #require(try await node.catalog.model(post: beta.model.id, anyone)).id
        try await node.test { client in
            func names(_ query: String) async throws -> [String] {
                let answer = try await client(.get, "/api/v1/models?\(query)")
                #expect(answer.status == .ok, "\(query)")
                return try #require(answer.json()["items"] as? [[String: Any]]).compactMap { $0["name"] as? String }
            }
            #expect(try await names("") == ["Model Beta", "Model Alpha"])
            #expect(try await names("sort=Oldest") == ["Model Alpha", "Model Beta"])
            for only in [
                "types=Checkpoint", "types=checkpoint,VAE", "types=VAE&types=Checkpoint", "baseModels=Pony",
                "tag=other",
                "ids=\(id)", "query=beta", "query=Model+bet", "types%5B%5D=Checkpoint",
            ] { #expect(try await names(only) == ["Model Beta"], "\(only)") }
            #expect(try await names("username=maker&nonsense=1&nsfw=false&period=Year").count == 2)
            #expect(try await names("username=nobody").isEmpty)
            #expect(try await names("tag=missing").isEmpty)
            for wrong in [
                "limit=101", "limit=x", "page=0", "page=x", "sort=Best", "period=Aeon", "ids=x", "ids=-1",
                "ids=99999999999", "cursor=zzz", "query=a&page=2",
            ] {
                let answer = try await client(.get, "/api/v1/models?\(wrong)")
                #expect(answer.status == .badRequest, "\(wrong)")
                #expect(try answer.json()["error"] is String)
            }
            #expect(try await client(.get, "/api/v1/models?limit=100&page=11").status == .tooManyRequests)
            let favourites = try await client(.get, "/api/v1/models?favorites=true")
            #expect(favourites.status == .unauthorized)
            #expect(try favourites.json()["error"] as? String == "Unauthorized")
            let many = (0..<70).map { "a\($0)=1" }.joined(separator: "&")
            #expect(try await client(.get, "/api/v1/models?\(many)").status == .badRequest)
        }
    }

    // MARK: Look-ups

    @Test(
        "any known hash finds the version, in either case; ids and hashes that are not here answer 404 in known words")
    func lookups() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            let version = try await client(.get, "/api/v1/model-versions/\(world.versionID)").json()
            let hashes = try #require((version["files"] as? [[String: Any]])?[0]["hashes"] as? [String: String])
            for (name, hash) in hashes where !hash.isEmpty {
                for text in [hash, hash.lowercased()] {
                    let found = try await client(.get, "/api/v1/model-versions/by-hash/\(text)")
                    #expect(found.status == .ok, "\(name)")
                    #expect(try found.json()["id"] as? Int == Int(world.versionID))
                    #expect(found.headers[.cacheControl]?.contains("s-maxage=3600") == true)
                }
            }
            for path in ["by-hash/00", "by-hash/zz", "by-hash/\(String(repeating: "0", count: 64))", "77777"] {
                let missing = try await client(.get, "/api/v1/model-versions/\(path)")
                #expect(missing.status == .notFound)
                #expect(try missing.json()["error"] as? String == "Model not found")
            }
            let model = try await client(.get, "/api/v1/models/77777")
            #expect(try model.json()["error"] as? String == "No model with id 77777")
            for wrong in ["0", "-1", "2147483648", "x"] {
                #expect(try await client(.get, "/api/v1/models/\(wrong)").status == .badRequest)
                #expect(try await client(.get, "/api/v1/model-versions/\(wrong)").status == .badRequest)
            }
        }
    }

    @Test("many hashes at once: whole versions or ids, unknown ones left out")
    func manyHashes() async throws {
        let world = try await Self.world()
        let known = world.alpha.file.hex.uppercased()
        try await world.node.test { client in
            func post(_ path: String, _ body: String) async throws -> Answer {
                try await client(
                    .post, "/api/v1/model-versions/\(path)", [.contentType: "application/json"], body: Array(body.utf8))
            }
            let both = "[\"\(known)\",\"\(String(repeating: "0", count: 64))\"]"
            let versions = try await post("by-hash", both)
            let found = try #require(try JSONSerialization.jsonObject(with: Data(versions.bytes)) as? [[String: Any]])
            #expect(found.map { $0["id"] as? Int } == [Int(world.versionID)])
            let ids = try await post("by-hash/ids", both)
            #expect(
                ids.text
                    == "[{\"hash\":\"\(known)\",\"modelId\":\(world.modelID),\"modelVersionId\":\(world.versionID)}]")
            for wrong in ["{}", "[1]", "[\"abc\"]", "not json", ""] {
                #expect(try await post("by-hash", wrong).status == .badRequest, "\(wrong)")
            }
            let many = "[" + Array(repeating: "\"\(known)\"", count: 101).joined(separator: ",") + "]"
            #expect(try await post("by-hash", many).status == .badRequest)
            #expect(try await post("by-hash/ids", many).status == .ok)
            let huge = String(repeating: " ", count: 1 << 20 + 1)
            #expect(try await post("by-hash/ids", huge).status == .contentTooLarge)
        }
    }

    // MARK: Origins

    @Test(
        "links begin with an address that the operator listed, whatever the client says",
        arguments: [
            ("hive.example", nil, nil, "https://hive.example"), ("evil.example", nil, nil, "https://hive.example"),
            ("civitai.com", nil, nil, "https://hive.example"),
            ("x", "civitai.com", "https", "https://civitai.com"), ("x", "civitai.com", "http", "https://hive.example"),
            ("x", "evil.example", "https", "https://hive.example"),
            ("x", "civitai.com, evil.example", "https", "https://hive.example"),
            ("hive.example\r\nX: y", nil, nil, "https://hive.example"),
            ("hive.example/..", nil, nil, "https://hive.example"),
            ("user@hive.example", nil, nil, "https://hive.example"),
        ] as [(String, String?, String?, String)])
    func origins(host: String, forwardedHost: String?, forwardedScheme: String?, expected: String) async throws {
        let configuration = GatewayConfiguration(
            host: "127.0.0.1", port: 0, publicURLs: [try .init("https://hive.example")],
            allowedOrigins: [try .init("https://civitai.com")], nodeName: "", software: "")
        var headers: HTTPFields = [:]
        if let forwardedHost { headers[HTTPField.Name("X-Forwarded-Host")!] = forwardedHost }
        if let forwardedScheme { headers[HTTPField.Name("X-Forwarded-Proto")!] = forwardedScheme }
        let base = Origins(configuration).base(host: host, headers: headers, local: [])
        #expect(base == expected)
    }

    @Test("a node without a public address answers with the one that the connection arrived at")
    func localOrigin() async throws {
        let configuration = GatewayConfiguration(host: "0.0.0.0", port: 7700, nodeName: "", software: "")
        let origins = Origins(configuration)
        let local = [try PeerURL("http://192.168.1.5:7700"), try PeerURL("http://localhost:7700")]
        #expect(origins.base(host: "evil.example", headers: [:], local: local) == "http://192.168.1.5:7700")
        #expect(origins.base(host: "localhost:7700", headers: [:], local: local) == "http://localhost:7700")
        #expect(origins.base(host: "", headers: [:], local: []) == "http://localhost")
    }

    @Test("any site may read what visitors may; answers say how long they hold")
    func headers() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            for path in ["/api/v1/models", "/api/v1/models/\(world.modelID)", "/api/v1/images"] {
                let answer = try await client(.get, path)
                #expect(answer.headers[.accessControlAllowOrigin] == "*")
                #expect(answer.headers[.accessControlAllowCredentials] == nil)
                #expect(answer.headers[.cacheControl] == "public, s-maxage=300, stale-while-revalidate=150")
                #expect(answer.headers[.vary]?.contains("Host") == true)
                for owner in [
                    try await client(.get, path, [.authorization: "Bearer wgl_owner"]),
                    try await client(.get, path + "?token=wgl_owner"),
                ] { #expect(owner.headers[.cacheControl] == "private, no-store") }
            }
        }
    }

    // MARK: Downloads

    @Test("a download redirects to an address that ends in the file's name, and is counted once")
    func download() async throws {
        let world = try await Self.world()
        try await world.node.test { client in
            let path = "/api/download/models/\(world.versionID)"
            let head = try await client(.head, path)
            let answer = try await client(.get, path)
            for response in [head, answer] {
                #expect(response.status == .found)
                #expect(
                    response.headers[.location] == "https://hive.example/blobs/\(world.alpha.file)/alpha.safetensors")
                #expect(response.headers[.contentDisposition]?.hasSuffix("filename=\"alpha.safetensors\"") == true)
                #expect(response.headers[.cacheControl] == "no-store")
            }
            let model = try await client(.get, "/api/v1/models/\(world.modelID)").json()
            #expect((model["stats"] as? [String: Any])?["downloadCount"] as? Int == 1)

            for (query, status) in [
                ("type=Model", 302), ("type=model&format=SafeTensor&size=full&fp=fp16", 302), ("fp=fp32", 404),
                ("format=GGUF", 404), ("type=VAE", 404), ("fileId=1", 404), ("size=pruned", 404),
            ] {
                #expect(try await client(.get, "\(path)?\(query)").status.code == status, "\(query)")
            }
            // The second file is listed, and its bytes are not here.
            let other = try await client(.get, "\(path)?type=Config")
            #expect(other.status == .notFound)
            #expect(try (other.json()["error"] as? String)?.hasPrefix("File not found") == true)
            #expect(try await client(.get, "/api/download/models/77777").status == .notFound)
            #expect(try await client(.get, "/api/download/models/x").status == .badRequest)
        }
    }

    @Test("what its author took back answers 410, the release alone or its whole model; what was never here 404")
    func takenBack() async throws {
        let node = try await TestNode.make()
        let owner = node.moderation.filter(for: .owner)
        let (alone, whole) = (try await node.publishModel("Alone"), try await node.publishModel("Whole"))
        let ids = [
            try #require(try await node.catalog.release(post: alone.release.id, owner)).id,
            try #require(try await node.catalog.release(post: whole.release.id, owner)).id,
        ]
        try await node.publish(by: node.maker) { post in
            post.created = TestNode.time
            post.delete.ids = [alone.release.id.data]
        }
        try await node.publish(by: node.maker) { post in
            post.created = TestNode.time
            var slot = WireSlotName()
            slot.kind = 10
            slot.slot = "whole"
            post.delete.slots = [slot]
        }
        try await node.test { client in
            for id in ids {
                let answer = try await client(.get, "/api/download/models/\(id)")
                #expect(answer.status == .gone, "\(answer.text)")
                #expect(try (answer.json()["error"] as? String)?.hasPrefix("Archived") == true)
            }
            #expect(try await client(.get, "/api/download/models/77777").status == .notFound)
        }
    }

    @Test("a GGUF file is told and chosen by its way of quantizing, a pruned one by its size")
    func variants() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Variants") { _ in
        } changeRelease: { release in
            release.files[0].format = "GGUF"
            release.files[0].precision = "Q4_K_M"
            release.files[0].kind = "Pruned Model"
        }
        let id = try #require(
            try await node.catalog.release(post: model.release.id, node.moderation.filter(for: .owner))
        ).id
        try await node.test { client in
            let version = try await client(.get, "/api/v1/model-versions/\(id)").json()
            let file = try #require((version["files"] as? [[String: Any]])?.first)
            let metadata = try #require(file["metadata"] as? [String: Any])
            #expect(metadata["quantType"] as? String == "Q4_K_M" && metadata["fp"] is NSNull)
            #expect(metadata["size"] as? String == "pruned")
            for (query, status) in [
                ("quantType=Q4_K_M", 302), ("quantType=q4_k_m&format=GGUF&size=pruned", 302), ("quantType=Q8_0", 404),
                ("size=full", 404), ("fp=fp16", 404),
            ] {
                let path = "/api/download/models/\(id)?\(query)"
                #expect(try await client(.get, path).status.code == status, "\(query)")
            }
        }
    }

    @Test("licences choose, lists of one's own need an account, and what there is none of here is an empty list")
    func permissions() async throws {
        let node = try await TestNode.make()
        _ = try await node.publishModel("Free", age: 1) { $0.licence.noCredit = true }
        _ = try await node.publishModel("Bound") { model in
            model.licence.commercialUse = []
            model.licence.derivatives = false
        }
        let token = try await node.accounts.newToken(NewToken(label: "", scopes: [.read]), for: "maker").secret.text
        try await node.test { client in
            func names(_ query: String) async throws -> [String] {
                let answer = try await client(.get, "/api/v1/models?\(query)")
                #expect(answer.status == .ok, "\(query)")
                return try #require(answer.json()["items"] as? [[String: Any]]).compactMap { $0["name"] as? String }
            }
            for only in ["allowNoCredit=true", "allowDerivatives=true", "allowCommercialUse=Sell,Rent"] {
                #expect(try await names(only) == ["Model Free"], "\(only)")
            }
            for only in ["allowNoCredit=false", "allowDerivatives=false", "allowCommercialUse=None"] {
                #expect(try await names(only) == ["Model Bound"], "\(only)")
            }
            for none in ["supportsGeneration=true", "earlyAccess=true", "favorites=true&token=\(token)"] {
                #expect(try await names(none).isEmpty, "\(none)")
            }
            for wrong in ["allowCommercialUse=All", "nsfw=maybe", "browsingLevel=-1"] {
                #expect(try await client(.get, "/api/v1/models?\(wrong)").status == .badRequest, "\(wrong)")
            }
            let images = try await client(.get, "/api/v1/images").json()
            #expect((images["items"] as? [Any])?.count == 2)
            for query in ["type=video", "tags=5", "userId=77777"] {
                let none = try await client(.get, "/api/v1/images?\(query)").json()
                #expect((none["items"] as? [Any])?.isEmpty == true, "\(query)")
            }
            for wrong in ["type=smell", "sort=Best", "nsfw=maybe", "userId=0"] {
                #expect(try await client(.get, "/api/v1/images?\(wrong)").status == .badRequest, "\(wrong)")
            }
        }
    }

    @Test("what was taken down answers 451 with its case, also when the release is hidden for it")
    func takenDown() async throws {
        let world = try await Self.world()
        let node = world.node
        _ = try await node.moderation.purge(
            PurgeOrder(subjects: [.blob(world.alpha.file)], caseNumber: "P-3", reason: "x", by: "me", when: 1))
        try await node.test { client in
            for _ in 0..<2 {
                let answer = try await client(.get, "/api/download/models/\(world.versionID)")
                #expect(answer.status == .unavailableForLegalReasons)
                #expect(try answer.json()["case"] as? String == "P-3")
                try await node.catalog.setHidden([.post(world.alpha.release.id)], true)
            }
        }
    }

    @Test("the operator's token opens a download for the program that follows the link without it")
    func tickets() async throws {
        let node = try await TestNode.make()
        let hard = try await node.publishModel("Hard", level: .x)
        let release = try #require(
            try await node.catalog.release(post: hard.release.id, node.moderation.filter(for: .owner)))
        try await node.test { client in
            let path = "/api/download/models/\(release.id)"
            #expect(try await client(.get, path).status == .notFound)
            #expect(try await client(.get, path + "?token=wrong").status == .notFound)
            let answer = try await client(.get, path + "?token=wgl_owner")
            let location = try #require(answer.headers[.location])
            #expect(!location.contains("wgl_owner"))
            let blob = String(location.dropFirst("https://hive.example".count))
            let bytes = try await client(.get, blob)
            #expect(bytes.status == .ok && SHA256.hash(bytes.bytes) == hard.file)
            #expect(bytes.headers[.cacheControl]?.hasPrefix("private") == true)
            // The ticket is for this blob, and nothing near it.
            let ticket = try #require(blob.split(separator: "?").last)
            #expect(try await client(.get, "/blobs/\(hard.image)?\(ticket)").status == .notFound)
            #expect(try await client(.get, blob + "0").status == .notFound)
            #expect(try await client(.get, "/blobs/\(hard.file)?ticket=99999999999.\(hard.file)").status == .notFound)
        }
        let tickets = DownloadTickets()
        let ticket = tickets.issue(for: hard.file, now: 1000)
        #expect(tickets.admits(ticket, to: hard.file, now: 4600))
        #expect(!tickets.admits(ticket, to: hard.file, now: 4601))
        #expect(!DownloadTickets().admits(ticket, to: hard.file, now: 1000))
    }
}
