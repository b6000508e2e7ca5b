import CZlib
import HTTPTypes
import Hummingbird
import NIOCore

/// gzip (RFC 1952) for what browsers read: every browser takes it, over HTTP too, and a page is a fifth of its size in it.
enum ContentCoding {
    /// Whether whoever asked takes gzip. Set around each request, so that whatever makes a page need not hand it on.
    @TaskLocal static var takesGzip = false

    /// Whether a request does (RFC 9110, section 12.5.3).
    static func takesGzip(_ request: Request) -> Bool {
        guard let field = request.headers[.acceptEncoding] else { return false }
        return field.split(separator: ",").contains { part in
            let words = part.split(separator: ";").map { $0.trimmed.lowercased() }
            guard let coding = words.first, coding == "gzip" || coding == "*" else { return false }
            // A weight of nothing, in whatever length.
            return !words.dropFirst().contains { $0.hasPrefix("q=0") && !$0.contains { "123456789".contains($0) } }
        }
    }

    /// A body and the fields that tell of it; text so short that packing it saves no packet stays as it is.
    static func body(_ text: String, _ headers: inout HTTPFields, level: Int32 = 5) -> ByteBuffer {
        headers[.vary] = [headers[.vary], "Accept-Encoding"].compactMap { $0 }.joined(separator: ", ")
        let bytes = Array(text.utf8)
        guard takesGzip, bytes.count > 1024, let packed = gzip(bytes, level: level) else {
            return ByteBuffer(bytes: bytes)
        }
        headers[.contentEncoding] = "gzip"
        return ByteBuffer(bytes: packed)
    }

    /// Nil when the library has no memory.
    static func gzip(_ bytes: [UInt8], level: Int32) -> [UInt8]? {
        var stream = z_stream()
        // 15 bits of window, and 16 for gzip's own header; 8 is the library's own choice of memory.
        let begun = deflateInit2_(
            &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard begun == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let room = Int(deflateBound(&stream, UInt(bytes.count)))
        var input = bytes
        let packed = [UInt8](unsafeUninitializedCapacity: room) { output, count in
            let length = input.count
            input.withUnsafeMutableBufferPointer { source in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(length)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(room)
                count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? room - Int(stream.avail_out) : 0
            }
        }
        return packed.isEmpty ? nil : packed
    }
}
