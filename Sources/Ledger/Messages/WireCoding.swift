import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

/// Reads a message of another party, in bounds.
func decoded<Message: SwiftProtobuf.Message>(_ bytes: Data, as type: Message.Type = Message.self)
    throws(MalformedMessage)
    -> Message
{
    guard bytes.count <= Limits.Ledger.messageBytes else {
        throw MalformedMessage(what: "the message has \(bytes.count) bytes, at most \(Limits.Ledger.messageBytes)")
    }
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = Limits.Ledger.nesting
    do {
        return try Message(serializedBytes: bytes, options: options)
    } catch {
        throw MalformedMessage(what: "the message is not protobuf")
    }
}

/// The bytes of a message of our own.
func encoded(_ message: some SwiftProtobuf.Message) -> Data {
    // Fails for missing required fields alone, which proto3 does not have.
    (try? message.serializedBytes()) ?? Data()
}
