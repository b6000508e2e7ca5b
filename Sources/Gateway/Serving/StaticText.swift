import Digests
import HTTPTypes
import Hummingbird
import NIOCore

/// A text that never changes while the node runs.
struct StaticText: Sendable {
    private struct Form: Sendable {
        let buffer: ByteBuffer
        let fields: HTTPFields
        let tag: String
    }

    private let plain: Form
    private let packed: Form

    /// - Parameter vary: another field of the request that the text depends on: then it is for one browser alone, which asks
    ///   each time whether it still holds, for what browsers keep in memory forgets what it depended on.
    init(_ text: String, type: String, vary: String? = nil) {
        func form(_ takesGzip: Bool) -> Form {
            var fields: HTTPFields = [
                .contentType: type, .cacheControl: vary == nil ? "public, max-age=3600" : "private, no-cache",
                .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            ]
            fields[.vary] = vary
            let buffer = ContentCoding.$takesGzip.withValue(takesGzip) {
                ContentCoding.body(text, &fields, level: 9)
            }
            let tag = "\"\(SHA256.hash(Array(buffer.readableBytesView)).hex.prefix(16))\""
            fields[.eTag] = tag
            return Form(buffer: buffer, fields: fields, tag: tag)
        }
        plain = form(false)
        packed = form(true)
    }

    func response(to request: Request) -> Response {
        let form = ContentCoding.takesGzip(request) ? packed : plain
        guard request.headers[.ifNoneMatch] != form.tag else {
            return Response(status: .notModified, headers: form.fields)
        }
        return Response(status: .ok, headers: form.fields, body: ResponseBody(byteBuffer: form.buffer))
    }
}
