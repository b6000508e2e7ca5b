import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Logging
import Operations
import WaggleProtocol

/// Requests with an `Idempotency-Key`: each is carried out once, and whoever sends it again gets the first answer.
struct RepeatedRequests: Sendable {
    let accounts: Accounts

    /// Carries a request out, or gives the answer that the same request had.
    ///
    /// - Parameter fingerprint: of the request, and of what whoever sends it may do.
    /// - Throws: `AccountsError`; what the handler throws, after which the request may be sent again, unless what it
    ///   asked for may still happen.
    func answer(
        to key: String, fingerprint: Hash32, of account: Account, logger: Logger,
        _ handler: () async throws -> NativeReply
    ) async throws -> NativeReply {
        if let kept = try await accounts.beginAnswer(to: key, fingerprint: fingerprint, of: account) {
            return NativeReply(again: kept)
        }
        let reply: NativeReply
        do {
            reply = try await handler()
        } catch let error as OperationError where error.isUnderWay == true {
            // What was asked for may still happen, and must not happen twice: the key stays in use.
            throw error
        } catch {
            // What failed may be tried again under the same key; in a task of its own, because this one may be cancelled.
            await Task { [accounts] in try? await accounts.abandonAnswer(to: key, of: account) }.value
            throw error
        }
        // It is done. Whatever happens to this task now, the key must not be free for the same work a second time: a key
        // whose answer could not be kept stays in use.
        await Task { [accounts] in
            do throws(AccountsError) {
                if let answer = reply.kept {
                    try await accounts.finishAnswer(to: key, answer, of: account)
                } else {
                    try await accounts.abandonAnswer(to: key, of: account)
                }
            } catch {
                logger.error("An answer could not be kept", metadata: ["reason": "\(error.message)"])
            }
        }.value
        return reply
    }
}

extension NativeReply {
    /// An answer that was kept.
    fileprivate init(again kept: KeptAnswer) {
        self.init(HTTPResponse.Status(code: kept.status), headers: [.contentType: kept.contentType])
        if !kept.location.isEmpty { headers[.location] = kept.location }
        headers[Self.replayed] = "true"
        body = Array(kept.body)
    }

    /// What is kept of an answer; nil for what is too large, or not to be shown twice.
    fileprivate var kept: KeptAnswer? {
        guard !isSecret, body.count <= Limits.Accounts.keptAnswerBytes else { return nil }
        return KeptAnswer(
            status: status.code, contentType: headers[.contentType] ?? Self.mediaType,
            location: headers[.location] ?? "", body: Data(body))
    }

    // A literal that is a valid field name.
    private static let replayed = HTTPField.Name("Idempotency-Replayed")!
}
