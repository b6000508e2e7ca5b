import AsyncHTTPClient
import Logging
import NIOCore

extension Federation {
    /// Addresses of nodes that this one dialled and proved: peers first.
    public func provedAddresses() async -> [String] {
        let known = ((try? await peers.unblockedPeers()) ?? []).filter { $0.lastContact > 0 && !$0.url.isEmpty }.map(
            \.url)
        return known + neighbours.proved.filter { !known.contains($0) }
    }

    /// A client that connects to these addresses, whatever the name of the URL leads to later.
    func pinnedHTTP(_ url: PeerURL, _ addresses: [IPAddress]) -> HTTPClient {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(45))
        configuration.connectionPool = .init(idleTimeout: .seconds(30), concurrentHTTP1ConnectionsPerHostSoftLimit: 8)
        configuration.dialOnce()
        configuration.httpVersion = .http1Only
        if case .name(let name) = url.host, let address = addresses.first {
            configuration.dnsOverride = [name: address.description]
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Exchanges posts with a node until the connection breaks.
    ///
    /// - Parameter advance: its stream was read up to here.
    func exchange(with peer: Peer, _ client: NodeClient, advance: @escaping @Sendable (String) -> Void) async {
        let session = PeerSession(
            peer: peer, client: client, identity: identity, log: log, store: peers, hub: gossip, logger: logger,
            now: now, onSettled: { [wakeMirrors] in wakeMirrors.yield() }, advance: { advance($0) })
        do {
            try await session.run()
        } catch {
            logger.info("exchange ended", metadata: ["peer": "\(peer.url)", "why": "\(Self.words(error))"])
        }
    }
}
