import Federation

/// What a release says of a web server that has its files too.
enum MirrorAddress {
    /// Why a URL cannot stand in a release of so many files; nil when it can.
    static func refusal(_ text: String, files: Int) -> String? {
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return "write other characters than ASCII as percent escapes"
        }
        guard let start = text.firstRange(of: "://")?.upperBound, let path = text[start...].firstIndex(of: "/") else {
            return "a mirror is http:// or https://, a host and the path of the file"
        }
        do throws(PeerURLError) {
            _ = try PeerURL(String(text[..<path]))
        } catch {
            return "\(error)"
        }
        guard files == 1 || text.contains("{sha256}") || text.hasSuffix("/") else {
            return
                "a release of \(files) files needs {sha256} in it, which stands for the hash of each, or a folder: a / at the end"
        }
        return nil
    }
}
