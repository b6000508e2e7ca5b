import BlobStore
import Catalog
import Digests
import Formats
import Moderation
import PostLog
import WaggleProtocol

/// Reads what people name for a takedown, and adds what is the same thing: the tensors of a file, and files with them.
struct TakedownSubjects {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// - Throws: `usage`, `notFound`.
    func all(_ text: String, distance: Int?) async throws(OperationError) -> [BlockSubject] {
        var exact: [ModerationSubject] = []
        do {
            if let release = try await release(text) {
                exact.append(.post(release.post))
                for file in release.files {
                    if let hash = Hash32(file.file.sha256) { exact.append(.blob(hash)) }
                    if let hash = Hash32(file.file.tensorDigest) { exact.append(.tensors(hash)) }
                }
            } else {
                for subject in try written(text, distance: distance) {
                    guard case .exact(let named) = subject else { return [subject] }
                    exact.append(named)
                }
            }
            // What took the place of a post meanwhile stands and falls with it.
            for case .post(let id) in exact {
                if let newer = try await context.log.newerVersion(of: id) { exact.append(.post(newer.id)) }
            }
            // A new header is no new file. Its releases say what its tensors are before this node has read it.
            for case .blob(let hash) in exact {
                if let tensors = try await context.blobs.extraHashes(of: hash)?.tensorDigest {
                    exact.append(.tensors(tensors))
                    continue
                }
                let releases = try await context.catalog.releases(
                    bySHA256: [hash], context.moderation.filter(for: .owner))
                for file in releases.flatMap(\.files) where Hash32(file.file.sha256) == hash {
                    if let tensors = Hash32(file.file.tensorDigest) { exact.append(.tensors(tensors)) }
                }
            }
            for case .tensors(let hash) in exact {
                exact += try await context.blobs.blobs(withTensorDigest: hash, blocked: true).map { .blob($0) }
            }
        } catch let error as OperationError {
            throw error
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        var seen: Set<ModerationSubject> = []
        return exact.filter { seen.insert($0).inserted }.map { .exact($0) }
    }

    /// A release by its name or its id; nil for any other hash: that of a file means the file, not the releases that have it.
    private func release(_ text: String) async throws -> ReleaseView? {
        if let id = Hash32(hex: text) {
            return try await context.catalog.release(post: id, context.moderation.filter(for: .owner))
        }
        guard (try? written(text, distance: nil)) == nil else { return nil }
        return try await ReferenceResolver(context).release(text)
    }

    /// A hash with or without a word before it.
    func written(_ text: String, distance: Int?) throws(OperationError) -> [BlockSubject] {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let (kind, digits) = parts.count == 2 ? (parts[0].lowercased(), parts[1]) : ("file", text)
        guard let hash = Hash32(hex: digits) else {
            throw OperationError(.usage, "\"\(text)\": name a SHA-256, tensors:HASH, post:HASH, pdq:HASH, or a release")
        }
        switch kind {
        case "file", "sha256": return [.exact(.blob(hash))]
        case "tensors": return [.exact(.tensors(hash))]
        case "post": return [.exact(.post(hash))]
        case "pdq", "picture":
            let limit = distance ?? Limits.Moderation.pictureDistance
            guard (0...Limits.Moderation.pictureDistance).contains(limit), let pdq = PDQHash(hex: digits) else {
                throw OperationError(.usage, "a distance is 0 to \(Limits.Moderation.pictureDistance) bits")
            }
            return [.picture(pdq, distance: limit)]
        default: throw OperationError(.usage, "\"\(kind)\" is nothing that can be taken down")
        }
    }
}
