import Accounts
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Finds what somebody names, and tells of its level what they may know.
struct LevelFinder {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// A thing with a level.
    struct Found {
        let thing: LevelSubject
        /// As labels name it.
        let subject: ModerationSubject
        let declared: Level
        let shown: Level
        let makers: Set<Hash32>
        /// Of a thing with versions, the one that whoever named it has seen: the newest, unless they named an older one by its
        /// post.
        var seen: Hash32?

        func level(under rules: LevelRules) -> Level {
            switch subject {
            case .blob(let hash): rules.level(declared, of: nil, picture: hash)
            case .post(let id): rules.level(declared, of: thing, version: id)
            case .tensors: declared
            }
        }
    }

    /// - Throws: `notFound` for what is not here or may not be seen by whoever asks, `usage` for what has no level.
    func find(_ text: String) async throws(OperationError) -> Found {
        let subject: ListSubject
        do {
            // With the operator's eyes, because its maker may look at what was rated out of their sight; the gate comes below.
            subject = try await CaseDesk(context).read(text, as: .owner)
        } catch {
            guard error.code == .notFound else { throw error }
            throw Self.unknown
        }
        guard let found = try await found(subject) else { throw Self.unknown }
        guard try await isVisible(found) else { throw Self.unknown }
        return found
    }

    private static let unknown = OperationError(
        .notFound, "nothing that is shown here is named so; name a picture, a model or a post with a level")

    func found(_ subject: ListSubject) async throws(OperationError) -> Found? {
        guard case .exact(let exact) = subject else { return nil }
        do {
            switch exact {
            case .tensors: return nil
            case .blob(let hash): return try await picture(hash)
            case .post(let id):
                var post = try await context.log.posts(ids: [id])[id]
                if post == nil { post = try await context.log.newerVersion(of: id) }
                // A release has the level of its model.
                if let release = post, case .release(let body) = release.post.body {
                    post = try await context.log.post(author: release.author, kind: .model, slot: body.modelSlug)
                    return post.flatMap { self.post($0) }
                }
                return post.flatMap { self.post($0, seen: id) }
            }
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    func found(_ thing: LevelSubject) async throws(OperationError) -> Found? {
        switch thing {
        case .picture(let hash): return try await found(.exact(.blob(hash)))
        case .post(let id): return try await found(.exact(.post(id)))
        case .work(let author, let kind, let slug):
            do {
                return try await context.log.post(author: author, kind: kind, slot: slug).flatMap { self.post($0) }
            } catch {
                throw OperationError(error)
            }
        }
    }

    private func post(_ post: LoggedPost, seen: Hash32? = nil) -> Found? {
        guard
            let thing = LevelSubject(post: post.id, author: post.author, kind: post.kind, slot: post.slot),
            let declared = PostLevel.highest(of: post.post),
            let shown = PostLevel.highest(
                of: post.post, id: post.id, author: post.author, context.moderation.levelRules)
        else { return nil }
        return Found(
            thing: thing, subject: .post(post.id), declared: declared, shown: shown, makers: [post.author],
            seen: post.kind.isReplaceable ? seen ?? post.id : nil)
    }

    private func picture(_ hash: Hash32) async throws -> Found? {
        guard let reference = try await context.catalog.blobReference(hash), reference.isImage else { return nil }
        let posts = try await context.log.posts(ids: reference.posts)
        let declared = posts.values.flatMap { $0.post.imagePost.images + $0.post.review.images }
            .filter { Hash32($0.blob) == hash }.map { Level(declared: $0.level) }.max()
        return Found(
            thing: .picture(hash), subject: .blob(hash), declared: declared ?? reference.level,
            shown: reference.level, makers: Set(reference.authors))
    }

    private func isVisible(_ found: Found) async throws(OperationError) -> Bool {
        let viewer = context.viewer
        if viewer.kind == .owner || context.mayModerate { return true }
        let isOwn = context.caller.map { found.makers.contains($0.author) } ?? false
        var isReferenced = true
        if case .blob(let hash) = found.subject {
            do {
                isReferenced = try await context.catalog.blobReference(hash)?.isReferencedByVisiblePost ?? false
            } catch {
                throw OperationError(error)
            }
        }
        let facts = SubjectFacts(
            level: found.shown, isHidden: context.catalog.hiddenSubjects.contains(found.subject),
            isReferencedByVisiblePost: isReferenced, isOwnedByViewer: isOwn)
        switch context.moderation.visible(viewer, facts) {
        case .show, .blur: return true
        case .hide, .gone: return false
        }
    }

    // MARK: Telling

    /// - Parameter people: who counts, where that is known already.
    func report(
        _ found: Found, review: LevelReview? = nil, people: Set<Hash32>? = nil
    ) async throws(OperationError) -> LevelReport {
        do {
            let desk = LevelDesk(context)
            var voters = people ?? []
            if people == nil { voters = try await desk.people() }
            let votes = try await desk.votes(on: found.thing, by: voters)
            let own = try await own(found.thing)
            let lock = try await context.moderation.levelLock(of: found.thing)
            let (subject, isOwn) = (ListSubject.exact(found.subject), isOwn(found))
            let named = await CaseDesk(context).title(of: subject.text)
            return LevelReport(
                subject: subject.text, title: named.title, page: named.page, declared: found.declared.word,
                level: found.shown.word,
                votes: Dictionary(uniqueKeysWithValues: votes.counts.map { ($0.key.word, $0.value) }),
                needed: Limits.Levels.votes, own: own?.level.word,
                isFoundMilder: lock == nil && votes.findMilder(than: found.shown), isOwn: isOwn,
                lock: lock.map { lock in
                    LevelReport.Lock(
                        number: lock.number, reason: lock.reason, by: context.mayModerate ? lock.by : "",
                        at: lock.when, isOfOlderVersion: found.isNewer(than: lock))
                },
                review: review.map { LevelReport.Review(by: $0.by, text: $0.text, at: $0.when) })
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    private func isOwn(_ found: Found) -> Bool {
        if let caller = context.caller { return found.makers.contains(caller.author) }
        return context.guest == nil && !found.makers.isDisjoint(with: context.keyring.authors)
    }

    /// What whoever asks said of it.
    private func own(_ thing: LevelSubject) async throws -> LevelVote? {
        let author = context.caller?.author ?? (context.guest == nil ? context.keyring.accounts["me"]?.author : nil)
        guard let author else { return nil }
        return try await context.moderation.levelVotes(on: thing, by: [author]).first
    }
}

extension LevelFinder.Found {
    /// Whether what is here now is another version than the one that was locked.
    fileprivate func isNewer(than lock: LevelLock) -> Bool {
        guard case .work = thing, case .post(let id) = subject else { return false }
        return lock.version != id
    }
}

extension OperationContext {
    /// Whether whoever asks may decide about other people's work: the operator, and moderators.
    var mayModerate: Bool {
        if let caller { return caller.role.scopes.contains(.moderate) }
        return guest == nil && viewer.kind == .owner
    }
}
