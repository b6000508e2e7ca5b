import Catalog
import Federation
import Moderation
import NIOCore

/// How fast one response may be sent: the node's limits for what it carries and whom it goes to.
struct SendingPace: Sendable {
    private let limiter: TransferLimiter
    private let kind: TransferClass
    private let peer: String

    /// Pictures up to this size are what pages wait for.
    private static let pageImageBytes: UInt64 = 1 << 20

    init(
        _ limiter: TransferLimiter, to viewer: Viewer, _ reference: BlobReference?, size: UInt64,
        on channel: any Channel
    ) {
        self.limiter = limiter
        peer = channel.remoteAddress?.ipAddress ?? ""
        if viewer.kind == .peer {
            kind = .mirror
        } else if reference?.isImage == true {
            kind = size <= Self.pageImageBytes ? .interactive : .image
        } else {
            kind = .model
        }
    }

    /// Waits until some bytes may be sent; how many, `bytes` at most.
    func take(upTo bytes: Int) async throws -> Int {
        try await limiter.take(upTo: bytes, for: kind, peer: peer)
    }
}
