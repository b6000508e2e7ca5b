import Catalog
import Digests
import FoundationEssentials
import Logging
import Moderation
import WaggleProtocol

/// Finds the web servers that the signed release of a file names, and opens those that may be dialled.
struct ReleaseMirrors: Sendable {
    let catalog: Catalog
    let moderation: Moderation
    let peers: PeerStore
    let logger: Logger
    let admit: NodeClient.Admit
    var resolver = SystemResolver()

    private static let atMost = 8

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
