import Glibc

/// One HTTP/1.1 connection that is kept open. Reads answers with a Content-Length alone, and costs as little as it can:
/// who loads a node shares its processors.
struct LoadConnection: ~Copyable {
    struct Answer {
        let status: Int
        /// Bytes of the body.
        let length: Int
        /// The first 16 bytes of the body, or all of a shorter one.
        let beginning: [UInt8]

        fileprivate init(status: Int, length: Int, beginning: [UInt8]) {
            (self.status, self.length, self.beginning) = (status, length, beginning)
        }

        /// Nil while something is missing.
        init?(_ bytes: [UInt8]) throws {
            guard let head = LoadConnection.headEnd(bytes[...]) else { return nil }
            let (status, length) = try LoadConnection.facts(bytes[..<head])
            guard bytes.count >= head + length else { return nil }
            self.init(status: status, length: length, beginning: Array(bytes[head..<head + min(length, 16)]))
        }
    }

    private let socket: Int32
    private var buffer: [UInt8]

    /// - Parameter room: the longest head that is read, in bytes.
    init(port: UInt16, room: Int = 1 << 20) throws {
        buffer = [UInt8](repeating: 0, count: room)
        socket = try Self.connected(to: port)
    }

    /// A socket of this machine's port that sends at once.
    static func connected(to port: UInt16) throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
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
        return socket
    }

    deinit { close(socket) }

    mutating func get(_ path: String) throws -> Answer {
        try exchange(Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".utf8))
    }

    /// Sends a whole request and reads the whole answer.
    mutating func exchange(_ request: [UInt8]) throws -> Answer {
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
            let wanted = head + min(length, 16)
            while filled < wanted { filled += try receive(at: filled) }
            let beginning = Array(buffer[head..<wanted])
            var left = length - (filled - head)
            while left > 0 { left -= try receive(at: 0, most: left) }
            return Answer(status: status, length: length, beginning: beginning)
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

    fileprivate static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in bytes.startIndex..<bytes.endIndex - 3
        where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10 {
            return index + 4
        }
        return nil
    }

    /// The status after `HTTP/1.1 `, and the length that a field names.
    fileprivate static func facts(_ head: ArraySlice<UInt8>) throws -> (status: Int, length: Int) {
        let statusAt = head.startIndex + 9
        guard let status = number(in: head[statusAt...], upTo: 32) else { throw BenchError(what: "no status") }
        var line = head.startIndex
        while let end = head[line...].firstIndex(of: 10) {
            line = end + 1
            let name = head[line...].prefix(lengthField.count)
            guard name.elementsEqual(lengthField, by: { $0 | 0x20 == $1 }) else { continue }
            let digits = head[(line + lengthField.count)...].drop { $0 == 32 }
            if let length = number(in: digits, upTo: 13) { return (status, length) }
        }
        throw BenchError(what: "an answer without a length")
    }

    /// `content-length:`, where setting a bit makes letters small and leaves `-` and `:` as they are.
    private static let lengthField = Array("content-length:".utf8)

    /// Nil when what stands before `end` are no digits.
    private static func number(in bytes: ArraySlice<UInt8>, upTo end: UInt8) -> Int? {
        var value = 0
        for byte in bytes {
            if byte == end { return value }
            guard (0x30...0x39).contains(byte), value < 1 << 48 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return nil
    }
}
