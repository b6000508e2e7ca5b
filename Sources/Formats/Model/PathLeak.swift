/// A place of somebody's machine that a text gives away.
public struct PathLeak: Hashable, Sendable {
    /// The beginning of the path, cut at 80 bytes.
    public let path: String
    /// The account name, when the path goes through a home directory.
    public let user: String?

    /// The first absolute path in `text`, one with an account name before one without.
    ///
    /// Knows `C:\…` and `C:/…`, `\\server\…`, and the directories of Unix under which people and clouds keep data.
    /// Works on JSON text too, where a backslash is two.
    public static func find(in text: String) -> PathLeak? {
        var text = text
        return text.withUTF8 { bytes in
            var first: PathLeak?
            var at = 0
            var candidates = 0
            while at < bytes.count, candidates < maximumCandidates {
                guard let length = start(bytes, at) else {
                    at += 1
                    continue
                }
                candidates += 1
                let leak = read(bytes, at)
                if leak.user != nil { return leak }
                if first == nil { first = leak }
                at += length
            }
            return first
        }
    }

    /// The first absolute path in the strings of a JSON value, one with an account name before one without.
    public static func find(in value: JSONValue) -> PathLeak? {
        switch value {
        case .string(let text): find(in: text)
        case .array(let elements): mostTelling(elements.compactMap { find(in: $0) })
        case .object(let members): mostTelling(members.compactMap { find(in: $0.value) ?? find(in: $0.key) })
        case .null, .bool, .number: nil
        }
    }

    /// The first with an account name; the first where none has one.
    static func mostTelling(_ leaks: [PathLeak]) -> PathLeak? {
        leaks.first { $0.user != nil } ?? leaks.first
    }

    /// A value of many megabytes may be nothing but paths.
    private static let maximumCandidates = 1000

    private typealias Bytes = UnsafeBufferPointer<UInt8>

    private static let unixRoots: [[UInt8]] = [
        "/home/", "/Users/", "/root/", "/mnt/", "/media/", "/workspace/", "/content/", "/Volumes/", "/tmp/", "/srv/",
        "/opt/", "/var/", "/data/", "/kaggle/", "/notebooks/", "/storage/", "/scratch/",
    ].map { Array($0.utf8) }

    /// The length of the beginning of an absolute path at `at`; nil when there is none.
    private static func start(_ bytes: Bytes, _ at: Int) -> Int? {
        let byte = bytes[at]
        let next = at + 1 < bytes.count ? bytes[at + 1] : 0
        guard isSlash(byte) || next == UInt8(ascii: ":") && isLetter(byte) else { return nil }
        // Not in the middle of a word, a relative path or a URL, except one that names a file.
        if at > 0, isPathByte(bytes[at - 1]) {
            guard at >= fileURL.count, bytes[at - fileURL.count..<at].elementsEqual(fileURL) else { return nil }
        }
        if byte == UInt8(ascii: "/") {
            return unixRoots.first { matches(bytes, at, $0) }?.count
        }
        if isLetter(byte), at + 3 < bytes.count, isSlash(bytes[at + 2]) {
            return bytes[at + 3] == bytes[at + 2] && !isBackslash(bytes[at + 2]) ? nil : 3
        }
        if isBackslash(byte), isBackslash(next) {
            // `\\server\share`; the four backslashes of JSON too. `\\n` and the like inside JSON have no second part.
            var end = at
            while end < bytes.count, isBackslash(bytes[end]) { end += 1 }
            let name = end
            while end < bytes.count, isLetter(bytes[end]) || isDigit(bytes[end]) || bytes[end] == UInt8(ascii: "-") {
                end += 1
            }
            return end - name >= 2 && end < bytes.count && isBackslash(bytes[end]) ? end - at : nil
        }
        return nil
    }

    private static func read(_ bytes: Bytes, _ at: Int) -> PathLeak {
        var end = at
        while end < bytes.count, end - at < 80, bytes[end] >= 0x20, !terminators.contains(bytes[end]) { end += 1 }
        let path = String(decoding: bytes[at..<end], as: UTF8.self)
        let parts = path.split { $0 == "/" || $0 == "\\" }
        var user: String?
        // `C:\Users\name`, `/home/name`, `/Users/name`, `/mnt/c/Users/name`
        if let home = parts.firstIndex(where: { ["home", "users"].contains($0.lowercased()) }), home <= 2 {
            user = parts.dropFirst(home + 1).first.map(String.init)
        }
        if let name = user, ["public", "default", "user", "username", "shared"].contains(name.lowercased()) {
            user = nil
        }
        return PathLeak(path: path, user: user)
    }

    private static let fileURL = Array("file://".utf8)
    private static let terminators = Set("\"'<>|*?,;)]}".utf8)

    private static func matches(_ bytes: Bytes, _ at: Int, _ word: [UInt8]) -> Bool {
        at + word.count < bytes.count && bytes[at..<at + word.count].elementsEqual(word)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isBackslash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\\") }
    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || isBackslash(byte) }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "~"), UInt8(ascii: ":"): true
        default: isLetter(byte) || isDigit(byte) || isSlash(byte) || byte >= 0x80
        }
    }
}
