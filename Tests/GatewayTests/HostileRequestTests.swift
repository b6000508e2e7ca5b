import Accounts
import Digests
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Requests that nobody means well with")
struct HostileRequestTests {
    /// Values for parameters of paths and queries, escaped.
    private static let values = [
        "'%20OR%201=1%20--", "%22;%20DROP%20TABLE%20models;--", "%27%29%20UNION%20SELECT%201--", "%00", "a%00b",
        "%ff%fe", "%ed%a0%80", "..%2f..%2fetc%2fpasswd", "%2e%2e", "-1", "0", "9223372036854775808", "1e309", "NaN",
        "%F0%9F%90%9D", "%E2%80%AE", "%25", "%25s%25n", "*%22(", "NEAR(a%20b)", "a%0d%0aSet-Cookie:%20x=y",
        String(repeating: "a", count: 3000), String(repeating: "f", count: 64),
        String(repeating: "%E2%88%9E", count: 90),
    ]

    private static let queries = [
        "q", "query", "tag", "base", "type", "by", "username", "level", "sort", "period", "page", "limit", "cursor",
        "ids", "modelId", "browsingLevel", "nsfw", "token", "ticket", "subject", "release", "model", "days", "account",
    ]

    private static let bodies: [[UInt8]] =
        [
            "", "{", "[", "null", "[]", "{}", "0", "1e999", #""\ud800""#, #"{"text":"\ud800"}"#,
            #"{"name":"\ud800","slug":"a","subject":"x","text":"\udfff"}"#, #"{"name":"' OR 1=1 --"}"#,
            #"{"__proto__":{"a":1}}"#, #"{"a":1,"a":2}"#, "[\"" + String(repeating: "f", count: 64) + "\"]",
            String(repeating: "[", count: 20_000), String(repeating: #"{"a":"#, count: 20_000),
        ].map { Array($0.utf8) } + [
            [0xff, 0xfe, 0x00], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f], [UInt8](repeating: 0, count: 4096),
        ]

    /// Does not end while somebody listens.
    private static let endless = ["/api/w1/events", "/w/1/stream"]

    private func parameters(_ path: String) -> [Substring] {
        path.split(separator: "/").filter { $0.contains("{") }
    }

    private func fill(_ path: String, with value: String) -> String {
        "/"
            + path.split(separator: "/").map { part in
                guard let open = part.firstIndex(of: "{"), let close = part.firstIndex(of: "}") else {
                    return String(part)
                }
                return part[..<open] + value + part[part.index(after: close)...]
            }.joined(separator: "/")
    }

    @Test("no request breaks anything: every route answers hostile parameters, queries and bodies with what is wrong")
    func everyRoute() async throws {
        let node = try await TestNode.make {
            $0.requestsPerAddress = 10_000_000
            $0.pagesPerAddress = 10_000_000
        }
        let published = try await node.publishModel("Alpha")
        let gateway = try Gateway(node.services)
        let failures = try await node.test { client in
            var answers: Set<String> = []
            var number = 0
            func ask(_ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields = [:], body: [UInt8]? = nil)
                async throws
            {
                let answer = try await client(method, path, fields, body: body)
                if answer.status.code >= 500 {
                    answers.insert("\(method) \(path.prefix(160)) → \(answer.status.code) \(answer.text.prefix(120))")
                }
            }
            for route in gateway.routes where !Self.endless.contains(route.path) {
                let method = try #require(HTTPRequest.Method(route.method))
                let known = fill(route.path, with: published.file.hex)
                if !parameters(route.path).isEmpty {
                    for value in Self.values { try await ask(method, fill(route.path, with: value)) }
                }
                if method == .get {
                    // Each name with some of the values; over all routes, with all of them.
                    for name in Self.queries {
                        for value in [Self.values[number % Self.values.count], Self.values[0]] {
                            try await ask(.get, known + "?\(name)=\(value)")
                        }
                        number += 1
                    }
                    try await ask(.get, known + "?" + Array(repeating: "a=b", count: 500).joined(separator: "&"))
                    try await ask(.get, known + "?%&=&&=%zz&+")
                } else if method != .head {
                    for body in Self.bodies {
                        for type in ["application/json", "application/x-protobuf"] {
                            try await ask(method, known, [.contentType: type], body: body)
                        }
                    }
                }
            }
            return answers.sorted()
        }
        #expect(failures.isEmpty, "\(failures.prefix(40).joined(separator: "\n"))")
    }

    @Test("the same with the token of an administrator in what it writes")
    func writes() async throws {
        let node = try await TestNode.make { $0.requestsPerAddress = 10_000_000 }
        let published = try await node.publishModel("Alpha")
        let gateway = try Gateway(node.services)
        let made = try await node.accounts.newToken(
            NewToken(label: "all", scopes: Set(TokenScope.allCases)), for: "maker")
        let failures = try await node.following {
            try await node.test { client in
                var answers: Set<String> = []
                for route in gateway.routes
                where ["POST", "PUT", "PATCH"].contains(route.method) && route.face != .peer {
                    let method = try #require(HTTPRequest.Method(route.method))
                    for value in [published.model.id.hex, "%00", "'%20OR%201=1%20--"] {
                        let path = fill(route.path, with: value)
                        for body in Self.bodies {
                            let answer = try await client(
                                method, path,
                                [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"],
                                body: body
                            )
                            if answer.status.code >= 500 {
                                answers.insert(
                                    "\(method) \(path) \(String(decoding: body.prefix(60), as: UTF8.self)) → "
                                        + "\(answer.status.code) \(answer.text.prefix(120))")
                            }
                        }
                    }
                }
                return answers.sorted()
            }
        }
        #expect(failures.isEmpty, "\(failures.prefix(40).joined(separator: "\n"))")
    }

    @Test("a session writes for clients of the Hub from pages of this node alone; tokens count in their field alone")
    func misplacedSecrets() async throws {
        let node = try await TestNode.make()
        let made = try await node.accounts.newToken(NewToken(label: "hub", scopes: [.publish]), for: "maker")
        let session = try await node.accounts.openSession(for: try await node.accounts.existing("maker"))
        let body = Array(#"{"name":"wax"}"#.utf8)
        let (path, json): (String, HTTPFields) = ("/api/repos/create", [.contentType: "application/json"])
        let cookie = "\(CallerIdentity.cookieName)=\(session.token.text)"
        try await node.test { client in
            func status(_ fields: HTTPFields, _ path: String, _ body: [UInt8]) async throws -> UInt {
                let all = json.reduce(into: fields) { $0[$1.name] = $1.value }
                return UInt(try await client(.post, path, all, body: body).status.code)
            }
            let inBody = Array(#"{"name":"wax","token":"\#(made.secret.text)"}"#.utf8)
            let statuses = [
                try await status([.cookie: cookie], path, body),
                try await status([.cookie: cookie, .origin: "https://evil.example"], path, body),
                try await status([.cookie: "\(CallerIdentity.cookieName)=\(made.secret.text)"], path, body),
                try await status([:], path + "?token=\(made.secret.text)", body),
                try await status([:], path, inBody),
                try await status([.authorization: "Bearer \(session.token.text)"], path, body),
                try await status([.authorization: "Basic \(made.secret.text)"], path, body),
                try await status([.authorization: "Bearer \(made.secret.text)"], path, body),
            ]
            #expect(statuses == [403, 403, 401, 401, 401, 401, 401, 200])
        }
    }
}
