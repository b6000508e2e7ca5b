/// The bytes of something that is scanned. Nobody hands a file of many gigabytes over in one piece.
public protocol ByteSource: Sendable {
    /// Bytes in all.
    var size: UInt64 { get }

    /// Reads inside the bounds: `offset + count <= size`, or the answer is `beyondEnd`.
    func read(at offset: UInt64, count: Int) throws(ByteSourceError) -> [UInt8]
}

/// Why bytes could not be read.
public enum ByteSourceError: Error, Hashable, Sendable {
    /// Bytes after the end were wanted.
    case beyondEnd
    /// The disk or the file failed.
    case unreadable(String)
}

extension ByteSource {
    /// As many of `count` bytes as there are.
    func available(at offset: UInt64, count: Int) throws(ByteSourceError) -> [UInt8] {
        guard offset < size else { return [] }
        return try read(at: offset, count: Int(min(UInt64(count), size - offset)))
    }

    /// A part of these bytes as a source of its own; cut at the end.
    func part(_ range: Range<UInt64>) -> PartOfBytes {
        let lower = min(range.lowerBound, size)
        return PartOfBytes(whole: self, range: lower..<max(lower, min(range.upperBound, size)))
    }
}

/// Bytes in memory.
public struct BytesInMemory: ByteSource {
    let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public var size: UInt64 { UInt64(bytes.count) }

    public func read(at offset: UInt64, count: Int) throws(ByteSourceError) -> [UInt8] {
        guard count >= 0, offset <= size, UInt64(count) <= size - offset else { throw .beyondEnd }
        // The whole is handed on without a copy.
        return count == bytes.count ? bytes : Array(bytes[Int(offset)..<Int(offset) + count])
    }
}

/// A part of other bytes, counted from its own start.
struct PartOfBytes: ByteSource {
    let whole: any ByteSource
    let range: Range<UInt64>

    var size: UInt64 { range.upperBound - range.lowerBound }

    func read(at offset: UInt64, count: Int) throws(ByteSourceError) -> [UInt8] {
        guard count >= 0, offset <= size, UInt64(count) <= size - offset else { throw .beyondEnd }
        return try whole.read(at: range.lowerBound + offset, count: count)
    }
}

/// Reads a source from front to back through a window.
struct SourceCursor {
    let source: any ByteSource
    let size: UInt64
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    /// In the window.
    private var position = 0

    static let windowBytes = 1 << 18

    init(_ source: any ByteSource, at offset: UInt64 = 0) {
        self.source = source
        size = source.size
        windowStart = min(offset, size)
    }

    /// Where the next byte lies.
    var offset: UInt64 { windowStart + UInt64(position) }
    var left: UInt64 { size - offset }

    /// The next byte; nil at the end.
    @inline(__always)
    mutating func byte() throws(ByteSourceError) -> UInt8? {
        if position == window.count {
            guard try refill() else { return nil }
        }
        let byte = window[position]
        position += 1
        return byte
    }

    @inline(never)
    private mutating func refill() throws(ByteSourceError) -> Bool {
        windowStart = offset
        position = 0
        window = try source.available(at: windowStart, count: Self.windowBytes)
        return !window.isEmpty
    }

    /// A little-endian number of at most eight bytes; nil at the end.
    @inline(__always)
    mutating func little(_ count: Int) throws(ByteSourceError) -> UInt64? {
        var value: UInt64 = 0
        if position + count <= window.count {
            for index in 0..<count { value |= UInt64(window[position + index]) << UInt64(8 * index) }
            position += count
            return value
        }
        for index in 0..<count {
            guard let byte = try byte() else { return nil }
            value |= UInt64(byte) << UInt64(8 * index)
        }
        return value
    }

    /// The next `count` bytes; nil when there are fewer, and then nothing is taken. The caller bounds `count`.
    mutating func take(_ count: Int) throws(ByteSourceError) -> [UInt8]? {
        guard count >= 0, UInt64(count) <= left else { return nil }
        if position + count <= window.count {
            defer { position += count }
            return Array(window[position..<position + count])
        }
        let bytes = try source.read(at: offset, count: count)
        _ = try skip(UInt64(count))
        return bytes
    }

    /// Leaves out bytes; false when there are fewer.
    @inline(__always)
    mutating func skip(_ count: UInt64) throws(ByteSourceError) -> Bool {
        if count <= UInt64(window.count - position) {
            position += Int(count)
            return true
        }
        guard count <= left else { return false }
        windowStart = offset + count
        window.removeAll(keepingCapacity: true)
        position = 0
        return true
    }
}
