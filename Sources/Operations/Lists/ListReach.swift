import BlobStore
import Catalog
import Digests
import Moderation
import PostLog
import WaggleProtocol

/// How many things here a subject is about: releases, pictures and other posts that show it.
struct ListReach {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// All items of the catalog.
    func catalog() async throws(OperationError) -> Int {
        do {
            let counts = try await context.catalog.counts(context.moderation.filter(for: .owner))
            return counts.models + counts.releases + counts.images
        } catch {
            throw OperationError(error)
        }
    }

    func all(_ subjects: Set<ListSubject>) async throws(OperationError) -> [ListSubject: Reach] {
        let locals = Set(context.keyring.authors)
        var reach: [ListSubject: Reach] = [:]
        do {
            let names = try await IndirectFiles(blobs: context.blobs, moderation: context.moderation).names()
            for subject in subjects {
                switch subject {
                case .exact(.blob(let hash)): reach[subject] = try await blob(hash, locals)
                case .exact(.tensors(let hash)):
                    var sum = Reach.none
                    for file in try await context.blobs.blobs(withTensorDigest: hash) {
                        sum += try await blob(file, locals)
                    }
                    reach[subject] = sum
                case .exact(.post(let id)):
                    guard let post = try await context.log.posts(ids: [id])[id] else { continue }
                    reach[subject] = Reach(items: 1, local: locals.contains(post.author) ? 1 : 0)
                // Nobody has compared all pictures that are here: one at least.
                case .picture, .saltedPicture: reach[subject] = Reach(items: 1, local: 0)
                case .autov2, .saltedFile:
                    var sum = Reach.none
                    for file in names(subject) { sum += try await blob(file, locals) }
                    reach[subject] = sum
                case .author, .key, .node, .domain, .phrase, .autov3: continue
                }
            }
        } catch let error as BlobError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return reach
    }

    private func blob(_ hash: Hash32, _ locals: Set<Hash32>) async throws -> Reach {
        guard let reference = try await context.catalog.blobReference(hash), reference.isReferencedByVisiblePost else {
            return .none
        }
        let isLocal = reference.authors.contains { locals.contains($0) }
        return Reach(items: reference.posts.count, local: isLocal ? 1 : 0)
    }
}

/// Files that are here under names that are not their own: the beginning of a hash, or a salted one.
struct IndirectFiles {
    let blobs: BlobStore
    let moderation: Moderation

    /// Finds the files that such a subject names.
    func names() async throws -> (ListSubject) -> [Hash32] {
        let salts = moderation.withPolicy { policy in Set(policy.wanted.map { policy.salt(of: $0) }) }
        var found: [ListSubject: [Hash32]] = [:]
        for facts in try await blobs.listed() {
            found[.autov2(facts.sha256.words.0 >> 24), default: []].append(facts.sha256)
            for salt in salts where !salt.isEmpty {
                found[.saltedFile(ListSubject.salted(facts.sha256, with: salt)), default: []].append(facts.sha256)
            }
        }
        return { found[$0] ?? [] }
    }

    /// The files here that lists hide by such a name, or by their tensors. Tells moderation which have which tensors.
    func hidden() async throws -> [ModerationSubject] {
        let effects = moderation.listEffects
        var files: [Hash32: Hash32] = [:]
        var hidden: [ModerationSubject] = []
        for case .exact(.tensors(let tensors)) in effects.all.keys {
            for file in try await blobs.blobs(withTensorDigest: tensors, blocked: true) {
                files[file] = tensors
                if (effects.effect(on: .tensors(tensors))?.action ?? .note) >= .hide { hidden.append(.blob(file)) }
            }
        }
        moderation.setListedFiles(files)
        guard effects.hasIndirectFiles else { return hidden }
        return try await hidden
            + blobs.listed(blocked: true).map { ModerationSubject.blob($0.sha256) }.filter {
                (effects.effect(on: $0)?.action ?? .note) >= .hide
            }
    }
}
