import Digests
import FoundationEssentials
import WaggleProtocol

/// The names that model tools know a file by, in upper-case hexadecimal.
struct FileHashes: Sendable {
    let sha256: String
    /// Nil when the release does not say it.
    let autoV1: String?
    let autoV2: String
    /// Nil for a file that is no safetensors.
    let autoV3: String?
    let crc32: String

    init(_ file: WireFile) {
        sha256 = Hex.encode(file.sha256).uppercased()
        autoV1 = file.autov1.isEmpty ? nil : Hex.encode(file.autov1).uppercased()
        autoV2 = String(sha256.prefix(10))
        autoV3 = file.autov3.isEmpty ? nil : String(Hex.encode(file.autov3).uppercased().prefix(12))
        let digits = String(file.crc32, radix: 16, uppercase: true)
        crc32 = String(repeating: "0", count: 8 - digits.count) + digits
    }
}
