import Glibc
import WaggleProtocol

/// Reads a form with files (RFC 7578) as it comes: fields and files in the order in which a browser sends them. No more of a
/// file is in memory than one piece and the length of a boundary.
struct MultipartReader {
    enum Event: Equatable {
        case field(name: String, value: String)
        /// A file begins. One that nobody chose has no name, and no bytes.
        case begin(field: String, fileName: String)
        case bytes([UInt8])
        case end
    }

    private enum Place: Equatable {
        /// Before the first boundary.
        case preamble
        case fields
        case file
        case value(name: String)
        case over
    }

    /// What ends a part.
    private let delimiter: [UInt8]
    private var place = Place.preamble
    private var pending: [UInt8]
    private var parts = 0

    /// Bytes of the fields before a part, of a value that is no file, and parts of a form.
    private static let headBytes = 4 << 10
    private static let valueBytes = 64 << 10
    private static let partsAtMost = 64

    /// Nil when the type is no form with files.
    init?(contentType: String) {
        let parts = contentType.split(separator: ";").map(\.trimmed)
        guard parts.first?.lowercased() == "multipart/form-data",
            let field = parts.first(where: { $0.lowercased().hasPrefix("boundary=") })
        else { return nil }
        let boundary = field.dropFirst("boundary=".count).filter { $0 != "\"" }
        guard (1...70).contains(boundary.utf8.count) else { return nil }
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first boundary need not begin on a new line.
        pending = Array("\r\n".utf8)
    }

    /// Whether the end of the form was seen.
    var isComplete: Bool { place == .over }

    /// - Throws: `badRequest` for what is no such form, or has too many parts.
    mutating func take(_ bytes: some Sequence<UInt8>) throws(GatewayError) -> [Event] {
        guard place != .over else { return [] }
        pending += bytes
        var events: [Event] = []
        while true {
            switch try next() {
            case .needsMore: return events
            case .quiet: continue
            case .event(let event): events.append(event)
            }
        }
    }

    private enum Step {
        case needsMore
        case quiet
        case event(Event)
    }

    private mutating func next() throws(GatewayError) -> Step {
        switch place {
        case .over: return .needsMore
        case .preamble:
            guard pending.starts(with: delimiter.prefix(pending.count)) else { throw Self.malformed }
            guard pending.count >= delimiter.count + 2 else { return .needsMore }
            try pass(0)
            return .quiet
        case .fields:
            guard let end = Self.find(Array("\r\n\r\n".utf8), in: pending) else {
                guard pending.count <= Self.headBytes else { throw Self.malformed }
                return .needsMore
            }
            let head = String(decoding: pending[..<end], as: UTF8.self)
            pending.removeFirst(end + 4)
            return try begin(head)
        case .file:
            if let end = Self.find(delimiter, in: pending) {
                guard end == 0 else { return content(upTo: end) }
                guard pending.count >= delimiter.count + 2 else { return .needsMore }
                try pass(0)
                return .event(.end)
            }
            // The last bytes may be the beginning of what ends the file.
            return content(upTo: max(0, pending.count - delimiter.count + 1))
        case .value(let name):
            guard let end = Self.find(delimiter, in: pending) else {
                guard pending.count <= Self.valueBytes else { throw Self.malformed }
                return .needsMore
            }
            guard pending.count >= end + delimiter.count + 2 else { return .needsMore }
            let value = String(decoding: pending[..<end], as: UTF8.self)
            try pass(end)
            return .event(.field(name: name, value: value))
        }
    }

    private mutating func content(upTo end: Int) -> Step {
        guard end > 0 else { return .needsMore }
        let bytes = Array(pending[..<end])
        pending.removeFirst(end)
        return .event(.bytes(bytes))
    }

    /// Goes past the boundary at a place: another part follows, or the form is over.
    private mutating func pass(_ at: Int) throws(GatewayError) {
        let after = at + delimiter.count
        let mark = Array(pending[after..<(after + 2)])
        pending.removeFirst(after + 2)
        if mark == Array("--".utf8) {
            place = .over
            pending = []
        } else if mark == Array("\r\n".utf8) {
            parts += 1
            guard parts <= Self.partsAtMost else { throw Self.malformed }
            place = .fields
        } else {
            throw Self.malformed
        }
    }

    private mutating func begin(_ head: String) throws(GatewayError) -> Step {
        let disposition = head.split(whereSeparator: \.isNewline).first {
            $0.lowercased().hasPrefix("content-disposition:")
        }
        guard let disposition, let name = Self.parameter("name", of: disposition) else { throw Self.malformed }
        guard let fileName = Self.parameter("filename", of: disposition) else {
            place = .value(name: name)
            return .quiet
        }
        place = .file
        return .event(.begin(field: name, fileName: Self.base(fileName)))
    }

    /// A quoted parameter. Browsers write a quote in a name as `%22`.
    private static func parameter(_ name: String, of line: Substring) -> String? {
        guard let range = line.firstRange(of: "; \(name)=\"") else { return nil }
        let rest = line[range.upperBound...]
        guard let end = rest.firstIndex(of: "\"") else { return nil }
        return String(rest[..<end]).replacing("%22", with: "\"").replacing("%0D", with: "").replacing("%0A", with: "")
    }

    /// Some browsers send the path on their own machine.
    private static func base(_ name: String) -> String {
        String(name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? "")
    }

    private static let malformed = GatewayError.badRequest(
        code: "bad-form", "The form cannot be read; choose the file and send it again")

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
