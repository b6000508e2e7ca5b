import BlobStore
import Foundation
import NIOCore
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Connections that hold what they do not use")
struct ConnectionTests {
    @Test("a reader that takes nothing of the answers is cut")
    func unread() async throws {
        let node = try await TestNode.make { $0.stallTime = .milliseconds(300) }
        _ = try await node.publishModel("Alpha")
        try await node.serve { live in
            let isCut = try await RawConnection.run(port: live.port, receiveBuffer: 4096) { connection in
                // More answers than fit into the buffers of both sockets.
                for _ in 0..<20_000 { connection.send("GET /openapi.json HTTP/1.1\r\nHost: hive.example\r\n\r\n") }
                return connection.isCut(within: 600)
            }
            #expect(isCut)
        }
    }

    @Test("a body that goes on for ever behind its answer does not hold the connection, and the answer is read")
    func ignoredBody() async throws {
        let node = try await TestNode.make { $0.lingerTime = .milliseconds(300) }
        try await node.serve { live in
            let answer = try await RawConnection.run(port: live.port) { connection in
                connection.send("POST /nope HTTP/1.1\r\nHost: hive.example\r\nContent-Length: 100000000\r\n\r\nx")
                return connection.rest(drip: "x")
            }
            #expect(try #require(answer).hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test("a body that ends soon after its answer costs no connection")
    func shortBody() async throws {
        let node = try await TestNode.make { $0.lingerTime = .seconds(30) }
        try await node.serve { live in
            let answers = try await RawConnection.run(port: live.port) { connection in
                connection.send("POST /nope HTTP/1.1\r\nHost: hive.example\r\nContent-Length: 4\r\n\r\nab")
                connection.send("cdGET /style.css HTTP/1.1\r\nHost: hive.example\r\nConnection: close\r\n\r\n")
                return connection.rest()
            }
            let text = try #require(answers)
            #expect(text.hasPrefix("HTTP/1.1 404 ") && text.contains("HTTP/1.1 200 "), "\(text.prefix(2000))")
        }
    }

    @Test("header fields that drip in are given up")
    func slowHead() async throws {
        let node = try await TestNode.make { $0.idleTimeout = .milliseconds(500) }
        try await node.serve { live in
            let rest = try await RawConnection.run(port: live.port) { connection in
                connection.send("GET / HTTP/1.1\r\nHost: hive.example\r\nX-Slow: ")
                return connection.rest(drip: "x")
            }
            #expect(rest != nil)
        }
    }

    @Test("what waits and does not leave for too long is a stall; what leaves, however slowly, is not")
    func stallWatch() {
        let at = { (seconds: Int64) in NIODeadline.uptimeNanoseconds(0) + .seconds(seconds) }
        var watch = StallWatch(limit: .seconds(10))
        #expect(watch.verdict(now: at(100)) == .idle)
        watch.began(now: at(100))
        watch.began(now: at(105))
        #expect(watch.verdict(now: at(109)) == .look(.seconds(1)))
        #expect(watch.verdict(now: at(110)) == .stalled)
        watch.ended(now: at(109))
        #expect(watch.verdict(now: at(110)) == .look(.seconds(9)))
        #expect(watch.verdict(now: at(119)) == .stalled)
        watch.ended(now: at(119))
        #expect(watch.verdict(now: at(500)) == .idle)
    }

    @Test("an address has so many connections, and this machine as many as it likes")
    func perAddress() {
        let counts = ConnectionCounts(limit: 2, proxies: .none)
        let address = RemoteAddress.of(peer: "203.0.113.7")
        #expect(counts.opened(address) && counts.opened(address) && !counts.opened(address))
        #expect(counts.opened("198.51.100.1"))
        counts.closed(address)
        #expect(counts.opened(address) && !counts.opened(address))
        let near = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map { RemoteAddress.of(peer: $0) }
        #expect(near.map { counts.opened($0) } == [true, true, false])
        for here in ["127.0.0.1", "::1"] {
            for _ in 0..<10 { #expect(counts.opened(RemoteAddress.of(peer: here))) }
        }
    }

    @Test("pictures without their metadata take so much memory together, and give it back when they are sent")
    func pictureMemory() async throws {
        let memory = MemoryBudget(limit: 100)
        var first: MemoryBudget.Room? = try memory.take(60)
        #expect(throws: GatewayError.tooManyRequests(retryAfter: 5)) { try memory.take(41) }
        let second = try memory.take(40)
        first?.giveBack()
        first = nil
        #expect(throws: GatewayError.self) { try memory.take(61) }
        _ = try memory.take(60)
        second.giveBack()
        _ = try memory.take(100)
    }
}
