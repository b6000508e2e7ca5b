import Digests

/// What a backup may contain. Anything else is refused by name, so no member can lead out of the home.
enum MemberName: Hashable {
    case manifest
    /// SHA-256 of the manifest, as `sha256sum` writes it.
    case manifestSum
    case database(String)
    case settings
    case purgeLog
    case keys
    case blobList
    case blob(Hash32)

    var text: String {
        switch self {
        case .manifest: "manifest.json"
        case .manifestSum: "manifest.json.sha256"
        case .database(let name): "db/\(name)"
        case .settings: "waggle.toml"
        case .purgeLog: "purged.log"
        case .keys: "keys.sealed.json"
        case .blobList: "blobs.txt"
        case .blob(let hash): "blobs/\(hash.hex)"
        }
    }

    /// Nil for a name that no backup has.
    init?(_ text: String) {
        let fixed: [MemberName] =
            [.manifest, .manifestSum, .settings, .purgeLog, .keys, .blobList]
            + TruthDatabase.allCases.map { .database($0.fileName) }
        if let found = fixed.first(where: { $0.text == text }) {
            self = found
        } else if text.hasPrefix("blobs/"), let hash = Hash32(canonicalHex: text.dropFirst(6)) {
            self = .blob(hash)
        } else {
            return nil
        }
    }

    /// Another's text for people: no control characters, not without end.
    static func shown(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(100).map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
