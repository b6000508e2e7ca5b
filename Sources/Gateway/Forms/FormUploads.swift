import Accounts
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import WaggleProtocol

/// Files out of a form, into the store of uploads, with the fields that came before and between them.
struct FormUploads {
    private let services: GatewayServices
    private let owner: Account
    /// What was typed, as far as it came: also after something was refused.
    private(set) var typed: [(name: String, value: String)] = []

    init(_ services: GatewayServices, _ owner: Account) {
        self.services = services
        self.owner = owner
    }

    /// Bytes that are written at a time.
    private static let piece = 1 << 20

    /// Whether a request is such a form.
    static func isOne(_ request: Request) -> Bool {
        request.headers[.contentType]?.lowercased().hasPrefix("multipart/form-data") == true
    }

    /// What was typed into a form whose files are not wanted, such as one of somebody who is signed out; nil for no such form.
    /// Reads no further than the first file.
    static func fields(of request: Request) async -> [(name: String, value: String)]? {
        guard let type = request.headers[.contentType], var reader = MultipartReader(contentType: type) else {
            return nil
        }
        var (typed, read): ([(name: String, value: String)], Int) = ([], 0)
        do {
            for try await bytes in request.body {
                read += bytes.readableBytes
                for event in try reader.take(bytes.readableBytesView) {
                    guard case .field(let name, let value) = event else { return typed }
                    typed.append((name, value))
                }
                if reader.isComplete || read > Limits.Gateway.formBytes { return typed }
            }
        } catch {
            return typed.isEmpty ? nil : typed
        }
        return typed
    }

    /// - Throws: `badRequest` for what is no such form; `FileUploadError`. Then nothing of the form is kept but `typed`.
    mutating func take(_ request: Request) async throws -> [Upload] {
        guard let type = request.headers[.contentType], var reader = MultipartReader(contentType: type),
            let length = request.headers[.contentLength].flatMap({ UInt64($0) })
        else { throw GatewayError.badRequest(code: "bad-form", "Send the file with the form of this page") }
        // Of its own, so that nothing holds on to what is changed here.
        let (store, account, services) = (services.uploads, owner.id, services)
        var begun: [Upload] = []
        do {
            var current: (upload: Upload, offset: UInt64)?
            var pending = ByteBuffer()
            func flush() async throws {
                guard let (upload, offset) = current, pending.readableBytes > 0 else { return }
                let piece = pending
                pending.clear()
                _ = try await store.append(upload.id, account: account, at: offset, OneBuffer(piece))
                current = (upload, offset + UInt64(piece.readableBytes))
            }
            for try await bytes in request.body {
                for event in try reader.take(bytes.readableBytesView) {
                    switch event {
                    case .field(let name, let value): typed.append((name, value))
                    case .begin(_, let name):
                        guard !name.isEmpty else { continue }
                        // How long it is its end tells; until then room is kept for all that the request may bring.
                        let upload = try await UploadedFiles(store, owner).begin(
                            name: name, size: length, sha256: nil, services.context())
                        begun.append(upload)
                        current = (upload, 0)
                    case .bytes(let bytes):
                        guard current != nil else { continue }
                        pending.writeBytes(bytes)
                        if pending.readableBytes >= Self.piece { try await flush() }
                    case .end:
                        try await flush()
                        guard let (upload, _) = current else { continue }
                        current = nil
                        begun[begun.count - 1] = try await store.settle(upload.id, account: account)
                    }
                }
            }
            guard reader.isComplete else {
                throw GatewayError.badRequest(code: "cut", "The form was cut on its way; send it again")
            }
            return begun
        } catch {
            let uploads = begun
            // In a task of its own, because this one may be cancelled with its connection.
            await Task {
                for upload in uploads { try? await store.remove(upload.id, account: account) }
            }.value
            throw error
        }
    }
}

/// One buffer as a body.
private struct OneBuffer: AsyncSequence, Sendable {
    let buffer: ByteBuffer

    init(_ buffer: ByteBuffer) {
        self.buffer = buffer
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        var buffer: ByteBuffer?

        mutating func next() async -> ByteBuffer? {
            defer { buffer = nil }
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer: buffer) }
}
