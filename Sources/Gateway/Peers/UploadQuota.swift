import Digests
import WaggleProtocol

/// How much each peer may bring in a day. A blob counts with its whole size when it is begun, once a day, whether it ends
/// or not: what is begun has its room reserved.
struct UploadQuota: Sendable {
    /// Bytes a peer and day.
    let bytes: UInt64

    private struct Begun: Sendable {
        let size: UInt64
        /// Unix seconds.
        let at: UInt64
    }

    private var begun: [Hash32: [Hash32: Begun]] = [:]
    private static let day: UInt64 = 86_400

    init(bytes: UInt64) {
        self.bytes = bytes
    }

    /// Lets a peer begin a blob, or go on with one of today.
    ///
    /// - Throws: `tooManyRequests` with the seconds until there is room again, `bodyTooLarge` for what never has room.
    mutating func admit(_ blob: Hash32, size: UInt64, from peer: Hash32, now: UInt64) throws(GatewayError) {
        var own = begun[peer, default: [:]].filter { $0.value.at + Self.day > now }
        defer { begun[peer] = own.isEmpty ? nil : own }
        guard own[blob] == nil else { return }
        guard size <= bytes else { throw .bodyTooLarge(limit: Int(clamping: bytes)) }
        let used = own.values.reduce(UInt64(0)) { $0 + $1.size }
        guard used + size <= bytes, own.count < Limits.Gateway.uploadsPerPeer else {
            let oldest = own.values.map(\.at).min() ?? now
            throw .tooManyRequests(retryAfter: oldest + Self.day - now)
        }
        own[blob] = Begun(size: size, at: now)
    }
}
