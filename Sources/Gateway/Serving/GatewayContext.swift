import Hummingbird
import NIOCore

/// One request on its way through the router.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection: `BlobResponder` writes files to it, and its local address is a URL of this node.
    let channel: any Channel
    /// Set for every request before anything asks where it comes from.
    var proxies = TrustedProxies.none

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// A path parameter without percent escapes; nil when it is not there or no UTF-8.
    func parameter(_ name: String) -> String? {
        parameters[name[...]].flatMap { PercentCoding.decode($0) }
    }
}
