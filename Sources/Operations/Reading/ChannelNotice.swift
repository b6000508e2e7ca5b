import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// What the author's word on the newest release says of what this node shows: whether it is held back (frozen) or led back
/// (rolled back) to an older release. A value, so that the rules can be read.
struct ChannelNotice: Equatable {
    /// The author's newest channel post that is here, run out or not; nil when there is none.
    struct Channel: Equatable {
        let release: Hash32
        let number: UInt64
        /// Unix seconds; 0 for never.
        let expires: UInt64
    }

    /// What to tell a person; empty when all is well.
    let warnings: [String]

    /// - Parameters:
    ///   - shown: the release that somebody asked for.
    ///   - releases: those of the model that are here, id and version.
    ///   - now: unix seconds.
    init(_ channel: Channel?, shown: Hash32, releases: [(id: Hash32, version: String)], now: UInt64) {
        // An author who says nothing protects nobody, and nothing is missing.
        guard let channel else {
            warnings = []
            return
        }
        var warnings: [String] = []
        let newest = releases.first { $0.id == channel.release }
        if newest == nil {
            warnings.append(
                "this node is behind: the author's newest release is \(channel.release.hex.prefix(12))… (number "
                    + "\(channel.number)), which has not arrived here. A peer may be holding it back")
        } else if channel.release != shown, let newest {
            warnings.append("the author says that another release is the newest: \(newest.version)")
        }
        if channel.expires > 0, channel.expires + Limits.Post.clockSkew <= now {
            let day = Date(timeIntervalSince1970: TimeInterval(min(channel.expires, 253_402_300_799))).formatted(
                .iso8601.year().month().day())
            warnings.append(
                "the author's word on which release is the newest ran out on \(day): there may be newer ones that do not "
                    + "reach this node")
        }
        self.warnings = warnings
    }
}

extension ChannelNotice {
    /// What the log and the catalog know of a release's model.
    static func warnings(for release: ReleaseView, in context: OperationContext) async throws(OperationError)
        -> [String]
    {
        do {
            let post = try await context.log.newestChannel(of: release.author.author, slug: release.body.modelSlug)
            let channel = post.flatMap { post -> Channel? in
                guard Hash32(post.post.channel.modelAuthor) == release.author.author,
                    let newest = Hash32(post.post.channel.release)
                else { return nil }
                return Channel(release: newest, number: post.post.channel.number, expires: post.post.expires)
            }
            guard let channel else { return [] }
            let everything = context.moderation.filter(for: .owner)
            let model = try await context.catalog.model(post: release.modelPost, everything)
            var releases = (model?.releases ?? []).map { (id: $0.post, version: $0.body.version) }
            if !releases.contains(where: { $0.id == channel.release }),
                let newest = try await context.catalog.release(post: channel.release, everything)
            {
                releases.append((newest.post, newest.body.version))
            }
            return ChannelNotice(channel, shown: release.post, releases: releases, now: context.now()).warnings
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

/// Signs anew, in time, what local accounts say of their newest releases. A running node does so once an hour.
public struct RenewChannels: Operation {
    public static let name = "channels renew"
    public init() {}

    public struct Reply: Codable, Sendable {
        public let renewed: Int
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        var renewed = 0
        for account in context.keyring.accounts.keys.sorted() {
            let posting = try Posting(context, as: account)
            let due = context.now() + Limits.Post.channelSeconds / 3
            let channels: [LoggedChannel]
            do {
                channels = try await context.log.channels(of: posting.signer.author, expiringBefore: due)
                    .map { LoggedChannel(slot: $0.slot, created: $0.created, body: $0.post.channel) }
            } catch {
                throw OperationError(error)
            }
            for channel in channels {
                // The same number: it is still the same release that is the newest.
                let post = try posting.sign(after: channel.created) { post in
                    post.slot = channel.slot
                    post.expires = post.created + Limits.Post.channelSeconds
                    post.channel = channel.body
                }
                try await posting.submit([post])
                renewed += 1
            }
        }
        return Reply(renewed: renewed)
    }

    private struct LoggedChannel {
        let slot: String
        let created: UInt64
        let body: WireChannel
    }
}
