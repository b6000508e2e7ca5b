import Glibc

/// What one connection of a load came to.
struct LoadResult: Sendable {
    var milliseconds: [Double] = []
    var errors = 0
    var bytes = 0

    mutating func add(_ other: LoadResult) {
        milliseconds += other.milliseconds
        errors += other.errors
        bytes += other.bytes
    }
}

/// Who asks what, when.
struct LoadPlan: Sendable {
    let port: UInt16
    let paths: [String]
    let connections: Int
    let seconds: Double
    /// Requests a second of all connections; 0 for no pace.
    let rate: Double
    let start: ContinuousClock.Instant

    /// Runs one connection on a thread of its own: its calls block.
    func onThread(_ number: Int) async throws -> LoadResult {
        try await withCheckedThrowingContinuation { continuation in
            let work = Work { continuation.resume(with: Result { try run(number) }) }
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
            if code == 0 {
                pthread_detach(thread)
            } else {
                continuation.resume(throwing: BenchError(what: "no thread"))
            }
        }
    }

    private final class Work {
        let body: () -> Void

        init(_ body: @escaping () -> Void) {
            self.body = body
        }
    }

    private func run(_ number: Int) throws -> LoadResult {
        var connection = try LoadConnection(port: port)
        var result = LoadResult()
        let clock = ContinuousClock()
        let end = start + .seconds(seconds)
        var turn = number
        var due = rate > 0 ? start + .seconds(Double(number) / rate) : start
        while true {
            let now = clock.now
            if now >= end || due >= end { return result }
            if now < due { Self.sleep(due - now) }
            let began = rate > 0 ? due : clock.now
            let answer = try connection.get(paths[turn % paths.count])
            if answer.status != 200 { result.errors += 1 }
            result.bytes += answer.bytes
            result.milliseconds.append((clock.now - began) / .milliseconds(1))
            turn += connections
            if rate > 0 { due += .seconds(Double(connections) / rate) }
        }
    }

    private static func sleep(_ time: Duration) {
        let (seconds, attoseconds) = time.components
        var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var left = timespec()
        while nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
    }
}

/// One HTTP/1.1 connection that is kept open. Reads answers with a Content-Length alone.
private struct LoadConnection: ~Copyable {
    private let socket: Int32
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)

    init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw BenchError(what: "no connection to port \(port): \(errno)") }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(socket) }

    mutating func get(_ path: String) throws -> (status: Int, bytes: Int) {
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".utf8)
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes { send(socket, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw BenchError(what: "the connection broke: \(errno)") }
            sent += count
        }
        var filled = 0
        while true {
            filled += try receive(at: filled)
            guard let head = Self.headEnd(buffer[..<filled]) else {
                guard filled < buffer.count else { throw BenchError(what: "an answer has an endless head") }
                continue
            }
            let (status, length) = try Self.facts(buffer[..<head])
            var left = length - (filled - head)
            while left > 0 { left -= try receive(at: 0, most: left) }
            return (status, length)
        }
    }

    private mutating func receive(at start: Int, most: Int = .max) throws -> Int {
        let room = min(buffer.count - start, most)
        let count = buffer.withUnsafeMutableBytes { bytes in
            recv(socket, bytes.baseAddress.map { $0 + start }, room, 0)
        }
        guard count > 0 else { throw BenchError(what: "the connection broke: \(errno)") }
        return count
    }

    private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in bytes.startIndex..<bytes.endIndex - 3
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10 {
            return index + 4
        }
        return nil
    }

    private static func facts(_ head: ArraySlice<UInt8>) throws -> (status: Int, length: Int) {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) }
        guard let status, let length else { throw BenchError(what: "an answer without a status or a length") }
        return (status, length)
    }
}
