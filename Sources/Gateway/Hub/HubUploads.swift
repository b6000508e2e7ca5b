import Accounts
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import Operations
import SystemPackage
import WaggleProtocol

/// The upload side of the Hugging Face Hub: what programs push becomes a signed release of the token's account.
///
/// Large files come first, each by a `PUT` to an address that authorises itself, because clients send no token along. The
/// commit then names them, and is published as one release with the files of the one before that it does not replace.
struct HubUploads: Sendable {
    let services: GatewayServices
    let people: CallerIdentity
    let origins: Origins
    let hub: HubRoutes
    let gate: BlobGate
    let tickets: DownloadTickets
    let memory = MemoryBudget(limit: Limits.API.commitMemory)

    func register(in routes: inout RouteTable) {
        routes.post("/api/repos/create", shows: .account, .api, hub.answering(create))
        routes.delete("/api/repos/delete", shows: .account, .api, hub.answering(delete))
        routes.post("/api/validate-yaml", shows: .nothing, .api, hub.answering(validate))
        routes.post("/api/models/{owner}/{repo}/preupload/{revision}", shows: .account, .api, hub.answering(preupload))
        routes.post("/{owner}/{repo}.git/info/lfs/objects/batch", shows: .account, .api, hub.answering(batch))
        routes.put("/api/hub/uploads/{id}", shows: .account, .bytes, hub.answering(put))
        routes.post("/api/models/{owner}/{repo}/commit/{revision}", shows: .account, .api, hub.answering(commit))
    }

    private func account(_ request: Request, _ context: GatewayContext) async throws -> Account {
        guard let grant = try await people.grant(request, context) else { throw CallerIdentity.unauthorized }
        guard grant.allows(.publish) else {
            throw GatewayError.forbidden(code: "scope-missing", "This needs a token with the scope publish")
        }
        return grant.account
    }

    private func body<Value: Decodable>(_ type: Value.Type, _ request: Request) async throws -> Value {
        let bytes = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        guard let value = try? JSONDecoder().decode(type, from: Data(bytes)) else {
            throw GatewayError.badRequest(code: "bad-body", "The body cannot be read")
        }
        return value
    }

    // MARK: Repositories

    private struct RepositoryRequest: Decodable {
        let name: String
        var organization: String?
        var type: String?
    }

    private struct RepositoryReply: Encodable {
        let url: String
        let name: String
        let id: String
        var error: String?
    }

    /// What others see the account as: the name that repositories of it begin with.
    private func handle(_ account: Account) async throws -> String {
        try await services.catalog.creator(.author(account.author), services.moderation.filter(for: .owner))?.handle
            ?? account.handle
    }

    private func slug(_ text: String) throws(GatewayError) -> String {
        let slug = text.lowercased()
        guard Slug.isValid(slug) else {
            throw .badRequest(code: "bad-name", "A model's name is a-z, 0-9, - _ . (at most 64)")
        }
        return slug
    }

    /// - Throws: `forbidden` for a repository of somebody else.
    private func refuseOthers(_ owner: String, _ account: Account) async throws {
        let own = try await handle(account)
        guard owner.lowercased() == own || owner == account.handle else {
            throw GatewayError.forbidden(
                code: "not-yours", "This token publishes as \(own), not as \(owner.prefix(64))")
        }
    }

