import BlobStore
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
    /// No post says it; nil while this node does not know the file.
    let blake3: String?

    /// - Parameter known: what this node computed of the file. It stands against what the release says: SHA-256 and pieces
    ///   root alone are sure to be of the same bytes when they are here.
    init(_ file: WireFile, known: BlobHashes? = nil) {
        sha256 = Hex.encode(file.sha256).uppercased()
        let hasWindow = file.size > Limits.Blob.autoV1Offset
        let claimed = file.autov1.isEmpty ? nil : Hex.encode(file.autov1).uppercased()
        autoV1 = known.flatMap { hasWindow ? Self.digits($0.autoV1) : nil } ?? claimed
        autoV2 = String(sha256.prefix(10))
        let autov3 = known?.extra.map { $0.autoV3?.hex } ?? (file.autov3.isEmpty ? nil : Hex.encode(file.autov3))
        autoV3 = autov3.map { String($0.uppercased().prefix(12)) }
        crc32 = Self.digits(known?.crc32 ?? file.crc32)
        blake3 = known?.extra?.blake3.hex.uppercased()
    }

    private static func digits(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
