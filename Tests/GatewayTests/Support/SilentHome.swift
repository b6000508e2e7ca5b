import Foundation
import Glibc
import Testing

/// A server whose first answer begins, and does not go on: the head, and one byte of many.
enum SilentHome {
    /// - Parameter body: is given the address, and what tells when the byte was sent.
    static func serve(_ body: (_ url: String, _ answered: AsyncStream<Void>) async throws -> Void) async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(listener >= 0)
        defer {
            // Whoever still waits for a caller is woken.
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 ? getsockname(listener, $0, &length) : -1
            }
        }
        try #require(result == 0)
        let (answered, answer) = AsyncStream<Void>.makeStream()
        Thread.detachNewThread {
            let caller = accept(listener, nil, nil)
            guard caller >= 0 else { return }
            defer { close(caller) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            recv(caller, &buffer, buffer.count, 0)
            let begun = Array("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n.".utf8)
            send(caller, begun, begun.count, Int32(MSG_NOSIGNAL))
            answer.yield()
            // Until the caller hangs up.
            while recv(caller, &buffer, buffer.count, 0) > 0 {}
        }
        try await body("http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))", answered)
    }
}
