/// The media types that user files are served as. All others leave as plain bytes: a file that calls itself HTML or SVG
/// must not run in this node's origin.
enum MediaType {
    static let bytes = "application/octet-stream"

    /// Shown in the browser rather than saved.
    private static let shown: Set<String> = [
        "image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "video/mp4", "video/webm",
    ]
    private static let saved: Set<String> = [
        "application/json", "application/zip", "application/x-safetensors", "application/x-gguf",
    ]

    static func served(_ claimed: String) -> String {
        if shown.contains(claimed) { return claimed }
        let plain = claimed.split(separator: ";").first.map { $0.trimmed.lowercased() } ?? ""
        return shown.contains(plain) || saved.contains(plain) ? plain : bytes
    }

    static func isShown(_ served: String) -> Bool { shown.contains(served) }
}
