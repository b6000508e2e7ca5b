import Accounts
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// What lists of others do here to something of one's own, or what this node says of it, and what became of an appeal.
public struct ListActionLine: Codable, Sendable {
    /// The post of the entry or the label, or the number of the lock ("L-7"), as an appeal names it.
    public let entry: String
    /// The list, as people name it; of a label who said it; empty of a lock.
    public let list: String
    public let subject: String
    public let title: String
    public let reason: String
    /// "hide", "block" or "purge", what it does here; "label"; of a lock the level.
    public let action: String
    public let caseNumber: String
    public let appeal: Appeal?

    public struct Appeal: Codable, Sendable {
        public let text: String
        /// Unix seconds.
        public let at: UInt64
        /// "upheld" or "rejected"; nil while nobody has answered.
        public let outcome: String?
        public let answer: String?
    }
}

/// `waggle list appeals`: what lists and this node say here of an account's own things, and its appeals.
public struct ListOwnActions: Operation {
    public static let name = "list appeals"
    public var account: String

    /// Posts of one's own that are looked at, the newest first.
    private static let posts = 2000

    public init(account: String) {
        self.account = account
    }

    public struct Reply: Codable, Sendable {
        public let actions: [ListActionLine]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        // Who keeps their own keys has none here, and reads all the same.
        let author: Hash32
        if let caller = context.caller {
            author = caller.author
        } else {
            author = try context.keyring.account(account).author
        }
        var lines: [ListActionLine] = []
        var seen: Set<Hash32> = []
        do {
            let effects = context.moderation.listEffects
            let own = try await Self.subjects(of: author, in: context)
            for subject in own {
                guard let effect = effects.effect(on: subject), effect.action >= .hide, effect.source.author != author,
                    seen.insert(effect.entry.post).inserted
                else { continue }
                let appeal = try await context.moderation.appeal(against: effect.entry.post, by: author)
                lines.append(
                    await Self.line(
                        effect.entry, context.name(of: effect.source), does: effect.action.word, appeal, context))
            }
            for subject in Set(own) {
                guard let line = try await Self.label(on: subject, by: author, in: context) else { continue }
                if let post = Hash32(hex: line.entry), seen.insert(post).inserted { lines.append(line) }
            }
            lines += try await Self.locks(on: Set(own), by: author, in: context)
            // What was taken back is told of with its answer.
            for appeal in try await context.moderation.appeals(by: author) where seen.insert(appeal.action).inserted {
                guard let first = try await context.moderation.appeal(against: appeal.action, by: author) else {
                    continue
                }
                let action = try await AppealDesk(context).action(appeal.action)
                var (list, caseNumber) = (AuthorID.text(appeal.keeper), "")
                if case .entries(let entries, let id)? = action?.said {
                    (list, caseNumber) = (context.name(of: id), entries.first?.shownCase ?? "")
                }
                lines.append(
                    ListActionLine(
                        entry: appeal.action.hex, list: list, subject: "", title: "", reason: action?.reason ?? "",
                        action: "note", caseNumber: caseNumber, appeal: ListActionLine.Appeal(first)))
            }
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        return Reply(actions: lines)
    }

    /// What the scanners of this node say of something.
    private static func label(
        on subject: ModerationSubject, by author: Hash32, in context: OperationContext
    ) async throws -> ListActionLine? {
        let named = ListSubject.exact(subject)
        guard let keeper = context.keyring.accounts["me"]?.author, keeper != author, let name = named.wire.slotName,
            let post = try await context.log.post(author: keeper, kind: .label, slot: "\(name) \(ScanDesk.label)"),
            case .label(let label) = post.post.body, AppealDesk.Action(label, post) != nil
        else { return nil }
        let appeal = try await context.moderation.appeal(against: post.id, by: author)
        return ListActionLine(
            entry: post.id.hex, list: AuthorID.text(keeper), subject: named.text,
            title: await CaseDesk(context).title(of: named.text).title, reason: "\(label.label): \(label.value)",
            action: CaseAction.label.rawValue, caseNumber: "", appeal: appeal.map(ListActionLine.Appeal.init))
    }

