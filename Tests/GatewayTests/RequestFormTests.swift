import Foundation
import Testing

@testable import Gateway

/// Requests whose end two readers could see in two places: what the second takes for another request must not be answered.
@Suite("Requests that smuggle another")
struct RequestFormTests {
    private static let hidden = "GET /style.css HTTP/1.1\r\nHost: hive.example\r\nConnection: close\r\n\r\n"
    private static let head = "POST /nope HTTP/1.1\r\nHost: hive.example\r\n"

    private static let forms: [(what: String, bytes: String)] = [
        ("length and chunks", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("chunks and length", head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        ("two lengths", head + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n"),
        ("a list of lengths", head + "Content-Length: 0, 5\r\n\r\n"),
        ("a signed length", head + "Content-Length: +0\r\n\r\n"),
        ("a length beyond numbers", head + "Content-Length: 18446744073709551616\r\n\r\n"),
        ("a coding that is none", head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("chunks that are not last", head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ("a space before the colon", head + "Content-Length : 0\r\n\r\n"),
        ("a folded field", head + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"),
        ("a chunk size that is none", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n0\r\n\r\n"),
        ("a chunk size beyond numbers", head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n0\r\n\r\n"),
        ("a chunk without its end", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
        ("a bare line feed in a field", head + "X: a\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("a bare carriage return", head + "X: a\rContent-Length: 9\r\nContent-Length: 0\r\n\r\n"),
        ("a zero byte in a field", head + "X: a\0b\r\nContent-Length: 0\r\n\r\n"),
        ("a field without a name", head + ": a\r\nContent-Length: 0\r\n\r\n"),
    ]

    @Test("no second request is found in one that says two things of its length; the connection ends")
    func smuggling() async throws {
        let node = try await TestNode.make {
            $0.idleTimeout = .seconds(2)
            $0.lingerTime = .milliseconds(200)
        }
        try await node.serve { live in
            for form in Self.forms {
                let answer = try await RawConnection.run(port: live.port) { connection in
                    connection.send(form.bytes + Self.hidden)
                    return connection.rest()
                }
                let text = try #require(answer, "\(form.what): the connection stays open")
                #expect(!text.contains("HTTP/1.1 200"), "\(form.what): \(text.prefix(400))")
            }
            let good = try await RawConnection.run(port: live.port) { connection in
                connection.send(Self.hidden)
                return connection.rest()
            }
            #expect(good?.hasPrefix("HTTP/1.1 200") == true)
        }
    }
}
