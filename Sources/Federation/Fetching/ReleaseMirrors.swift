import Catalog
import Digests
import FoundationEssentials
import Logging
import Moderation
import WaggleProtocol

/// What the signed release of a file says that helps to fetch it: the web servers that have it, of which those are opened
/// that may be dialled, and the names of its tensors.
struct ReleaseMirrors: Sendable {
    let catalog: Catalog
    let moderation: Moderation
    let peers: PeerStore
    let logger: Logger
    let admit: NodeClient.Admit
    var resolver = SystemResolver()

    private static let atMost = 8

    /// What the release says of a file's tensors; nil when it says nothing.
    func weights(of hash: Hash32) async -> SignedWeights? {
        let release = try? await catalog.releases(bySHA256: [hash], moderation.filter(for: .owner), detail: .full).first
        guard let file = release?.body.files.first(where: { $0.sha256 == hash.data }) else { return nil }
        let weights = SignedWeights(autoV3: Hash32(file.autov3), tensorDigest: Hash32(file.tensorDigest))
        return weights.autoV3 == nil && weights.tensorDigest == nil ? nil : weights
    }

    /// Mirrors of a file; the caller closes them. Empty for a file of no release.
    func open(for hash: Hash32) async -> [HTTPMirror] {
        let release = try? await catalog.releases(bySHA256: [hash], moderation.filter(for: .owner), detail: .full).first
        guard let body = release?.body, !body.mirrors.isEmpty,
            let file = body.files.first(where: { $0.sha256 == hash.data })
        else { return [] }
        let urls = MirrorURLs.of(
            sha256: hash.hex, name: file.name, isOnlyFile: body.files.count == 1, in: body.mirrors)
        let known = (try? await peers.peers()) ?? []
        let typed = Set(known.compactMap { peer in peer.isTyped ? try? PeerURL(peer.url).authority : nil })
        var mirrors: [HTTPMirror] = []
        for url in urls.prefix(Self.atMost) {
            do {
                mirrors.append(
                    try await HTTPMirror.open(url, typedAuthorities: typed, resolver: resolver, admit: admit))
            } catch {
                logger.info("a mirror is not used", metadata: ["url": "\(url)", "why": "\(error)"])
            }
        }
        return mirrors
    }
}
