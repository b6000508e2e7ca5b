import Accounts
import Digests
import FoundationEssentials
import Identity
import Moderation
import WaggleProtocol

/// What a node knows of a person that stands in no signed post, for the export: it is theirs, and nowhere else.
struct AccountRecord: Encodable {
    private struct Token: Encodable {
        let label: String
        let scopes: [String]
        let created: UInt64
        let expires: UInt64?
    }

    private struct Draft: Encodable {
        let kind: String
        let fields: [String: [String]]
        let created: UInt64
        let updated: UInt64
    }

    private struct News: Encodable {
        let kind: String
        let subject: String?
        let actor: String?
        let detail: String
        let created: UInt64
    }

    private let account: String
    private let author: String
    private let role: String
    /// Unix seconds, as all times here.
    private let created: UInt64
    private let levels: [String]
    private let blurFrom: String?
    private let adultSince: UInt64?
    private let tokens: [Token]
    private let drafts: [Draft]
    private let news: [News]

    init(of account: Account, _ context: OperationContext) async throws {
        self.account = account.handle
        author = AuthorID.text(account.author)
        role = account.role.rawValue
        created = account.created
        levels = Level.words.filter { word in
            Level(word: word).map { account.levels & $0.rawValue != 0 } ?? false
        }
        blurFrom = Level(rawValue: account.blurFrom)?.word
        adultSince = account.adultSince
        tokens = try await context.accounts.tokens(of: account).map { token in
            Token(
                label: token.label, scopes: token.scopes.map(\.rawValue).sorted(), created: token.created,
                expires: token.expires)
        }
        drafts = try await context.accounts.drafts(of: account).map { draft in
            Draft(kind: draft.kind, fields: draft.fields, created: draft.created, updated: draft.updated)
        }
        let newest = try await context.accounts.notifications(of: account, limit: Limits.Accounts.notifications)
        news = newest.map { line in
            News(
                kind: line.kind.rawValue, subject: line.subject?.hex, actor: line.actor.map { AuthorID.text($0) },
                detail: line.detail, created: line.created)
        }
    }

    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return Array(try encoder.encode(self))
    }
}
