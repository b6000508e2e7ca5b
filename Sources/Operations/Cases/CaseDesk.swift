import Accounts
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// What operations on cases have in common: words under seal, subjects, and the rights of whoever asks.
struct CaseDesk {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// What whoever reported wrote. It is sealed on the disk: a copy of the database alone tells nothing.
    struct Words: Codable {
        var text = ""
        var contact = ""
        /// Of a request: who signs it, and in what right.
        var name = ""
        var right = ""
        /// What was named and is not known here, as it was written.
        var unknown: [String]?
        /// Files that came with it, in the order of their numbers.
        var files: [AttachedNote]?
    }

    func seal(_ words: Words) throws(OperationError) -> [UInt8] {
        guard words.text.utf8.count <= Limits.Cases.textBytes, words.contact.utf8.count <= Limits.Cases.contactBytes,
            words.name.utf8.count <= Limits.Cases.contactBytes, words.right.utf8.count <= Limits.Cases.contactBytes
        else { throw OperationError(.limits, "a text has at most \(Limits.Cases.textBytes >> 10) KiB") }
        guard let json = try? JSONEncoder().encode(words) else {
            throw OperationError(.failed, "the text cannot be kept")
        }
        return context.keyring.node.device.custodyKey.seal(Array(json))
    }

    func open(_ sealed: [UInt8]) -> Words {
        context.keyring.node.device.custodyKey.open(sealed).flatMap {
            try? JSONDecoder().decode(Words.self, from: Data($0))
        } ?? Words(text: "(this cannot be opened: the node's key is another one)")
    }

    /// - Throws: `notFound`.
    func find(_ number: String) async throws(OperationError) -> ModerationCase {
        guard let id = ModerationCase.id(number) else {
            throw OperationError(.usage, "\"\(number)\" is no case; `waggle mod queue` shows the open ones")
        }
        do {
            if let item = try await context.moderation.moderationCase(id), item.number == number.uppercased() {
                return item
            }
        } catch {
            throw OperationError(error)
        }
        throw OperationError(.notFound, "there is no case \(number) here")
    }

    func change(
        _ item: ModerationCase, _ body: @escaping @Sendable (inout ModerationCase) throws -> Void
    ) async throws(OperationError) -> ModerationCase {
        do {
            return try await context.moderation.change(item.id, body) ?? item
        } catch {
            throw OperationError(error)
        }
    }

    // MARK: Subjects

    /// Everything that stands and falls with what was named: the files and tensors of a release, the pictures of a post, the
    /// releases of a model.
    func everything(_ subjects: [ListSubject]) async throws(OperationError) -> [ListSubject] {
        var all: [ListSubject] = []
        for subject in subjects {
            guard case .exact(.post(let id)) = subject else {
                if case .exact = subject {
                    all += try await TakedownSubjects(context).all(subject.text, distance: nil).map(\.named)
                } else {
                    all.append(subject)
                }
                continue
            }
            all.append(subject)
            do {
                var found = try await context.log.posts(ids: [id])[id]
                if found == nil, let newer = try await context.log.newerVersion(of: id) {
                    // What took its place meanwhile.
                    all.append(.exact(.post(newer.id)))
                    found = newer
                }
                guard let post = found else { continue }
                switch post.post.body {
                case .release: all += try await TakedownSubjects(context).all(id.hex, distance: nil).map(\.named)
                case .imagePost(let body):
                    all += body.images.compactMap { Hash32($0.blob) }.map { .exact(.blob($0)) }
                case .review(let body):
                    all += body.images.compactMap { Hash32($0.blob) }.map { .exact(.blob($0)) }
                case .workflow(let body): if let hash = Hash32(body.graph.sha256) { all.append(.exact(.blob(hash))) }
                case .model:
                    let model = try await context.catalog.model(
                        author: post.author, slug: post.slot, context.moderation.filter(for: .owner))
                    for release in model?.releases ?? [] {
                        all += try await TakedownSubjects(context).all(release.post.hex, distance: nil).map(\.named)
                    }
                default: break
                }
            } catch let error as OperationError {
                throw error
            } catch {
                throw OperationError(.failed, "\(error)")
            }
        }
        var seen: Set<ListSubject> = []
        return all.filter { seen.insert($0).inserted }
    }

