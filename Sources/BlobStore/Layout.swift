import Digests
import SystemPackage

/// Where the store keeps what, under the node's home directory.
struct Layout: Sendable {
    let home: FilePath

    var databases: FilePath { home.appending("db") }
    var index: FilePath { databases.appending("blobs.db") }
    var blobs: FilePath { home.appending("blobs") }
    var complete: FilePath { blobs.appending("sha256") }
    var small: FilePath { blobs.appending("small.db") }
    var purgeLog: FilePath { blobs.appending("purged.log") }
    var partial: FilePath { home.appending("partial") }

    /// `blobs/sha256/ab/cdef…`
    func file(_ hash: Hash32) -> FilePath {
        let hex = hash.hex
        return complete.appending(String(hex.prefix(2))).appending(String(hex.dropFirst(2)))
    }

    /// `partial/HEX.part`
    func part(_ hash: Hash32) -> FilePath {
        partial.appending(hash.hex + Self.partSuffix)
    }

    /// A name nobody else uses, for bytes whose hash is not known yet.
    func incoming() -> FilePath {
        partial.appending(Self.incomingPrefix + String(UInt64.random(in: .min ... .max), radix: 36))
    }

    static let partSuffix = ".part"
    static let incomingPrefix = "incoming-"
}
