import Foundation
import Glibc

/// A disk of a few MiB, mounted for one test.
enum SmallDisk {
    /// Mounting is the administrator's; elsewhere these tests cannot run.
    static let isPossible: Bool = {
        var template = Array((FileManager.default.temporaryDirectory.path + "/waggle-mount-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { return false }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { rmdir(path) }
        guard Glibc.mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0 else { return false }
        return umount2(path, Int32(MNT_DETACH)) == 0
    }()

    /// A new disk of so many MiB at a folder of the test.
    static func mount(_ name: String, mebibytes: Int) throws -> String {
        let world = try World.current
        let path = world.path(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        guard Glibc.mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
            throw HarnessError("mount: \(String(cString: strerror(errno)))")
        }
        world.atEnd { umount2(path, Int32(MNT_DETACH)) }
        return path
    }

    static func makeReadOnly(_ path: String) throws {
        guard Glibc.mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else {
            throw HarnessError("remount: \(String(cString: strerror(errno)))")
        }
    }

    /// Bytes that are free.
    static func free(_ path: String) -> Int {
        var information = statvfs()
        return statvfs(path, &information) == 0 ? Int(information.f_bavail * information.f_bsize) : 0
    }
}
