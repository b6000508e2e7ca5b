import AsyncHTTPClient
import Digests
import Moderation

extension Federation {
    /// Speaks with a node whose address somebody typed into a page, and ends the connection.
    ///
    /// They are no operator, so the address is dialled as those are that strangers name: it is resolved once and refused when
    /// it is not public, unless it is that of a peer which the operator named, in all its parts: what else that machine
    /// serves was not meant. The node is told this one's keys first: until it knows them it answers no questions.
    ///
    /// - Parameter patience: with the node, from the look-up of its address to the end.
    /// - Throws: `PeerError`, `DialError`, and what the body throws.
    public func visit<Value: Sendable>(
        _ text: String, patience: Duration, _ body: @escaping @Sendable (NodeClient) async throws -> Value
    ) async throws -> Value {
        let url: PeerURL
        do throws(PeerURLError) {
            url = try PeerURL(text.contains("://") ? text : "https://" + text)
        } catch {
            throw PeerError.invalidAddress(text, reason: "\(error)")
        }
        guard !moderation.refuses(url) else { throw Self.unwanted(url) }
        let known = (try? await peers.peers()) ?? []
        let isTyped = known.contains { $0.isTyped && (try? PeerURL($0.url)) == url }
        let late = PeerError.late(url: url.description, seconds: patience.components.seconds)
        return try await waiting(patience, orThrow: late) { [self] in
            switch try await Dial.decide(url, from: isTyped ? .operator : .stranger, resolver: SystemResolver()) {
            case .asTyped: return try await speak(client(for: url), body)
            case .pinned(_, let addresses):
                let http = pinnedHTTP(url, addresses)
                let result: Result<Value, any Error>
                do {
                    result = .success(try await speak(client(for: url, over: http), body))
                } catch {
                    result = .failure(error)
                }
                // It fails only when it is closed already.
                try? await http.shutdown()
                return try result.get()
            }
        }
    }

    private func speak<Value: Sendable>(
        _ client: NodeClient, _ body: @Sendable (NodeClient) async throws -> Value
    ) async throws -> Value {
        let card = try await client.node()
        guard card.id != identity.id else { throw PeerError.ownNode(url: client.url.description) }
        let isBlocked = (try? await peers.isBlocked(card.id)) ?? false
        guard !isBlocked, moderation.takedown(ofNode: card.id) == nil else { throw Self.unwanted(client.url) }
        _ = try await client.offer(identity.keyDocuments)
        return try await body(client)
    }

    private static func unwanted(_ url: PeerURL) -> PeerError {
        .invalidAddress(url.description, reason: "this node exchanges nothing with it")
    }

    /// Asks one node for what it has of an author.
    public func authorPull(_ client: NodeClient) -> AuthorPull {
        AuthorPull(client: client, log: log)
    }
}
