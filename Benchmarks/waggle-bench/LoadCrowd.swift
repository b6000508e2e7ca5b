import Glibc

/// Many HTTP/1.1 connections of one thread, each with one request under way at most: a thread for each costs a node that is
/// on the same processors a change of threads for every answer, which no client of another machine does.
struct LoadCrowd: ~Copyable {
    /// An answer that came.
    struct Arrival {
        let connection: Int
        /// Nil when the connection broke.
        let answer: LoadConnection.Answer?
    }

    /// ppoll(2), whose times are finer than poll's milliseconds; the module of glibc leaves it out.
    private typealias Poll =
        @convention(c) (
            UnsafeMutablePointer<pollfd>, nfds_t, UnsafePointer<timespec>, UnsafeRawPointer?
        ) -> Int32
    private static let poll = unsafeBitCast(dlsym(nil, "ppoll"), to: Poll.self)

    /// A closed one has the descriptor -1, which nothing is waited for at.
    private var sockets: [pollfd] = []
    /// Of the answers that are coming.
    private var bytes: [[UInt8]] = []

    /// Connects them all.
    init(port: UInt16, count: Int) throws {
        for _ in 0..<count {
            sockets.append(pollfd(fd: try LoadConnection.connected(to: port), events: Int16(POLLIN), revents: 0))
            bytes.append([])
        }
    }

    deinit {
        for socket in sockets where socket.fd >= 0 { close(socket.fd) }
    }

    /// Sends a whole request. False when the connection broke.
    func send(_ request: [UInt8], over index: Int) -> Bool {
        var sent = 0
        while sent < request.count {
            let count = request[sent...].withUnsafeBytes {
                Glibc.send(sockets[index].fd, $0.baseAddress, $0.count, 0)
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Waits for answers, for so many seconds at most; less when some came.
    mutating func answers(within seconds: Double) -> [Arrival] {
        let nanoseconds = Int(max(0, seconds) * 1e9)
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        var arrivals: [Arrival] = []
        guard Self.poll(&sockets, nfds_t(sockets.count), &time, nil) > 0 else { return arrivals }
        for index in sockets.indices where sockets[index].revents != 0 {
            do {
                try receive(index)
                guard let answer = try LoadConnection.Answer(bytes[index]) else { continue }
                bytes[index].removeAll(keepingCapacity: true)
                arrivals.append(Arrival(connection: index, answer: answer))
            } catch {
                close(sockets[index].fd)
                sockets[index].fd = -1
                arrivals.append(Arrival(connection: index, answer: nil))
            }
        }
        return arrivals
    }

    private mutating func receive(_ index: Int) throws {
        try withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 1) { room in
            let count = recv(sockets[index].fd, room.baseAddress, room.count, 0)
            guard count > 0 else { throw BenchError(what: "the connection broke: \(errno)") }
            bytes[index].append(contentsOf: room[..<count])
        }
    }
}
