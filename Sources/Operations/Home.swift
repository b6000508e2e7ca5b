import FoundationEssentials
public import SystemPackage

/// The paths of a node's home directory.
public struct Home: Sendable, Hashable {
    public let root: FilePath

    public init(root: FilePath) {
        self.root = root
    }

    public var keys: FilePath { root.appending("keys") }
    public var db: FilePath { root.appending("db") }
    public var blobs: FilePath { root.appending("blobs") }
    public var partial: FilePath { root.appending("partial") }
    public var temporary: FilePath { root.appending("tmp") }
    /// Small copies of pictures, which can be made again.
    public var thumbnails: FilePath { root.appending("thumbs") }
    /// The drawing engine, where one is installed. It can be installed anew.
    public var engine: FilePath { root.appending("engine") }
    /// What has to be preserved of cases, sealed. It is in no backup and nothing serves it.
    public var evidence: FilePath { root.appending("evidence") }
    public var run: FilePath { root.appending("run") }
    public var logs: FilePath { root.appending("logs") }
    public var settings: FilePath { root.appending("waggle.toml") }
    public var lock: FilePath { run.appending("lock") }
    public var socket: FilePath { run.appending("socket") }

    /// The node's device key.
    public var nodeKey: FilePath { keys.appending("node.key") }

    /// The key of this node's currencies, where there is one.
    public var ledgerKey: FilePath { keys.appending("ledger.authority") }

    /// The device key of a local account.
    public func key(ofAccount name: String) -> FilePath { keys.appending(name + ".key") }

    /// The sealed recovery secret of a local account, where there is one.
    public func recovery(ofAccount name: String) -> FilePath { keys.appending(name + ".recovery") }

    /// Directories that a home consists of, with their modes.
    public var directories: [(path: FilePath, mode: UInt32)] {
        [(root, 0o700), (keys, 0o700)] + [db, blobs, partial, temporary, run, logs].map { ($0, 0o700) }
    }
}

extension Home {
    /// What a commit of a client of the Hub is put together in: a folder of `tmp/` whose name begins so.
    public static let commitPrefix = "hub-"
    /// Archives that are written for somebody to download.
    static let exportPrefix = "export-"

    /// Removes what a crash left of commits. For whoever has the home's lock, before anything serves.
    public func sweepTemporary() {
        for name in Directory.names(in: temporary)
        where name.hasPrefix(Self.commitPrefix) || name.hasPrefix(Self.exportPrefix) {
            // What cannot be removed takes room and does no other harm.
            try? FileManager.default.removeItem(atPath: temporary.appending(name).string)
        }
    }
}
