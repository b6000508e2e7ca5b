/// The pre-authentication encoding of DSSE (Dead Simple Signing Envelope, protocol version 1).
public enum DSSE {
    /// Envelope type 1: a Waggle post.
    public static let postType = "application/vnd.waggle.post.v1+protobuf"

    /// `"DSSEv1" SP len(type) SP type SP len(payload) SP payload`, lengths in decimal: what signatures cover.
    public static func preAuthenticationEncoding(type: String, payload: some Collection<UInt8>) -> [UInt8] {
        var encoding: [UInt8] = []
        encoding.reserveCapacity(payload.count + type.utf8.count + 32)
        // Piece by piece: every post that comes in passes here, and building a string first costs more than its hash.
        for piece in ["DSSEv1", String(type.utf8.count), type, String(payload.count)] {
            encoding.append(contentsOf: piece.utf8)
            encoding.append(UInt8(ascii: " "))
        }
        encoding.append(contentsOf: payload)
        return encoding
    }
}
