import Glibc
import SystemPackage

/// Small blocking directory calls for set-up; never on a path that serves.
enum Directory {
    /// Creates a directory with all its parents.
    static func create(_ path: FilePath, mode: UInt32) throws(OperationError) {
        if mkdir(path.string, mode) == 0 || errno == EEXIST { return }
        let parent = path.removingLastComponent()
        if errno == ENOENT, parent != path, !parent.isEmpty {
            try create(parent, mode: 0o755)
            if mkdir(path.string, mode) == 0 || errno == EEXIST { return }
        }
        throw OperationError(
            errno == ENOSPC ? .limits : .failed,
            "\(path) cannot be created: \(String(cString: strerror(errno))). "
                + "Choose another home with --home, or give yourself the right to write there")
    }

    /// Names in a directory, sorted; none when it cannot be read.
    static func names(in path: FilePath) -> [String] {
        guard let directory = opendir(path.string) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
