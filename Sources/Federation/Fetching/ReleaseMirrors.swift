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
    func weights(of wanted: WantedBlob) async -> SignedWeights? {
        guard let (file, _) = await find(wanted) else { return nil }
        let weights = SignedWeights(autoV3: Hash32(file.autov3), tensorDigest: Hash32(file.tensorDigest))
        return weights.autoV3 == nil && weights.tensorDigest == nil ? nil : weights
    }

    /// Mirrors of a file; the caller closes them. Empty for a file of no release.
    func open(for wanted: WantedBlob) async -> [HTTPMirror] {
        guard let (file, release) = await find(wanted), case let body = release.body, !body.mirrors.isEmpty else {
            return []
        }
        let urls = MirrorURLs.of(
            sha256: wanted.sha256.hex, name: file.name, isOnlyFile: body.files.count == 1, in: body.mirrors)
        let known = (try? await peers.peers()) ?? []
        let typed = Set(known.compactMap { peer in peer.isTyped ? try? PeerURL(peer.url).authority : nil })
        var mirrors: [HTTPMirror] = []
        for url in urls.prefix(Self.atMost) where (try? PeerURL(url)).map({ !moderation.refuses($0) }) ?? true {
            do {
                mirrors.append(
                    try await HTTPMirror.open(
                        url, namedBy: release.author.author, typedAuthorities: typed, resolver: resolver, admit: admit))
            } catch {
                logger.info("a mirror is not used", metadata: ["url": "\(url)", "why": "\(error)"])
            }
        }
        return mirrors
    }

    /// The best release that signs the file as it is wanted. One that names its SHA-256 with another size or root is about
    /// other bytes, and says nothing of these.
    private func find(_ wanted: WantedBlob) async -> (file: WireFile, release: ReleaseView)? {
        let releases = try? await catalog.releases(
            byHash: HashClaim(sha256: wanted.sha256), moderation.filter(for: .owner))
        for release in releases ?? [] {
            let file = release.body.files.first { file in
                file.sha256 == wanted.sha256.data && file.size == wanted.size
                    && file.piecesRoot == wanted.piecesRoot.data
            }
            if let file { return (file, release) }
        }
        return nil
    }
}
