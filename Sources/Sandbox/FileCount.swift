import Glibc
import SystemPackage

/// Counts what is in a folder that something hostile writes to: links are not followed, and nothing is read for longer than
/// it takes to know that there is too much.
enum FileCount {
    /// Files, links and folders below `folder`, those in folders too; at most `limit`.
    static func entries(of folder: FilePath, upTo limit: Int) -> Int {
        var count = 0
        var waiting = [folder]
        while let next = waiting.popLast(), count < limit {
            let descriptor = next.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard descriptor >= 0 else { continue }
            guard let stream = fdopendir(descriptor) else {
                close(descriptor)
                continue
            }
            defer { closedir(stream) }
            while count < limit, let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath(platformString: $0) }
                }
                if name.string == "." || name.string == ".." { continue }
                count += 1
                if entry.pointee.d_type == UInt8(DT_DIR) { waiting.append(next.pushing(name)) }
            }
        }
        return count
    }
}