    /// The levels of an author's own things that moderators of this node locked.
    private static func locks(
        on own: Set<ModerationSubject>, by author: Hash32, in context: OperationContext
    ) async throws -> [ListActionLine] {
        var lines: [ListActionLine] = []
        for lock in try await context.moderation.levelLocks() {
            let isOwn =
                switch lock.subject {
                case .picture(let hash): own.contains(.blob(hash))
                case .post(let id): own.contains(.post(id))
                case .work(let maker, _, _): maker == author
                }
            guard isOwn, let found = try await LevelFinder(context).found(lock.subject), found.makers.contains(author)
            else { continue }
            let subject = ListSubject.exact(found.subject).text
            let appeal = try await context.moderation.cases(appealing: lock.number).first?.appeal
            lines.append(
                ListActionLine(
                    entry: lock.number, list: "", subject: subject,
                    title: await CaseDesk(context).title(of: subject).title, reason: lock.reason,
                    action: lock.level.word, caseNumber: lock.number, appeal: appeal.map(ListActionLine.Appeal.init)))
        }
        return lines
    }

    private static func line(
        _ entry: ListEntry, _ list: String, does action: String, _ appeal: PublicAppeal?, _ context: OperationContext
    ) async -> ListActionLine {
        ListActionLine(
            entry: entry.post.hex, list: list, subject: entry.subject.text,
            title: await CaseDesk(context).title(of: entry.subject.text).title, reason: entry.reason, action: action,
            caseNumber: entry.shownCase, appeal: appeal.map(ListActionLine.Appeal.init))
    }

    /// Everything that an author published: posts, files and their tensors, pictures.
    private static func subjects(
        of author: Hash32, in context: OperationContext
    ) async throws -> [ModerationSubject] {
        let index = try await context.log.index(ofAuthor: author, limit: posts)
        let ids = (0..<index.count).map { index[$0].id }
        let found = try await context.log.posts(ids: ids)
        return ids.compactMap { found[$0] }.flatMap { post -> [ModerationSubject] in
            let images = (post.post.imagePost.images + post.post.review.images).compactMap { Hash32($0.blob) }
            let files = post.post.release.files + [post.post.workflow.graph]
            return [.post(post.id)] + images.map { .blob($0) }
                + files.compactMap { Hash32($0.sha256) }.map { .blob($0) }
                + files.compactMap { Hash32($0.tensorDigest) }.map { .tensors($0) }
        }
    }
}

extension ListActionLine.Appeal {
    init(_ appeal: ModerationCase.Appeal) {
        self.init(text: appeal.text, at: appeal.at, outcome: appeal.outcome, answer: appeal.answer)
    }

    init(_ appeal: PublicAppeal) {
        self.init(
            text: appeal.text, at: appeal.created,
            outcome: appeal.answer.map { $0.isUpheld ? "upheld" : "rejected" }, answer: appeal.answer?.text)
    }
}

/// `waggle list appeal`: appeals, once, against what somebody's list or label says of something of one's own. It is signed and
/// public.
public struct AppealEntry: Operation {
    public static let name = "list appeal"
    public var account: String
    /// The post of the entry, of the purge or of the label.
    public var entry: String
    public var text: String

    public init(account: String, entry: String, text: String) {
        self.account = account
        self.entry = entry
        self.text = text
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        guard (1...Limits.Cases.textBytes).contains(text.utf8.count) else {
            throw OperationError(.usage, "an appeal says why, in at most \(Limits.Cases.textBytes >> 10) KiB")
        }
        let desk = AppealDesk(context)
        guard let id = Hash32(hex: entry), let action = try await desk.action(id) else {
            throw OperationError(
                .notFound, "no entry or label is named \"\(entry)\"; `waggle list appeals` shows them")
        }
        let posting = try Posting(context, as: account)
        let author = posting.signer.author
        guard action.keeper != author else {
            throw OperationError(.conflict, "you said it yourself: `waggle list withdraw` takes an entry back")
        }
        guard await desk.isMaker(author, of: action) else {
            throw OperationError(.auth, "only whoever made what it is about may appeal against it")
        }
        do {
            guard try await context.moderation.appeal(against: id, by: author) == nil else {
                throw OperationError(.conflict, "there is one appeal against an action, and you made it")
            }
        } catch let error as ModerationError {
            throw OperationError(error)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        var body = WireAppeal()
        (body.action, body.text) = (id.data, text)
        let post = try posting.sign { $0.appeal = body }
        try await posting.submit([post])
        try await LevelDesk(context).catchUp()
        return PostReply(post: post.id.hex, isNew: true)
    }
}
