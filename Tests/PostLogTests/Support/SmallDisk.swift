import Foundation
import Glibc

/// A file system of its own in memory, that can be filled up. Needs the right to mount.
final class SmallDisk: Sendable {
    let path: String

    static let isPossible: Bool = (try? SmallDisk(bytes: 1 << 20)) != nil

    struct NotMounted: Error {}

    init(bytes: Int) throws {
        path = NSTemporaryDirectory() + "waggle-small-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else {
            try? FileManager.default.removeItem(atPath: path)
            throw NotMounted()
        }
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file until nothing more fits, but for so many bytes.
    func fill(leaving bytes: Int) throws {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw NotMounted() }
        let count = Int(status.f_bavail) * Int(status.f_bsize) - bytes
        try Data(count: max(count, 0)).write(to: URL(fileURLWithPath: path + "/ballast"))
    }

    func makeRoom() throws {
        try FileManager.default.removeItem(atPath: path + "/ballast")
    }

    func makeReadOnly() throws {
        guard mount(nil, path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else {
            throw NotMounted()
        }
    }
}
