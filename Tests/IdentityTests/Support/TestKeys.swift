import Digests
import Foundation
import Identity
import SwiftProtobuf
import WaggleProtocol

/// A key of a test, always the same one for the same name.
func testKey(_ name: String) -> SigningKey {
    SigningKey(seed: SHA256.hash(Array("test key \(name)".utf8)).bytes)!
}

func device(
    _ name: String, _ scopes: [WireScope] = [.post], from: UInt64 = 0, until: UInt64 = 0
) -> WireDevice {
    var device = WireDevice()
    device.key = testKey(name).publicKey.data
    device.label = name
    device.scopes = scopes
    device.notBefore = from
    device.notAfter = until
    return device
}

func revocation(
    _ name: String, _ reason: WireRevocationReason, since: UInt64, checkpoint: Hash32? = nil
) -> WireRevocation {
    var revocation = WireRevocation()
    revocation.key = testKey(name).publicKey.data
    revocation.since = since
    revocation.reason = reason
    revocation.checkpoint = checkpoint?.data ?? Data()
    return revocation
}

/// A key document of named keys; `fill` changes what it likes.
func keyDocument(
    _ version: UInt32 = 1, after previous: Hash32? = nil, roots: [String] = ["root"], threshold: UInt32 = 1,
    next: [String] = ["next"], nextThreshold: UInt32 = 1, devices: [WireDevice] = [],
    revocations: [WireRevocation] = [],
    _ fill: (inout WireKeyDocument) -> Void = { _ in }
) -> WireKeyDocument {
    var document = WireKeyDocument()
    document.version = version
    document.previous = previous?.data ?? Data()
    document.roots = roots.map { testKey($0).publicKey.data }
    document.threshold = threshold
    document.nextRoots = next.map { SHA256.hash(testKey($0).publicKey.bytes).data }
    document.nextThreshold = next.isEmpty ? 0 : nextThreshold
    document.devices = devices
    document.revocations = revocations
    document.role = .person
    fill(&document)
    return document
}

/// A post of kind 13 to 22 or so by a device, valid but for what `fill` does to it.
func comment(by author: Hash32, device: SigningKey, created: UInt64 = 2000, _ fill: (inout WirePost) -> Void = { _ in })
    -> WirePost
{
    var post = WirePost()
    post.v = 1
    post.author = author.data
    post.device = device.publicKey.data
    post.created = created
    post.kind = 21
    post.comment.subject = SHA256.hash(Array("subject".utf8)).data
    post.comment.text = "Good hands at last."
    fill(&post)
    return post
}

/// Signs any payload, well formed or not, without looking at it.
func envelope(_ payload: [UInt8], keys: [SigningKey], type: UInt32 = 1) -> [UInt8] {
    var envelope = WireEnvelope()
    envelope.payload = Data(payload)
    envelope.type = type
    let signed = DSSE.preAuthenticationEncoding(type: DSSE.postType, payload: payload)
    envelope.signatures = keys.sorted { $0.publicKey < $1.publicKey }.map { key in
        var signature = WireSignature()
        signature.key = key.publicKey.data
        signature.sig = Data(key.sign(signed))
        return signature
    }
    return try! envelope.serializedBytes()
}

func payload(_ post: WirePost) -> [UInt8] {
    try! post.serializedBytes()
}
