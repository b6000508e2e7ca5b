import Digests
import SystemPackage

/// Writes a tar archive (POSIX.1-1988 "ustar"): what every system opens. Files only, under short names.
struct TarWriter {
    private static let block = 512
    private let file: FileDescriptor
    private let time: UInt64

    /// - Parameter time: of all files, unix seconds.
    init(_ file: FileDescriptor, time: UInt64) {
        self.file = file
        self.time = time
    }

    /// - Parameter name: at most 100 bytes.
    func add(_ name: String, _ bytes: [UInt8]) throws {
        try file.writeAll(Self.header(name, size: UInt64(bytes.count), time: time))
        try file.writeAll(bytes)
        try pad(UInt64(bytes.count))
    }

    /// Copies a file that nobody writes to meanwhile.
    func add(_ name: String, from path: FilePath) throws {
        let source = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        try source.closeAfter {
            let size = UInt64(clamping: try source.seek(offset: 0, from: .end))
            try source.seek(offset: 0, from: .start)
            try file.writeAll(Self.header(name, size: size, time: time))
            var left = size
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { buffer.deallocate() }
            while left > 0 {
                let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(left, UInt64(buffer.count)))])
                let count = try source.read(into: room)
                guard count > 0 else { throw Errno.ioError }
                try file.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                left -= UInt64(count)
            }
            try pad(size)
        }
    }

    /// Two empty blocks end an archive.
    func finish() throws {
        try file.writeAll([UInt8](repeating: 0, count: Self.block * 2))
    }

    private func pad(_ size: UInt64) throws {
        let rest = Int(size % UInt64(Self.block))
        if rest > 0 { try file.writeAll([UInt8](repeating: 0, count: Self.block - rest)) }
    }

    static func header(_ name: String, size: UInt64, time: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: block)
        func put(_ text: String, at place: Int, most: Int) {
            for (index, byte) in text.utf8.prefix(most).enumerated() { bytes[place + index] = byte }
        }
        func octal(_ number: UInt64, digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        put(name, at: 0, most: 100)
        put(octal(0o600, digits: 7), at: 100, most: 7)
        put(octal(0, digits: 7), at: 108, most: 7)
        put(octal(0, digits: 7), at: 116, most: 7)
        put(octal(size, digits: 11), at: 124, most: 11)
        put(octal(time, digits: 11), at: 136, most: 11)
        put("        ", at: 148, most: 8)
        put("0", at: 156, most: 1)
        put("ustar\u{0}00", at: 257, most: 8)
        // The sum of all bytes, taken with spaces in its own place.
        let sum = bytes.reduce(UInt64(0)) { $0 + UInt64($1) }
        put(octal(sum, digits: 6) + "\u{0} ", at: 148, most: 8)
        return bytes
    }
}
