import Accounts
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import Testing
import WaggleProtocol

@testable import Gateway

/// Somebody with a browser: a session, and forms that are sent as they stand in pages.
struct Member: Sendable {
    let client: Client
    /// Empty for a visitor.
    let session: String

    private var headers: HTTPFields {
        var fields: HTTPFields = [.origin: "https://hive.example"]
        if !session.isEmpty { fields[.cookie] = "\(CallerIdentity.cookieName)=\(session)" }
        return fields
    }

    func get(_ path: String) async throws -> Answer { try await client(.get, path, headers) }

    /// Sends fields to an address, as a browser sends a form.
    func post(_ action: String, _ fields: KeyValuePairs<String, String> = [:]) async throws -> Answer {
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        let body = fields.map { "\(PercentCoding.encode($0.key))=\(PercentCoding.encode($0.value))" }.joined(
            separator: "&")
        return try await client(.post, action, headers, body: Array(body.utf8))
    }

    /// Fills the form of a page that is sent to an address beginning so, and sends it.
    func fill(
        _ page: String, _ action: String, _ fields: KeyValuePairs<String, String> = [:],
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        let shown = try await get(page)
        try #require(shown.status == .ok, "\(page): \(shown.text.suffix(900))", sourceLocation: location)
        return try await post(
            try #require(shown.action(action), "no form to \(action) at \(page)", sourceLocation: location), fields)
    }

    /// Sends files with a form.
    func send(_ action: String, _ files: [(name: String, bytes: [UInt8])]) async throws -> Answer {
        var headers = headers
        headers[.contentType] = "multipart/form-data; boundary=x7"
        let body = Self.multipart(files)
        headers[.contentLength] = "\(body.count)"
        return try await client(.post, action, headers, body: body)
    }

    static func multipart(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        files.reduce(into: [UInt8]()) { body, file in
            body += Array(
                "--x7\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(file.name)\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                    .utf8)
            body += file.bytes + Array("\r\n".utf8)
        } + Array("--x7--\r\n".utf8)
    }
}

extension Answer {
    /// The address that a form of the page is sent to, which begins so.
    func action(_ beginning: String) -> String? {
        for part in text.split(separator: "<form", omittingEmptySubsequences: false).dropFirst() {
            guard let start = part.range(of: "action=\"") else { continue }
            let action = part[start.upperBound...].prefix { $0 != "\"" }.unescaped
            if action.hasPrefix(beginning) { return action }
        }
        return nil
    }

    /// Where the answer leads.
    var location: String { headers[.location] ?? "" }

    /// The value of the session that the answer opens.
    var session: String? {
        headers[.setCookie].flatMap { field in
            field.hasPrefix("\(CallerIdentity.cookieName)=")
                ? String(field.dropFirst(CallerIdentity.cookieName.utf8.count + 1).prefix { $0 != ";" }) : nil
        }
    }
}

extension Substring {
    fileprivate var unescaped: String {
        [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")].reduce(String(self)) {
            $0.replacing($1.0, with: $1.1)
        }
    }
}

extension TestNode {
    /// A person with an account, whose key the node has.
    func person(
        _ handle: String, seed: UInt8, role: AccountRole = .member, levels: UInt32 = Level.pg13.upTo
    ) async throws -> Person {
        let person = try Person(seed: seed, role: .person, scopes: [.release, .review, .post, .list, .ledger])
        try await take([person.genesis])
        try await accounts.adopt(handle: handle, author: person.id, role: role, levels: levels)
        services.context().keyring.add(person.signer, as: handle)
        return person
    }

    /// A browser in which somebody is signed in.
    func member(_ handle: String, _ client: Client) async throws -> Member {
        let session = try await accounts.openSession(for: try await accounts.existing(handle))
        return Member(client: client, session: session.token.text)
    }
}