    /// Nothing is signed before there is something to sign: the first commit makes the model.
    @Sendable private func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = try await account(request, context)
        let asked = try await body(RepositoryRequest.self, request)
        guard asked.type == nil || asked.type == "model" else {
            throw GatewayError.badRequest(code: "bad-type", "There are models here, and nothing else")
        }
        let parts = asked.name.split(separator: "/")
        if let owner = asked.organization ?? (parts.count == 2 ? String(parts[0]) : nil) {
            try await refuseOthers(owner, account)
        }
        let slug = try slug(String(parts.last ?? ""))
        let id = "\(try await handle(account))/\(slug)"
        var reply = RepositoryReply(url: "\(origins.base(for: request, context))/\(id)", name: id, id: id)
        let existing = try await services.catalog.model(
            author: account.author, slug: slug, services.moderation.filter(for: .owner),
            detail: ViewDetail(releases: 0, images: 0))
        guard existing != nil else { return .json(reply) }
        reply.error = "You already have a model of this name"
        return .json(reply, status: .conflict)
    }

    @Sendable private func delete(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = try await account(request, context)
        let asked = try await body(RepositoryRequest.self, request)
        let parts = asked.name.split(separator: "/")
        if let owner = asked.organization ?? (parts.count == 2 ? String(parts[0]) : nil) {
            try await refuseOthers(owner, account)
        }
        let slug = try slug(String(parts.last ?? ""))
        guard
            let model = try await services.catalog.model(
                author: account.author, slug: slug, services.moderation.filter(for: .owner))
        else { throw HubError.noRepository(asked.name) }
        for post in model.releases.map(\.post) + [model.post] {
            _ = try await RetractPost(account: account.handle, subject: post.hex, reason: "deleted")
                .run(in: services.context())
        }
        return .json(RepositoryReply(url: "", name: asked.name, id: asked.name))
    }

    private struct Validation: Encodable {
        let errors: [String] = []
        let warnings: [String] = []
    }

    /// Whatever of a card is not understood is left alone.
    @Sendable private func validate(_ request: Request, _ context: GatewayContext) async throws -> Response {
        .json(Validation())
    }

    // MARK: Files

    private struct PreuploadRequest: Decodable {
        struct File: Decodable {
            let path: String
            var size: UInt64?
        }

        let files: [File]
    }

    private struct PreuploadReply: Encodable {
        struct File: Encodable {
            let path: String
            /// "lfs" or "regular".
            let uploadMode: String
            let shouldIgnore = false
            let oid: String?
        }

        let files: [File]
    }

    /// Words come within the commit, everything else by itself.
    private static let words = ["md", "json", "txt", "yaml", "yml", "gitattributes"]
    private static let pictures = ["png", "jpg", "jpeg", "webp", "gif"]

    private static func suffix(_ path: String) -> String {
        path.split(separator: ".").last.map { $0.lowercased() } ?? ""
    }

    @Sendable private func preupload(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = try await account(request, context)
        try await refuseOthers(context.parameter("owner") ?? "", account)
        let asked = try await body(PreuploadRequest.self, request)
        let files = asked.files.map { file in
            let isSmall = Self.words.contains(Self.suffix(file.path)) && file.size ?? 0 <= Limits.API.smallFileBytes
            return PreuploadReply.File(path: file.path, uploadMode: isSmall ? "regular" : "lfs", oid: nil)
        }
        return .json(PreuploadReply(files: files))
    }

    private struct BatchRequest: Decodable {
        struct Object: Decodable {
            let oid: String
            let size: UInt64
        }

        let operation: String
        let objects: [Object]
    }

    private struct BatchReply: Encodable {
        struct Object: Encodable {
            struct Actions: Encodable {
                struct Action: Encodable {
                    let href: String
                    let expires_in = 3600
                }

                let upload: Action
            }

            struct Failure: Encodable {
                let code: Int
                let message: String
            }

            let oid: String
            let size: UInt64
            let authenticated = true
            var actions: Actions?
            var error: Failure?
        }

        let transfer = "basic"
        let objects: [Object]
        let hash_algo = "sha256"
    }

    @Sendable private func batch(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = try await account(request, context)
        try await refuseOthers(context.parameter("owner") ?? "", account)
        let asked = try await body(BatchRequest.self, request)
        guard asked.operation == "upload" else {
            throw GatewayError.badRequest(code: "bad-operation", "Files are downloaded at their addresses")
        }
        guard asked.objects.count <= Limits.Post.releaseFiles else {
            throw GatewayError.tooManyItems(limit: Limits.Post.releaseFiles)
        }
        let base = origins.base(for: request, context)
        let begun = try await services.uploads.list(account: account.id)
        var objects: [BatchReply.Object] = []
        for object in asked.objects {
            var reply = BatchReply.Object(oid: object.oid, size: object.size)
            if let hash = Hash32(hex: object.oid) {
                do {
                    if try await !isHeld(hash, account, begun) {
                        reply.actions = .init(
                            upload: .init(href: try await address(hash, object.size, account, begun, base)))
                    }
                } catch let error as FileUploadError {
                    reply.error = .init(code: 422, message: error.message)
                } catch let error as OperationError where error.code == .quota {
                    reply.error = .init(code: 422, message: error.message)
                }
            } else {
                reply.error = .init(code: 422, message: "An oid is a SHA-256")
            }
            objects.append(reply)
        }
        var response = Response.json(BatchReply(objects: objects))
        response.headers[.contentType] = "application/vnd.git-lfs+json"
        return response
    }

    /// Whoever may not see a file brings it, though it is here: else a hash alone would be a key to it.
    private func isHeld(_ hash: Hash32, _ account: Account, _ begun: [Upload]) async throws -> Bool {
        if begun.contains(where: { $0.sha256 == hash && $0.isComplete }) { return true }
        guard try await services.blobs.presence([hash]).first == .whole else { return false }
        return try await gate.look(hash, for: account.viewer) == .show
    }

    private func address(
        _ hash: Hash32, _ size: UInt64, _ account: Account, _ begun: [Upload], _ base: String
    ) async throws -> String {
        var upload = begun.first { $0.sha256 == hash && $0.size == size }
        if upload == nil {
            upload = try await UploadedFiles(services.uploads, account).begin(
                name: hash.hex, size: size, sha256: hash, services.context())
        }
        let id = upload?.id ?? ""
        let ticket = tickets.issue(for: Self.subject(id, account.author), now: services.now())
        return "\(base)/api/hub/uploads/\(id)?account=\(account.author.hex)&ticket=\(ticket)"
    }

    /// What a ticket for an upload is for.
    private static func subject(_ id: String, _ author: Hash32) -> Hash32 {
        SHA256.hash(Array("upload \(id) of \(author.hex)".utf8))
    }

    @Sendable private func put(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let id = context.parameter("id") ?? ""
        guard let author = query["account"].flatMap({ Hash32(hex: $0) }), let ticket = query["ticket"],
            tickets.admits(ticket, to: Self.subject(id, author), now: services.now()),
            // A ticket outlives what its account may do.
            let account = try await services.accounts.account(author: author), account.state == .active,
            account.role.scopes.contains(.publish)
        else { throw CallerIdentity.unauthorized }
        // A PUT has everything: what an earlier one left is written over, unless that was all of it.
        _ = try await services.uploads.append(id, account: account.id, at: 0, request.body, restarting: true)
        return Response(status: .ok)
    }

    // MARK: Commits

    private struct CommitReply: Encodable {
        let success = true
        let commitOid: String
        let commitUrl: String
        let hookOutput = ""
    }

    @Sendable private func commit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let account = try await account(request, context)
        try await refuseOthers(context.parameter("owner") ?? "", account)
        let slug = try slug(context.parameter("repo") ?? "")
        let declared = request.headers[.contentLength].flatMap { Int($0) } ?? Limits.API.commitBytes
        guard declared <= Limits.API.commitBytes else { throw GatewayError.bodyTooLarge(limit: Limits.API.commitBytes) }
        // The body, its lines as JSON, and the files that are in them.
        let room = try memory.take(4 * max(declared, Limits.API.bodyBytes))
        defer { room.giveBack() }
        let commit = try HubCommit(
            await WireBody.collect(request.body, limit: Limits.API.commitBytes, clock: services.clock))
        let publication = HubPublication(
            services: services, account: account, slug: slug, commit: commit, pictures: Self.pictures)
        let post = try await publication.publish()
        let base = origins.base(for: request, context)
        let id = HubRepository.commit(post)
        return .json(
            CommitReply(
                commitOid: id, commitUrl: "\(base)/\(try await handle(account))/\(slug)/commit/\(id)"))
    }
}
