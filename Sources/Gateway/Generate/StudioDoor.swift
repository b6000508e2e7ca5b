import Accounts
import BlobStore
import Digests
import FoundationEssentials
import Generation
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import WaggleProtocol

/// Who draws through the front doors of other programs, and what they get back.
struct StudioDoor: Sendable {
    let services: GatewayServices
    let people: CallerIdentity

    /// A caller with the scope for drawing.
    struct Caller: Sendable {
        let grant: Grant
        let context: OperationContext
        var desk: GenerationDesk { GenerationDesk(context) }
        /// The token, whose Buzz limit counts.
        var token: Int64? { grant.tokenID }
    }

    /// - Throws: `unauthorized`, `forbidden`. A token may also come as the password of HTTP's basic authentication, which is
    ///   all that some programs have.
    func caller(_ request: Request, _ context: GatewayContext) async throws -> Caller {
        let grant: Grant?
        if let token = Self.basicPassword(request) {
            grant = try await services.accounts.grant(token: token)
        } else {
            grant = try await people.grant(request, context)
        }
        guard let grant else { throw CallerIdentity.unauthorized }
        guard grant.allows(.generate) else {
            throw GatewayError.forbidden(
                code: "scope-missing", "This needs the scope generate, which this token or account does not have")
        }
        return Caller(grant: grant, context: services.context().acting(for: grant.account))
    }

    private static func basicPassword(_ request: Request) -> String? {
        guard let field = request.headers[.authorization] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let data = Data(base64Encoded: String(parts[1])),
            let colon = data.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        return String(decoding: data[data.index(after: colon)...], as: UTF8.self)
    }

    func body<Value: Decodable>(_ type: Value.Type, _ request: Request) async throws -> Value {
        let bytes = try await WireBody.collect(
            request.body, limit: Limits.Generation.requestBytes, clock: services.clock)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes.isEmpty ? Array("{}".utf8) : bytes))
        } catch {
            throw GatewayError.badRequest(code: "bad-body", "The body is not the JSON that is expected here")
        }
    }

    /// Draws, waits, and gives the pictures back.
    func draw(
        _ asked: GenerationRequest, initImage: [UInt8]?, by caller: Caller
    ) async throws -> (job: JobReport, pictures: [[UInt8]]) {
        let desk = caller.desk
        let standing = try await desk.order(asked, initImage: initImage, token: caller.token)
        let job = try await desk.wait(for: standing.job.id)
        if let error = job.error {
            throw GatewayError.unprocessable(code: job.errorCode ?? "failed", error)
        }
        var pictures: [[UInt8]] = []
        for picture in job.pictures {
            guard let hash = Hash32(hex: picture.sha256) else { continue }
            let reader = try await services.blobs.open(hash)
            pictures.append(Array(try await reader.read(0..<reader.size).readableBytesView))
        }
        return (job, pictures)
    }

    /// The model that is meant where a program names none, or one that only its own service has.
    func standardModel(_ caller: Caller) async throws -> String {
        guard let first = try await ListDrawable().run(in: caller.context).first else {
            throw GatewayError.notFound("No model can be drawn with here yet")
        }
        return first.reference
    }

    /// A picture in base 64, with or without what `data:` addresses put before it.
    static func picture(base64 text: String) throws(GatewayError) -> [UInt8] {
        let encoded =
            text.hasPrefix("data:") ? text.split(separator: ",", maxSplits: 1).last.map(String.init) ?? "" : text
        guard let data = Data(base64Encoded: encoded), !data.isEmpty else {
            throw .badRequest(code: "bad-picture", "A picture is sent in base 64")
        }
        return Array(data)
    }
}

extension Grant {
    /// Of a token; nil for a session.
    var tokenID: Int64? {
        if case .token(let id, _) = source { id } else { nil }
    }
}

/// Pictures of jobs.
enum JobPictures {
    static func response(_ job: Job, _ index: String, _ services: GatewayServices) async throws -> Response {
        guard let number = Int(index), let picture = job.pictures.first(where: { $0.index == number }),
            let hash = Hash32(hex: picture.sha256)
        else { throw GatewayError.notFound("This job has no such picture") }
        let reader = try await services.blobs.open(hash)
        return Response(
            status: .ok,
            headers: [
                .contentType: picture.mediaType, .cacheControl: "private, max-age=86400",
                .contentDisposition:
                    "inline; filename=\"waggle-\(job.id.prefix(8))-\(number).\((job.plan.format ?? .png).ending)\"",
            ], body: ResponseBody(byteBuffer: try await reader.read(0..<reader.size)))
    }

    /// How far the picture is that is being drawn.
    static func preview(_ job: Job, _ services: GatewayServices) async throws -> Response {
        guard let preview = await services.context().generation.preview(of: job.id) else {
            throw GatewayError.notFound("There is nothing to see of this job yet")
        }
        return Response(
            status: .ok, headers: [.contentType: preview.mediaType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: preview.picture)))
    }
}
