/// The pre-authentication encoding of DSSE (Dead Simple Signing Envelope, protocol version 1).
public enum DSSE {
    /// Envelope type 1: a Waggle post.
    public static let postType = "application/vnd.waggle.post.v1+protobuf"

    /// `"DSSEv1" SP len(type) SP type SP len(payload) SP payload`, lengths in decimal: what signatures cover.
    public static func preAuthenticationEncoding(type: String, payload: some Collection<UInt8>) -> [UInt8] {
        var encoding: [UInt8] = []
        encoding.reserveCapacity(payload.count + type.utf8.count + 32)
        encoding.append(contentsOf: "DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8)
        encoding.append(contentsOf: payload)
        return encoding
    }
}
