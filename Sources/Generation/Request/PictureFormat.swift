/// What the file of a picture is. Engines draw PNG; others are made of it and have lost a little.
public enum PictureFormat: String, Codable, Hashable, Sendable, CaseIterable {
    case png, jpeg, webp

    /// By its name, or the ending of a file.
    public init?(named name: String) {
        let lowered = name.lowercased()
        self.init(rawValue: lowered == "jpg" ? "jpeg" : lowered)
    }

    public var mediaType: String { "image/" + rawValue }
    /// Of files, without a dot.
    public var ending: String { self == .jpeg ? "jpg" : rawValue }
}
