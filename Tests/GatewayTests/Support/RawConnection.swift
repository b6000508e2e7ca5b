import Foundation
import Glibc
import Testing

/// A TCP connection that sends whatever bytes a test wants. It blocks, so it is used on a thread of its own: `run`.
final class RawConnection {
    private let descriptor: Int32

    /// - Parameter receiveBuffer: bytes that the kernel takes for a reader who does not read.
    private init(port: Int, receiveBuffer: Int32?) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
    }

    deinit {
        close(descriptor)
    }

    static func run<Value: Sendable>(
        port: Int, receiveBuffer: Int32? = nil, _ body: @escaping @Sendable (RawConnection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try body(RawConnection(port: port, receiveBuffer: receiveBuffer)) })
            }
        }
    }

    /// What is sent at once; fewer than given when the other side takes no more for the moment, none when it is gone.
    @discardableResult
    func send(_ bytes: some Sequence<UInt8>) -> Int {
        let bytes = Array(bytes)
        return bytes.withUnsafeBytes {
            max(0, Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
        }
    }

    @discardableResult
    func send(_ text: String) -> Int { send(text.utf8) }

    /// Everything up to the end of the connection; nil when it does not end in time.
    ///
    /// - Parameter drip: what is sent again and again meanwhile.
    func rest(within seconds: Double = 600, drip: String? = nil) -> String? {
        let end = Date(timeIntervalSinceNow: seconds)
        var bytes: [UInt8] = []
        while Date() < end {
            if let drip { send(drip) }
            guard wait(for: Int16(POLLIN), milliseconds: 20) else { continue }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
        return nil
    }

    /// True when the other side gives the connection up while nothing is read.
    func isCut(within seconds: Int) -> Bool { wait(for: 0, milliseconds: Int32(seconds * 1000)) }

    /// Waits for an event, or that the connection is broken.
    private func wait(for events: Int16, milliseconds: Int32) -> Bool {
        var watched = pollfd(fd: descriptor, events: events, revents: 0)
        return poll(&watched, 1, milliseconds) > 0
    }
}
