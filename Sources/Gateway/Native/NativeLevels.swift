import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// Levels over the native API. What it is about goes into the query or the body, because addresses have strokes in them.
struct NativeLevels: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/levels", shows: .account, .native, door.asking(.read, show))
        routes.post("/api/w1/levels", shows: .account, .native, door.writing(.social, vote))
        routes.post("/api/w1/levels/review", shows: .account, .native, door.writing(.social, review))
        routes.get("/api/w1/moderation/levels", shows: .account, .native, door.asking(.moderate, disputes))
        routes.post("/api/w1/moderation/levels", shows: .account, .native, door.writing(.moderate, lock))
    }

    private struct Request: Decodable {
        let subject: String
        /// Nothing takes back what was said, or lifts the lock.
        var level: String?
        var reason: String?
        var text: String?
    }

    @Sendable private func show(_ call: NativeCall) async throws -> NativeReply {
        guard let subject = call.query["subject"], !subject.isEmpty else {
            throw GatewayError.badRequest(
                code: "bad-parameter", "subject is the hash of a picture, the id of a post, or @maker/name")
        }
        return try NativeReply(try await ShowLevel(subject).perform(in: try call.operations(services)))
    }

    @Sendable private func vote(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body)
        return try NativeReply(
            try await VoteLevel(account: try call.account.handle, subject: asked.subject, level: asked.level).perform(
                in: try call.operations(services)))
    }

    @Sendable private func review(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body)
        return try NativeReply(
            try await AskLevelReview(subject: asked.subject, text: asked.text ?? "").perform(
                in: try call.operations(services)))
    }

    @Sendable private func disputes(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(try await ListLevelDisputes().perform(in: try call.operations(services)))
    }

    @Sendable private func lock(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body)
        let operations = try call.operations(services)
        guard let level = asked.level else {
            return try NativeReply(try await UnlockLevel(subject: asked.subject).perform(in: operations))
        }
        return try NativeReply(
            try await LockLevel(subject: asked.subject, level: level, reason: asked.reason ?? "").perform(
                in: operations))
    }
}
