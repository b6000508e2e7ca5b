import FoundationEssentials
import WaggleProtocol

/// A drawing program elsewhere, spoken with over HTTP. Whatever it answers is checked as a stranger's: it may be another
/// program, an older one, or one that was taken over.
public struct RemoteProgram: Sendable {
    public struct Reply: Sendable {
        public var status: Int
        public var body: [UInt8]

        public init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }
    }

    /// Which API it has.
    public enum Kind: String, Sendable, CaseIterable {
        case a1111, comfyui
        case sdServer = "sd-server"
    }

    /// Where it is, for words.
    public let url: String
    private let send:
        @Sendable (_ method: String, _ path: String, _ body: [UInt8]?, _ type: String) async throws -> Reply
    private let reason: @Sendable (any Error) -> String
    private let sleep: @Sendable (_ milliseconds: Int) async throws -> Void

    /// - Parameters:
    ///   - send: makes a request with a body of that media type and gives the whole answer, of at most `remoteReplyBytes`.
    ///   - reason: what `send` failed with, in words for a person.
    ///   - sleep: waits between two looks.
    public init(
        url: String, send: @escaping @Sendable (String, String, [UInt8]?, String) async throws -> Reply,
        reason: @escaping @Sendable (any Error) -> String = { String(describing: $0) },
        sleep: @escaping @Sendable (Int) async throws -> Void
    ) {
        self.url = url
        self.send = send
        self.reason = reason
        self.sleep = sleep
    }

    func pause() async throws(GenerationError) {
        do {
            try await sleep(Limits.Generation.remotePollMilliseconds)
        } catch {
            throw .cancelled
        }
    }

    func bytes(
        _ method: String, _ path: String, _ body: [UInt8]? = nil, type: String = "application/json"
    ) async throws(GenerationError) -> [UInt8] {
        let reply: Reply
        do {
            reply = try await send(method, path, body, type)
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw Task.isCancelled ? .cancelled : .noAnswer(url: url, why: reason(error))
        }
        guard (200..<300).contains(reply.status) else {
            let words = String(decoding: reply.body.prefix(Limits.Generation.messageBytes), as: UTF8.self)
            throw .engine("\(url)\(path) answers \(reply.status): \(words)")
        }
        return reply.body
    }

    func get<Value: Decodable>(_ type: Value.Type, _ path: String) async throws(GenerationError) -> Value {
        try Self.decode(type, try await bytes("GET", path), path)
    }

    func post<Value: Decodable>(
        _ type: Value.Type, _ path: String, _ body: some Encodable
    ) async throws(GenerationError) -> Value {
        try Self.decode(type, try await bytes("POST", path, Self.encode(body)), path)
    }

    func post<Value: Decodable>(
        _ answer: Value.Type, _ path: String, bytes body: [UInt8], type: String = "application/json"
    ) async throws(GenerationError) -> Value {
        try Self.decode(answer, try await bytes("POST", path, body, type: type), path)
    }

    static func encode(_ value: some Encodable) throws(GenerationError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(value))
        } catch {
            throw .badReply("the request cannot be written: \(error)")
        }
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], _ path: String
    ) throws(GenerationError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .badReply("\(path) is not the JSON that is expected there")
        }
    }

    /// These programs draw with the VAE of the model, or with one of their own: a picture must not say that it was another.
    func refuseVAE(of order: DrawOrder) throws(GenerationError) {
        guard let vae = order.models.vae else { return }
        throw .badField(field: "vae", value: vae.name, expected: "none: \(url) has the one that it draws with")
    }

    /// A picture in base 64, checked.
    static func picture(base64 text: String, plan: GenerationPlan) throws(GenerationError) -> [UInt8] {
        let encoded = text.hasPrefix("data:") ? String(text.split(separator: ",", maxSplits: 1).last ?? "") : text
        guard encoded.utf8.count / 4 * 3 <= Limits.Generation.pictureBytes, let data = Data(base64Encoded: encoded)
        else { throw .badReply("a picture is not base 64") }
        return try PictureCheck.checked(Array(data), plan: plan)
    }
}
