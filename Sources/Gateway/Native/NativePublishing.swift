import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import SystemPackage
import WaggleProtocol

/// Files brought a part at a time, and what is made of them: releases and image posts.
///
/// `POST /api/w1/uploads` begins one; `PATCH` with `Upload-Offset` adds bytes, `PUT` brings all of them at once; `HEAD` tells
/// how many are here, so that an upload goes on where it broke.
struct NativePublishing: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.post("/api/w1/uploads", shows: .account, .native, door.writing(.publish, begin))
        routes.get("/api/w1/uploads", shows: .account, .native, door.asking(.publish, uploads))
        routes.get("/api/w1/uploads/{id}", shows: .account, .native, door.asking(.publish, upload))
        routes.patch("/api/w1/uploads/{id}", shows: .account, .native, door.streaming(.publish, append))
        routes.put("/api/w1/uploads/{id}", shows: .account, .native, door.streaming(.publish, replace))
        routes.delete("/api/w1/uploads/{id}", shows: .account, .native, door.writing(.publish, drop))
        routes.post("/api/w1/releases/draft", shows: .account, .native, door.writing(.publish, draft))
        routes.post("/api/w1/releases", shows: .account, .native, door.writing(.publish, publish))
        routes.post("/api/w1/images", shows: .account, .native, door.writing(.publish, postImages))
    }

    // MARK: Uploads

    private struct UploadReply: Encodable {
        let id: String
        let name: String
        let size: UInt64
        /// Bytes that are here: where the upload goes on.
        let offset: UInt64
        let isComplete: Bool
        let expires: String
        let url: String

        init(_ upload: Upload, base: String) {
            id = upload.id
            name = upload.name
            size = upload.size
            offset = upload.offset
            isComplete = upload.isComplete
            expires = Dates.timestamp(upload.expires)
            url = "\(base)/api/w1/uploads/\(upload.id)"
        }
    }

    private struct UploadRequest: Decodable {
        let name: String
        let size: UInt64
        var sha256: String?
    }

    @Sendable private func begin(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(UploadRequest.self, from: body)
        let sha256 = asked.sha256.map { Hash32(hex: $0) }
        if sha256 == .some(nil) {
            throw GatewayError.badRequest(code: "bad-body", "sha256 has 64 hexadecimal digits")
        }
        let upload = try await UploadedFiles(services.uploads, try call.account).begin(
            name: asked.name, size: asked.size, sha256: sha256 ?? nil, services.context())
        var reply = try NativeReply.created(
            UploadReply(upload, base: call.base), at: "/api/w1/uploads/\(upload.id)")
        reply.headers[Self.uploadOffset] = "0"
        return reply
    }

    private struct UploadList: Encodable {
        let items: [UploadReply]
    }

    @Sendable private func uploads(_ call: NativeCall) async throws -> NativeReply {
        let uploads = try await services.uploads.list(account: try call.account.id)
        return try NativeReply(UploadList(items: uploads.map { UploadReply($0, base: call.base) }))
    }

    @Sendable private func upload(_ call: NativeCall) async throws -> NativeReply {
        let upload = try await services.uploads.find(
            call.context.parameter("id") ?? "", account: try call.account.id)
        var reply = try NativeReply(UploadReply(upload, base: call.base))
        reply.headers[Self.uploadOffset] = "\(upload.offset)"
        return reply
    }

    @Sendable private func append(_ call: NativeCall) async throws -> Response {
        guard let offset = call.request.headers[Self.uploadOffset].flatMap({ UInt64($0) }) else {
            throw GatewayError.badRequest(code: "bad-offset", "Say in Upload-Offset at which byte the body begins")
        }
        return try await take(call, at: offset)
    }

    @Sendable private func replace(_ call: NativeCall) async throws -> Response {
        var offset: UInt64 = 0
        if let field = call.request.headers[.contentRange] {
            // bytes FIRST-LAST/SIZE
            let parts = field.split(whereSeparator: { " -/".contains($0) })
            guard parts.count == 4, parts[0] == "bytes", let first = UInt64(parts[1]) else {
                throw GatewayError.badRequest(code: "bad-range", "Content-Range is \"bytes FIRST-LAST/SIZE\"")
            }
            offset = first
        }
        return try await take(call, at: offset)
    }

    private func take(_ call: NativeCall, at offset: UInt64) async throws -> Response {
        do {
            let upload = try await services.uploads.append(
                call.context.parameter("id") ?? "", account: try call.account.id, at: offset, call.request.body)
            var reply = try NativeReply(UploadReply(upload, base: call.base))
            reply.headers[Self.uploadOffset] = "\(upload.offset)"
            reply.headers[.cacheControl] = "private, no-store"
            return reply.response
        } catch FileUploadError.wrongOffset(let expected) {
            var response = Problem.response(GatewayError(FileUploadError.wrongOffset(expected: expected)))
            response.headers[Self.uploadOffset] = "\(expected)"
            return response
        }
    }

    @Sendable private func drop(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let upload = try await services.uploads.find(
            call.context.parameter("id") ?? "", account: try call.account.id)
        try await services.uploads.remove(upload.id, account: try call.account.id)
        return NativeReply(.noContent)
    }

    // A literal that is a valid field name.
    static let uploadOffset = HTTPField.Name("Upload-Offset")!

    // MARK: Releases

    private struct ReleaseRequest: Decodable {
        struct Licence: Decodable {
            var name: String?
            var url: String?
            var noCredit: Bool?
            var commercialUse: [String]?
            var derivatives: Bool?
            var differentLicence: Bool?
        }

        struct Settings: Decodable {
            var strength: Double?
            var strengthMin: Double?
            var strengthMax: Double?
            var clipSkip: UInt32?
            var sampler: String?
            var scheduler: String?
            var steps: UInt32?
            var cfgScale: Double?
            var width: UInt32?
            var height: UInt32?
            var hint: String?
        }

        struct Parent: Decodable {
            /// "base", "merge-of" or "trained-from".
            let role: Ancestor.Role
            let release: String
        }

        /// Ids of complete uploads, the primary file first.
        let files: [String]
        var samples: [String]?
        let model: String
        let version: String
        var type: String?
        var baseModel: String?
        var name: String?
        var description: String?
        var trainedWords: [String]?
        var tags: [String]?
        var level: String?
        var realPerson: Bool?
        var changes: String?
        var settings: Settings?
        var licence: Licence?
        var parents: [Parent]?
        var mirrors: [String]?

        /// The operation's request, with paths in the place of uploads.
        func request(account: String, files: [Upload], samples: [Upload], lineage: [Ancestor]) -> PublishRequest {
            var settings: RecommendedSettings?
            if let said = self.settings {
                var taken = RecommendedSettings()
                taken.strength = said.strength
                taken.strengthMin = said.strengthMin
                taken.strengthMax = said.strengthMax
                taken.clipSkip = said.clipSkip
                taken.sampler = said.sampler
                taken.scheduler = said.scheduler
                taken.steps = said.steps
                taken.cfgScale = said.cfgScale
                taken.width = said.width
                taken.height = said.height
                taken.hint = said.hint
                settings = taken
            }
            var licence: LicenceTerms?
            if let said = self.licence {
                var taken = LicenceTerms()
                taken.name = said.name
                taken.url = said.url
                taken.noCredit = said.noCredit
                taken.commercialUse = said.commercialUse
                taken.derivatives = said.derivatives
                taken.differentLicence = said.differentLicence
                licence = taken
            }
            return PublishRequest(
                files: files.map { .init(path: $0.path.string, sha256: $0.sha256?.hex) }, account: account, slug: model,
                version: version,
                type: type, baseModel: baseModel, name: name, description: description, triggerWords: trainedWords,
                tags: tags, level: level, samples: samples.map(\.path.string), realPerson: realPerson,
                changes: changes, settings: settings, licence: licence,
                lineage: lineage,
                mirrors: mirrors ?? [])
        }
    }

    private func prepare(
        _ call: NativeCall, _ body: [UInt8]
    ) async throws -> (request: PublishRequest, uploads: [Upload]) {
        let asked = try call.decode(ReleaseRequest.self, from: body)
        guard asked.files.count <= Limits.Post.releaseFiles else {
            throw GatewayError.tooManyItems(limit: Limits.Post.releaseFiles)
        }
        let account = try call.account
        let uploaded = UploadedFiles(services.uploads, account)
        let files = try await uploaded.complete(asked.files)
        let samples = try await uploaded.complete(asked.samples ?? [])
        // Operations resolve names as the operator does; a caller names what it may see.
        let visible = NamedPosts(services: services, filter: call.filter)
        var lineage: [Ancestor] = []
        for parent in asked.parents ?? [] {
            lineage.append(Ancestor(role: parent.role, reference: try await visible.release(parent.release)))
        }
        let request = asked.request(account: account.handle, files: files, samples: samples, lineage: lineage)
        return (request, files + samples)
    }

    @Sendable private func draft(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let (request, _) = try await prepare(call, body)
        return try NativeReply(try await DraftRelease(request).run(in: try call.operations(services)))
    }

    @Sendable private func publish(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let (request, uploads) = try await prepare(call, body)
        let reply = try await PublishRelease(request).run(in: try call.operations(services))
        try await UploadedFiles(services.uploads, try call.account).drop(uploads)
        guard reply.isNew else { return try NativeReply(reply) }
        return try .created(reply, at: "/api/w1/releases/\(reply.release)")
    }

    // MARK: Images

    private struct ImagesRequest: Decodable {
        /// Ids of complete uploads.
        let images: [String]
        var level: String?
        var title: String?
        var text: String?
        /// Releases to be shown under, besides those that the pictures' own metadata name.
        var releases: [String]?
    }

    @Sendable private func postImages(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ImagesRequest.self, from: body)
        let account = try call.account
        let uploads = try await UploadedFiles(services.uploads, account).complete(asked.images)
        let visible = NamedPosts(services: services, filter: call.filter)
        var releases: [String] = []
        for release in asked.releases ?? [] { releases.append(try await visible.release(release)) }
        let reply = try await PostImages(
            account: account.handle, images: uploads.map(\.path.string), level: asked.level ?? "PG",
            title: asked.title ?? "", text: asked.text ?? "", releases: releases
        ).run(in: try call.operations(services))
        try await UploadedFiles(services.uploads, account).drop(uploads)
        return try NativeReply(reply, status: .created)
    }
}
