import Hummingbird
import Synchronization
import WaggleProtocol

/// So many pages and answers of other sites' APIs an address may ask for in a minute: far more than people and programs that
/// mean well do, so that one address cannot keep the catalog busy. The native API and peers have limits of their own, and
/// bytes are limited as bytes. Whoever is on this machine is not counted, unless a proxy here says whom it speaks for.
final class FloodLimit: Sendable {
    private let services: GatewayServices
    private let limiter = Mutex(RequestLimiter())

    init(_ services: GatewayServices) {
        self.services = services
    }

    /// - Throws: `tooManyRequests`.
    func admit(_ face: Face, _ request: Request, _ context: GatewayContext) throws(GatewayError) {
        switch face {
        case .page, .api: break
        case .native, .bytes, .peer: return
        }
        let client = RemoteAddress.client(request, context)
        if !RemoteAddress.isHere(client) { try take(RemoteAddress.text(client)) }
    }

    func admit(_ address: String) throws(GatewayError) {
        if !RemoteAddress.isHere(address) { try take(address) }
    }

    private func take(_ address: String) throws(GatewayError) {
        let limit = services.configuration.pagesPerAddress
        let standing = limiter.withLock { $0.take(address, limit: limit, now: services.now()) }
        if let wait = standing.wait { throw .tooManyRequests(retryAfter: wait) }
    }
}