    /// What a decided case is about: what was named, with everything that stands and falls with it, and what it took down.
    func reach(of item: ModerationCase) async -> Set<ListSubject> {
        let named = item.subjects.compactMap { ListSubject(text: $0) }
        var all = Set(named).union((try? await everything(named)) ?? [])
        for row in context.moderation.blocks where row.caseNumber == item.number { all.insert(row.subject.named) }
        for row in context.moderation.purges where row.caseNumber == item.number { all.insert(.exact(row.subject)) }
        return all
    }

    /// Reads what a person names: an address of this node, a hash, `@maker/name`, a subject.
    ///
    /// - Parameter viewer: with whose eyes names are looked up: a visitor is told of nothing that they do not see.
    func read(_ text: String, as viewer: Viewer) async throws(OperationError) -> ListSubject {
        var text = text.withoutSpaceAround
        if text.hasPrefix("/") { text = (context.urls.first ?? "") + text }
        if let subject = ListSubject(text: text), text.contains(":") || Hash32(hex: text) == nil { return subject }
        if let hash = Hash32(hex: text) {
            do {
                if try await !context.log.posts(ids: [hash]).isEmpty { return .exact(.post(hash)) }
            } catch {
                throw OperationError(error)
            }
            return .exact(.blob(hash))
        }
        // The last part of an address that is a hash is the hash.
        if let last = text.split(whereSeparator: { "/?#.".contains($0) }).last(where: { Hash32(hex: $0) != nil }),
            let hash = Hash32(hex: last), text.contains("/blobs/")
        {
            return .exact(.blob(hash))
        }
        return .exact(.post(try await SubjectResolver(context, as: viewer).subject(text)))
    }

    /// Whoever made a subject: of a file, whoever was the first here to show it. Nil for what nobody here knows.
    func maker(of subject: ListSubject) async -> Hash32? {
        switch subject {
        case .exact(.post(let id)):
            if let post = try? await context.log.posts(ids: [id])[id] { return post.author }
            return try? await context.log.newerVersion(of: id)?.author
        case .exact(.blob(let hash)):
            guard let reference = try? await context.catalog.blobReference(hash) else { return nil }
            return await showing(reference).first?.author
        default: return nil
        }
    }

    /// The posts that show a blob, and older versions of them that did, in the order in which they came here: when they were
    /// made is what their authors say.
    ///
    /// - Parameter post: what came after this is left out.
    func showing(_ reference: BlobReference, before post: Hash32? = nil) async -> [LoggedPost] {
        let posts = Set(reference.posts)
        return ((try? await context.log.posts(reference.posts, before: post)) ?? []).filter {
            posts.contains($0.id) || $0.post.shownBlobs.contains(reference.sha256)
        }
    }

    /// What something is called, and where it is shown here.
    func title(of subject: String) async -> CaseTitles.Title {
        await CaseTitles(context).all([subject])[subject] ?? .init(title: subject)
    }

    func line(_ item: ModerationCase) async -> CaseLine {
        await lines([item])[0]
    }

    /// The lines of cases, in their order: what they are about is looked up for all of them together.
    func lines(_ items: [ModerationCase]) async -> [CaseLine] {
        let titles = await CaseTitles(context).all(
            // What nobody may look at is not looked up either.
            items.filter { !ReasonCode.sealed.contains($0.reason) }.compactMap(\.subjects.first))
        let now = context.now()
        return items.map { item in
            guard let first = item.subjects.first else {
                return CaseLine(item, subject: "nothing that is known here", page: "", now: now)
            }
            // What nobody may look at is not led to.
            if ReasonCode.sealed.contains(item.reason) {
                return CaseLine(item, subject: "(under lock)", page: "", now: now)
            }
            let found = titles[first] ?? .init(title: first)
            return CaseLine(item, subject: found.title, page: found.page, now: now)
        }
    }

    // MARK: The public log

    func log(_ action: String, _ item: ModerationCase, reason: String) async throws(OperationError) {
        do {
            try await context.moderation.log(
                DecisionLine(
                    at: context.now(), action: action, reason: reason.isEmpty ? "none" : reason, subject: item.number,
                    seconds: context.now() - min(context.now(), item.opened)))
        } catch {
            throw OperationError(error)
        }
    }
}

extension CaseDesk.Words {
    /// What was written, with what nobody here knows.
    var shown: String {
        guard let unknown, !unknown.isEmpty else { return text }
        return "\(text)\n\nNamed, and not known here:\n\(unknown.joined(separator: "\n"))"
    }
}

extension String {
    /// What people paste often has blanks around it.
    var withoutSpaceAround: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
