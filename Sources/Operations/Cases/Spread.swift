import BlobStore
import Catalog
import Digests
import Federation
import Formats
import Moderation
import PostLog
import WaggleProtocol

/// How far something reaches here, in sets for which one decides.
struct Spread {
    let context: OperationContext
    private static let imagesShown = 200
    /// Sets of what looks alike: it may be hidden, and is never deleted.
    static let lookalikes: Set<String> = ["pictures", "look"]

    init(_ context: OperationContext) {
        self.context = context
    }

    /// - Parameter subjects: what was named.
    func sets(of subjects: [ListSubject]) async throws(OperationError) -> [SpreadSet] {
        let named = try await CaseDesk(context).everything(subjects)
        var sets = [SpreadSet(name: "named", title: "What was named, with its files", subjects: named.map(\.text))]
        do {
            var seen = Set(named)
            func add(_ name: String, _ title: String, _ found: [ListSubject]) {
                let new = found.filter { seen.insert($0).inserted }
                if !new.isEmpty { sets.append(SpreadSet(name: name, title: title, subjects: new.map(\.text))) }
            }
            add("posts", "Other posts that show the same files", try await posts(showing: named))
            let releases = try await releases(of: named)
            var images: [ListSubject] = []
            var descendants: [ListSubject] = []
            for release in releases {
                images += try await madeWith(release)
                descendants += try await made(from: release)
            }
            add("made-with", "Images made with it", images)
            add("descendants", "Made from it", descendants)
            let looks = try await looks(of: named)
            let near = try await context.moderation.pictures(near: looks)
            add("pictures", "Pictures here that look like it", near.map { .exact(.blob($0.sha256)) })
            let limit = Limits.Moderation.pictureDistance
            add("look", "Whatever looks like it, from now on", looks.map { .picture($0, distance: limit) })
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return sets
    }

    /// Base URLs of nodes that say they have the files.
    func holders(of subjects: [ListSubject]) async -> [String] {
        var urls: Set<String> = []
        for case .exact(.blob(let hash)) in subjects.prefix(8) {
            urls.formUnion(await context.federation.holders.urls(of: hash))
        }
        return urls.sorted()
    }

    /// How the pictures among these look, where enough can be told from them.
    private func looks(of subjects: [ListSubject]) async throws -> [PDQHash] {
        var looks: [PDQHash] = []
        for subject in subjects {
            switch subject {
            case .exact(.blob(let hash)):
                guard let picture = try await context.moderation.scan(of: hash)?.picture,
                    picture.quality >= Limits.Moderation.pictureQuality
                else { continue }
                looks.append(picture.hash)
            case .picture(let hash, _): looks.append(hash)
            default: continue
            }
        }
        return looks
    }

    private func posts(showing subjects: [ListSubject]) async throws -> [ListSubject] {
        var posts: [ListSubject] = []
        for case .exact(.blob(let hash)) in subjects {
            posts += try await context.catalog.blobReference(hash)?.posts.map { .exact(.post($0)) } ?? []
        }
        return posts
    }

    private func releases(of subjects: [ListSubject]) async throws -> [ReleaseView] {
        let filter = context.moderation.filter(for: .owner)
        var found: [Int32: ReleaseView] = [:]
        for subject in subjects {
            switch subject {
            case .exact(.post(let id)):
                if let release = try await context.catalog.release(post: id, filter) { found[release.id] = release }
            case .exact(.blob(let hash)):
                for release in try await context.catalog.releases(bySHA256: [hash], filter) {
                    found[release.id] = release
                }
            default: break
            }
        }
        return found.values.sorted { $0.id < $1.id }
    }

    private func madeWith(_ release: ReleaseView) async throws -> [ListSubject] {
        var query = ImageQuery()
        query.releaseID = release.id
        query.limit = Self.imagesShown
        let page = try await context.catalog.images(query, context.moderation.filter(for: .owner))
        return page.items.flatMap { image -> [ListSubject] in
            [.exact(.post(image.post))] + (Hash32(image.image.blob).map { [.exact(.blob($0))] } ?? [])
        }
    }

    private func made(from release: ReleaseView) async throws -> [ListSubject] {
        let lineage = try await context.catalog.lineage(
            ofRelease: release.id, context.moderation.filter(for: .owner))
        return lineage.descendants.map { .exact(.post($0.post)) }
    }
}
