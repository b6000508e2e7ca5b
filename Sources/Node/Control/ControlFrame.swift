import FoundationEssentials
import NIOCore
import Operations

/// What travels over the home's socket: JSON values, each with its length (4 bytes, big-endian) before it.
struct ControlRequest: Codable {
    let operation: String
    /// The JSON of the operation.
    let request: Data
}

/// Progress any number of times, then a reply or an error.
enum ControlReply: Codable {
    case progress(Progress)
    case reply(Data)
    case error(OperationError)
}

/// Cuts frames out of what arrives.
struct ControlFrames {
    /// A release bundle with all its unit hashes is the largest thing that is sent.
    static let limit = 96 << 20

    private var bytes = ByteBuffer()

    mutating func append(_ chunk: ByteBuffer) {
        bytes.writeImmutableBuffer(chunk)
    }

    mutating func next<Value: Decodable>(_ type: Value.Type) throws(OperationError) -> Value? {
        guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Self.limit else { throw OperationError(.limits, "a frame of \(length) bytes on the socket") }
        guard bytes.readableBytes >= 4 + Int(length) else { return nil }
        bytes.moveReaderIndex(forwardBy: 4)
        let data = Data(bytes.readBytes(length: Int(length)) ?? [])
        bytes.discardReadBytes()
        guard let value = try? JSONDecoder().decode(type, from: data) else {
            throw OperationError(
                .failed, "a frame on the socket is not understood; are client and server of one version?")
        }
        return value
    }

    static func encode(_ value: some Encodable) throws(OperationError) -> ByteBuffer {
        guard let data = try? JSONEncoder().encode(value) else {
            throw OperationError(.failed, "a value cannot be encoded for the socket")
        }
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt32(data.count))
        buffer.writeBytes(data)
        return buffer
    }
}
