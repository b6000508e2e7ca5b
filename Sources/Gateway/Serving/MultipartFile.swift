import Glibc

/// The file in a form that a browser sends (RFC 7578), handed on as it comes: only the first part is read, and no more of
/// it is in memory than one piece and the length of a boundary.
struct MultipartFile {
    private enum Place {
        case beginning
        case content
        case end
    }

    /// What ends the file.
    private let delimiter: [UInt8]
    private var place = Place.beginning
    private var pending: [UInt8] = []

    /// Bytes of the fields before the file.
    private static let fieldBytes = 4 << 10

    /// Nil when the type is no form with files.
    init?(contentType: String) {
        let parts = contentType.split(separator: ";").map(\.trimmed)
        guard parts.first?.lowercased() == "multipart/form-data",
            let field = parts.first(where: { $0.lowercased().hasPrefix("boundary=") })
        else { return nil }
        let boundary = field.dropFirst("boundary=".count).filter { $0 != "\"" }
        guard (1...70).contains(boundary.utf8.count) else { return nil }
        delimiter = Array("\r\n--\(boundary)".utf8)
    }

    /// Whether the end of the file was seen.
    var isComplete: Bool { place == .end }

    /// - Parameter body: gets the file's bytes, in order.
    /// - Throws: `badRequest` for what is no such form.
    mutating func take(
        _ bytes: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(GatewayError) {
        guard place != .end else { return }
        pending += bytes
        if place == .beginning {
            guard pending.starts(with: delimiter.dropFirst(2).prefix(pending.count)) else { throw Self.noFile }
            guard let fields = Self.find(Array("\r\n\r\n".utf8), in: pending) else {
                guard pending.count <= Self.fieldBytes else { throw Self.noFile }
                return
            }
            // The line break before an end of nothing belongs to it.
            pending.removeFirst(fields + 2)
            place = .content
            if pending.starts(with: delimiter) {
                place = .end
                return
            }
            pending.removeFirst(2)
        }
        if let end = Self.find(delimiter, in: pending) {
            pending[..<end].withUnsafeBytes(body)
            pending = []
            place = .end
        } else if pending.count >= delimiter.count {
            // The last bytes may be the beginning of what ends the file.
            let sure = pending.count - delimiter.count + 1
            pending[..<sure].withUnsafeBytes(body)
            pending.removeFirst(sure)
        }
    }

    static let noFile = GatewayError.badRequest(
        code: "no-file", "The form has no file in it; choose one and send it again")

    private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return nil }
            var at = 0
            while at + needle.count <= all.count {
                let room = all.count - needle.count - at + 1
                guard let found = memchr(base + at, Int32(needle[0]), room) else { return nil }
                at = UnsafeRawPointer(found) - base
                if memcmp(base + at, needle, needle.count) == 0 { return at }
                at += 1
            }
            return nil
        }
    }
}
