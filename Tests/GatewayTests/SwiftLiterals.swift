/// The string literals of a Swift source, each with the calls that it stands in. Enough of a reader for our own sources: what
/// it does not know (comments between stars, regular expressions with quotes) it would mistake, which `isWhole` mostly tells.
struct SwiftLiterals {
    struct Literal {
        let line: Int
        /// As it is written, with `{}` for what is interpolated.
        let text: String
        /// What the parentheses around it belong to, the outermost first; empty for those of lists and groups.
        let calls: [String]
    }

    private(set) var all: [Literal] = []
    /// Whether every string and parenthesis that begins ends.
    private(set) var isWhole = true

    private let source: [UInt8]
    private var index = 0
    private var line = 1
    private var calls: [String] = []

    init(_ source: String) {
        self.source = Array(source.utf8)
        readCode()
        isWhole = isWhole && calls.isEmpty
    }

    private func has(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard index + count <= source.count else { return false }
        return (0..<count).allSatisfy { source[index + $0] == text.utf8Start[$0] }
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<count where index < source.count {
            if source[index] == UInt8(ascii: "\n") { line += 1 }
            index += 1
        }
    }

    /// Code up to its end, or past the parenthesis that ends an interpolation.
    private mutating func readCode(inString: Bool = false) {
        let depth = calls.count
        while index < source.count {
            switch source[index] {
            case UInt8(ascii: "/") where has("//"):
                while index < source.count, source[index] != UInt8(ascii: "\n") { step() }
            case UInt8(ascii: "\""):
                readString(isRaw: false)
            case UInt8(ascii: "#") where has("#\""):
                readString(isRaw: true)
            case UInt8(ascii: "("), UInt8(ascii: "["):
                calls.append(has("(") ? callee() : "")
                step()
            case UInt8(ascii: ")"), UInt8(ascii: "]"):
                step()
                if inString, calls.count == depth { return }
                isWhole = isWhole && !calls.isEmpty
                _ = calls.popLast()
            default:
                step()
            }
        }
        isWhole = isWhole && !inString
    }

    /// What stands before a parenthesis: `say`, `GatewayError.notFound`, `.badRequest`.
    private func callee() -> String {
        let name = source[..<index].reversed().prefix { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return String(decoding: name.reversed(), as: UTF8.self)
    }

    private mutating func readString(isRaw: Bool) {
        let (began, around) = (line, calls)
        let end: StaticString = isRaw ? "\"#" : has("\"\"\"") ? "\"\"\"" : "\""
        step(isRaw ? 2 : end.utf8CodeUnitCount)
        var text: [UInt8] = []
        while index < source.count, !has(end) {
            if !isRaw, has("\\(") {
                text += Array("{}".utf8)
                step(2)
                readCode(inString: true)
            } else {
                let count = min(!isRaw && has("\\") ? 2 : 1, source.count - index)
                text += source[index..<index + count]
                step(count)
            }
        }
        isWhole = isWhole && index < source.count
        step(end.utf8CodeUnitCount)
        all.append(Literal(line: began, text: String(decoding: text, as: UTF8.self), calls: around))
    }
}
