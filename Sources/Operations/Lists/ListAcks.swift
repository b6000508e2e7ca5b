public import Digests
import Federation
import FoundationEssentials
import Identity
import Moderation
import PostLog
public import WaggleProtocol

extension ListDesk {
    /// Tells the peers what became of entries of others' lists here, once for each that changed. A courtesy: what a peer does
    /// not take is not said again.
    public func sendAcks() async throws(OperationError) {
        let news = try await news()
        guard !news.isEmpty else { return }
        let peers: [Peer]
        do {
            for (action, outcome) in news {
                try await context.moderation.acknowledge(
                    action, by: context.keyring.node.author, outcome: outcome.rawValue, at: context.now())
            }
            peers = try await context.federation.peers.peers()
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as PeerStoreError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        var acks = WireActionAcks()
        acks.acks = news.map { action, outcome in
            var ack = WireActionAck()
            (ack.action, ack.outcome) = (action.data, outcome)
            return ack
        }
        for peer in peers where !peer.url.isEmpty {
            guard let url = try? PeerURL(peer.url) else { continue }
            try? await context.federation.client(for: url).acknowledge(acks)
        }
    }

    /// Entries of the last month whose outcome here is another one than was said last.
    private func news() async throws(OperationError) -> [(action: Hash32, outcome: WireActionAck.Outcome)] {
        let now = context.now()
        let own = Set(context.keyring.authors)
        let since = now - min(now, Limits.Cases.undoSeconds)
        var outcomes: [Hash32: WireActionAck.Outcome] = [:]
        context.moderation.withPolicy { policy in
            let effects = policy.effects(at: now)
            for source in policy.sources where source.consensus == nil && !own.contains(source.id.author) {
                let waiting = Set(policy.waiting(source.id, at: now).map(\.post))
                for entry in policy.entries(of: source.id) where entry.created >= since {
                    outcomes[entry.post] =
                        entry.isWithdrawn
                        ? .reversed
                        : effects[entry.subject]?.entry.post == entry.post
                            ? .applied : waiting.contains(entry.post) ? .waiting : .rejected
                }
            }
        }
        do {
            let said = try await context.moderation.acks(of: Array(outcomes.keys))
                .filter { $0.node == context.keyring.node.author }
            for ack in said where outcomes[ack.action]?.rawValue == ack.outcome { outcomes[ack.action] = nil }
        } catch {
            throw OperationError(error)
        }
        return outcomes.sorted { $0.key < $1.key }.prefix(Limits.Cases.acks).map { ($0.key, $0.value) }
    }

    /// Notes what a peer says became of entries of lists that are kept here.
    public func take(_ acks: WireActionAcks, from node: Hash32) async throws(OperationError) {
        let own = Set(context.keyring.authors)
        let outcomes = acks.acks.prefix(Limits.Cases.acks).compactMap { ack -> (Hash32, Int)? in
            guard let action = Hash32(ack.action), (1...4).contains(ack.outcome.rawValue) else { return nil }
            return (action, ack.outcome.rawValue)
        }
        do {
            let posts = try await context.log.posts(ids: outcomes.map(\.0))
            for (action, outcome) in outcomes where posts[action].map({ own.contains($0.author) }) ?? false {
                try await context.moderation.acknowledge(action, by: node, outcome: outcome, at: context.now())
            }
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
