import Formats
import Glibc
import SystemPackage
import WaggleProtocol

/// Asks ClamAV's daemon about bytes (`INSTREAM` of clamd(8)): nothing is written to a disk, and nothing but a name comes back.
struct ClamdClient {
    enum Answer: Hashable {
        case clean
        case found(String)
        /// It takes no file as large as this one.
        case tooLarge
    }

    let address: ClamdAddress

    /// Blocks.
    ///
    /// - Throws: `failed` when nobody answers, or in another way.
    func ask(_ source: some ByteSource, limit: UInt64) throws(OperationError) -> Answer {
        guard source.size <= limit else { return .tooLarge }
        let file = try connected()
        defer { close(file) }
        try send(Array("zINSTREAM\0".utf8), file)
        var offset: UInt64 = 0
        do {
            while offset < source.size {
                let count = Int(min(UInt64(Limits.Scan.clamdChunk), source.size - offset))
                let bytes = try source.read(at: offset, count: count)
                let head = withUnsafeBytes(of: UInt32(count).bigEndian) { Array($0) }
                try send(head, file)
                try send(bytes, file)
                offset += UInt64(count)
            }
            try send([0, 0, 0, 0], file)
        } catch let error as ByteSourceError {
            throw OperationError(.failed, "the file cannot be read: \(error)")
        } catch {
            // It stops reading when there is too much for it, and says so.
            let said = try? answer(file)
            if let said, said.contains("size limit exceeded") { return .tooLarge }
            throw error as? OperationError ?? trouble("\(error)")
        }
        let said = try answer(file)
        if said.hasSuffix(" OK") { return .clean }
        if said.hasSuffix(" FOUND") {
            let name = said.dropLast(" FOUND".count).split(separator: ":", maxSplits: 1).last ?? ""
            return .found(String(name.drop { $0 == " " }))
        }
        if said.contains("size limit exceeded") { return .tooLarge }
        throw trouble("it said \"\(said.prefix(200))\"")
    }

    private func trouble(_ why: String) -> OperationError {
        OperationError(
            .failed,
            "the virus scanner (scan.clamd) cannot be asked: \(why); start clamav-daemon, or clear the setting")
    }

    private var systemReason: String { String(cString: strerror(errno)) }

    private func connected() throws(OperationError) -> Int32 {
        switch address {
        case .socket(let path):
            let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard file >= 0 else { throw trouble(systemReason) }
            bound(file)
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            let size = socklen_t(MemoryLayout<sockaddr_un>.size)
            let done = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, size) }
            }
            return try joined(file, done)
        case .port(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let first = list else {
                throw trouble("there is no host \(host)")
            }
            defer { freeaddrinfo(first) }
            let info = first.pointee
            let file = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), info.ai_protocol)
            guard file >= 0 else { throw trouble(systemReason) }
            bound(file)
            return try joined(file, connect(file, info.ai_addr, info.ai_addrlen))
        }
    }

    /// A daemon that hangs keeps nobody; on Linux the time to send is the time to connect too.
    private func bound(_ file: Int32) {
        var time = timeval(tv_sec: Limits.Scan.clamdSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &time, size)
        setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &time, size)
    }

    private func joined(_ file: Int32, _ connected: Int32) throws(OperationError) -> Int32 {
        if connected == 0 { return file }
        let why = systemReason
        close(file)
        throw trouble(why)
    }

    private func send(_ bytes: [UInt8], _ file: Int32) throws(OperationError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                Glibc.send(file, raw.baseAddress?.advanced(by: sent), raw.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw trouble(systemReason) }
            sent += count
        }
    }

    /// One line, ended by a zero or by the end of the connection.
    private func answer(_ file: Int32) throws(OperationError) -> String {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while line.count < Limits.Scan.clamdAnswerBytes {
            let count = recv(file, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw trouble(systemReason) }
            guard count > 0 else { break }
            line += buffer[..<count]
            if line.contains(0) { break }
        }
        let text = String(decoding: line.prefix { $0 != 0 }, as: UTF8.self)
        return text.withoutSpaceAround
    }
}
