import Formats
import Glibc
import SystemPackage

/// A file on disk as something to scan.
final class FileBytes: ByteSource {
    let size: UInt64
    private let file: FileDescriptor

    /// Takes the descriptor, and closes it in the end.
    init(_ file: FileDescriptor, size: UInt64) {
        self.file = file
        self.size = size
    }

    deinit {
        try? file.close()
    }

    func read(at offset: UInt64, count: Int) throws(ByteSourceError) -> [UInt8] {
        guard count >= 0, offset <= size, UInt64(count) <= size - offset else { throw .beyondEnd }
        do {
            return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                let raw = UnsafeMutableRawBufferPointer(buffer)
                while filled < count {
                    let got = try file.read(
                        fromAbsoluteOffset: Int64(offset) + Int64(filled),
                        into: UnsafeMutableRawBufferPointer(rebasing: raw[filled...]))
                    // It was cut while it was read.
                    guard got > 0 else { throw ByteSourceError.beyondEnd }
                    filled += got
                }
            }
        } catch let error as ByteSourceError {
            throw error
        } catch {
            throw .unreadable("\(error)")
        }
    }
}
