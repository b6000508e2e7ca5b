import Foundation

/// A reply as it came over the wire.
struct HTTPReply: Sendable {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// A small HTTP/1.1 client that says exactly what it is told to and follows nothing by itself.
enum HTTP {
    /// - Parameter url: `http://127.0.0.1:PORT/…`, sent as it is written.
    static func send(
        _ method: String, _ url: String, _ fields: [String: String] = [:], body: [UInt8]? = nil
    ) async throws -> HTTPReply {
        let rest = url.dropFirst("http://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        let target = slash == rest.endIndex ? "/" : rest[slash...]
        guard url.hasPrefix("http://127.0.0.1:"),
            let port = authority.split(separator: ":").last.flatMap({ UInt16($0) })
        else { throw HarnessError("only this machine is spoken to: \(url)") }
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(authority)\r\nConnection: close\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        let request = Array((head + "\r\n").utf8) + (body ?? [])
        let reply = try await blocking {
            let connection = try Connection(port: port)
            connection.write(request)
            var bytes: [UInt8] = []
            while case let more = connection.read(), !more.isEmpty { bytes += more }
            return bytes
        }
        return try parse(reply, isHead: method == "HEAD")
    }

    private static func parse(_ bytes: [UInt8], isHead: Bool) throws -> HTTPReply {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw HarnessError("no whole reply: \(String(decoding: bytes.prefix(200), as: UTF8.self))")
        }
        let (words, fields) = head(bytes[..<end.lowerBound])
        guard words.count >= 2, let status = Int(words[1]) else { throw HarnessError("no status line") }
        let reply = HTTPReply(status: status, fields: fields, body: Array(bytes[end.upperBound...]))
        if isHead { return reply }
        if reply["transfer-encoding"]?.lowercased() == "chunked" {
            return HTTPReply(status: status, fields: fields, body: try dechunked(reply.body))
        }
        if let length = reply["content-length"].flatMap({ Int($0) }), length != reply.body.count {
            throw HarnessError("\(reply.body.count) of \(length) bytes came")
        }
        return reply
    }

    /// The words of the first line, and the fields.
    static func head(_ bytes: some Sequence<UInt8>) -> (words: [String], fields: [(name: String, value: String)]) {
        let lines = String(decoding: Array(bytes), as: UTF8.self).split(separator: "\r\n")
        let fields = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        return (lines.first?.split(separator: " ").map(String.init) ?? [], fields)
    }

    private static func dechunked(_ bytes: [UInt8]) throws -> [UInt8] {
        var body: [UInt8] = []
        var rest = bytes[...]
        while true {
            guard let line = rest.firstRange(of: Array("\r\n".utf8)),
                let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16),
                rest[line.upperBound...].count >= size + 2
            else { throw HarnessError("a chunked body that breaks off") }
            if size == 0 { return body }
            body += rest[line.upperBound...].prefix(size)
            rest = rest[line.upperBound...].dropFirst(size + 2)
        }
    }
}
