import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import WaggleProtocol

/// A form of somebody without an account that brings files beside words: held in memory, within bounds, until the request is
/// kept or refused.
struct EvidenceForm {
    private(set) var typed: [(name: String, value: String)] = []
    private(set) var files: [AttachedFile] = []
    private var current: (name: String, bytes: Data)?
    private var read = 0

    /// - Throws: `badRequest` for what is no such form, `bodyTooLarge`, `bodyTooSlow`. What was typed until then is kept.
    mutating func take(_ request: Request, _ services: GatewayServices) async throws {
        guard let type = request.headers[.contentType], var reader = MultipartReader(contentType: type) else {
            throw GatewayError.badRequest(code: "bad-form", "Send the files with the form of this page")
        }
        let began = services.now()
        for try await piece in request.body {
            read += piece.readableBytes
            guard read <= Limits.Cases.attachedBytesPerRequest + Limits.Gateway.formBytes else {
                throw GatewayError.bodyTooLarge(limit: Limits.Cases.attachedBytesPerRequest)
            }
            // Whoever holds a place sends at a pace.
            let due = began + UInt64(Limits.Gateway.bodySeconds) + UInt64(read) / Limits.Gateway.checkedPace
            if services.now() > due { throw GatewayError.bodyTooSlow }
            for event in try reader.take(piece.readableBytesView) { try take(event) }
        }
        guard reader.isComplete else {
            throw GatewayError.badRequest(code: "cut", "The form was cut on its way; send it again")
        }
    }

    private mutating func take(_ event: MultipartReader.Event) throws {
        switch event {
        case .field(let name, let value): typed.append((name, value))
        case .begin(_, let name): current = name.isEmpty ? nil : (name, Data())
        case .bytes(let bytes):
            guard current != nil else { return }
            current?.bytes.append(contentsOf: bytes)
            guard current?.bytes.count ?? 0 <= Limits.Cases.attachedBytes else {
                throw GatewayError.bodyTooLarge(limit: Limits.Cases.attachedBytes)
            }
        case .end:
            guard let file = current else { return }
            current = nil
            guard files.count < Limits.Cases.attachedFiles else {
                throw GatewayError.unprocessable(
                    code: "too-many-files", "A request brings at most \(Limits.Cases.attachedFiles) files")
            }
            files.append(AttachedFile(name: file.name, bytes: file.bytes))
        }
    }
}
