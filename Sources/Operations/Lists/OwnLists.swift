import Catalog
import Digests
import Formats
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// Signs what an account says on lists of its own.
struct OwnList {
    let context: OperationContext
    let posting: Posting
    let list: ListID

    init(_ context: OperationContext, _ name: String, account: String) async throws(OperationError) {
        self.context = context
        posting = try Posting(context, as: account)
        let list = try await ListNames(context).list(name, as: account)
        guard list.author == posting.signer.author else {
            throw OperationError(.auth, "\(name) is not a list of @\(account); `waggle list fork` makes one of it")
        }
        self.list = list
    }

    func head() async throws(OperationError) -> WireModerationList? {
        try await posting.standing(.list, list.slug)?.post.list
    }

    /// The entries that stand, withdrawn ones included.
    func entries() async throws(OperationError) -> [ListSubject: ListEntry] {
        var found: [ListSubject: ListEntry] = [:]
        for post in try await ListDesk(context).posts(of: list) {
            for case .entry(let entry) in Said.all(post).map(\.what) { found[entry.subject] = entry }
        }
        return found
    }

    /// Says lines, and withdraws what is named; lines that are said already are left as they stand.
    func say(_ lines: [ListLine], withdrawing: Set<ListSubject> = []) async throws(OperationError) -> ListChangeReply {
        guard var head = try await head() else {
            throw OperationError(.notFound, "there is no list \(list.slug) of yours; `waggle list new` makes one")
        }
        for line in lines {
            if case .author = line.subject {
                throw OperationError(.usage, "lists name no people; name what is to go, or a key")
            }
        }
        let known = try await entries()
        var bodies: [(body: WireListEntry, after: UInt64?)] = []
        var unchanged = 0
        for line in lines {
            let body = line.wire(list.slug)
            let before = known[line.subject]
            if let before, !before.isWithdrawn, ListLine(before) == line {
                unchanged += 1
                continue
            }
            bodies.append((body, before?.created))
        }
        for subject in withdrawing.sorted() {
            guard let before = known[subject], !before.isWithdrawn, !before.isPurge else {
                throw OperationError(
                    .notFound, "\(subject.text) is not on \(list.slug), or was purged there, which nothing takes back")
            }
            var body = ListLine(before).wire(list.slug)
            body.withdrawn = true
            bodies.append((body, before.created))
        }
        for start in stride(from: 0, to: bodies.count, by: Limits.Policy.entriesAtOnce) {
            var posts: [SignedPost] = []
            for (body, after) in bodies[start..<min(start + Limits.Policy.entriesAtOnce, bodies.count)] {
                posts.append(
                    try posting.sign(after: after) { post in
                        post.slot = "\(list.slug) \(body.subject.slotName ?? "")"
                        post.listEntry = body
                    })
            }
            try await posting.submit(posts)
            context.progress(
                Progress(
                    activity: "signing entries", done: UInt64(start + posts.count), total: UInt64(bodies.count)))
        }
        return try await finish(&head, signed: bodies.count, unchanged: unchanged)
    }

    private func finish(
        _ head: inout WireModerationList, signed: Int, unchanged: Int
    ) async throws(OperationError) -> ListChangeReply {
        if signed > 0 {
            head.version += 1
            head.count = UInt32(clamping: try await entries().values.count { !$0.isWithdrawn })
            _ = try await posting.replace(.list, slot: list.slug, with: .list(head))
        }
        try await ListDesk(context).load()
        return ListChangeReply(list: context.name(of: list), signed: signed, unchanged: unchanged)
    }

    /// Says in posts that nothing takes back (kind 47) that files, tensors and posts are to go for good.
    func purge(
        _ subjects: [ListSubject], reason: String, caseNumber: String
    ) async throws(OperationError) -> ListChangeReply {
        guard var head = try await head() else {
            throw OperationError(.notFound, "there is no list \(list.slug) of yours; `waggle list new` makes one")
        }
        let known = try await entries()
        let new = subjects.filter { known[$0]?.isPurge != true }
        for start in stride(from: 0, to: new.count, by: Limits.Lists.purgeSubjects) {
            var body = WirePurge()
            body.list = list.slug
            body.subjects = new[start..<min(start + Limits.Lists.purgeSubjects, new.count)].map(\.wire)
            body.reason = reason
            body.caseNumber = caseNumber
            try await posting.submit([try posting.sign { $0.purge = body }])
        }
        return try await finish(&head, signed: new.count, unchanged: subjects.count - new.count)
    }
}

extension ListLine {
    func wire(_ slug: String) -> WireListEntry {
        var body = WireListEntry()
        body.list = slug
        body.subject = subject.wire
        body.label = label
        body.severity = severity.rawValue
        body.reason = reason
        body.basis = basis.wire
        body.until = until
        body.caseNumber = caseNumber
        return body
    }
}

/// `waggle list new`: a list of one's own that others can subscribe to.
public struct NewList: Operation {
    public static let name = "list new"
    public var account: String
    public var list: String
    public var title: String
    public var purpose: String
    public var policyURL: String
    public var appealURL: String
    /// Gives it a salt, so that it can name what nobody should find through it.
    public var isSalted: Bool

    public init(
        account: String, list: String, title: String, purpose: String = "", policyURL: String = "",
        appealURL: String = "", isSalted: Bool = false
    ) {
        self.account = account
        self.list = list
        self.title = title
        self.purpose = purpose
        self.policyURL = policyURL
        self.appealURL = appealURL
        self.isSalted = isSalted
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListChangeReply {
        let own = try await OwnList(context, list, account: account)
        var head = try await own.head() ?? WireModerationList()
        head.name = title.isEmpty ? (head.name.isEmpty ? own.list.slug : head.name) : title
        if !purpose.isEmpty { head.purpose = purpose }
        if !policyURL.isEmpty { head.policyURL = policyURL }
        if !appealURL.isEmpty { head.appealURL = appealURL }
        // A salt is for ever: with another one all names would be others.
        if isSalted, head.salt.isEmpty { head.salt = Data(SecureRandom.bytes(16)) }
        let reply = try await own.posting.replace(.list, slot: own.list.slug, with: .list(head))
        return ListChangeReply(
            list: context.name(of: own.list), signed: reply.isNew ? 1 : 0, unchanged: reply.isNew ? 0 : 1)
    }
}

/// `waggle list add`: says something of subjects on a list of one's own.
public struct AddToList: Operation {
    public static let name = "list add"
    public var account: String
    public var list: String
    public var subjects: [String]
    public var severity: String
    public var reason: String
    public var label: String
    /// Unix seconds; 0 = for good.
    public var until: UInt64
    /// Names files and pictures by salted hashes.
    public var isSalted: Bool

    public init(
        account: String, list: String, subjects: [String], severity: String, reason: String, label: String = "",
        until: UInt64 = 0, isSalted: Bool = false
    ) {
        self.account = account
        self.list = list
        self.subjects = subjects
        self.severity = severity
        self.reason = reason
        self.label = label
        self.until = until
        self.isSalted = isSalted
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListChangeReply {
        let own = try await OwnList(context, list, account: account)
        guard let severity = Severity(word: severity) else {
            throw OperationError(.usage, "a severity is one of \(Severity.words.joined(separator: ", "))")
        }
        guard ReasonCode.isValid(reason) else {
            throw OperationError(.usage, "a reason is a code such as \(ReasonCode.all.joined(separator: ", "))")
        }
        let salt = Array(try await own.head()?.salt ?? Data())
        var lines: [ListLine] = []
        for text in subjects {
            for subject in try await ListSubjects(context).read(text) {
                lines.append(
                    ListLine(
                        subject: try isSalted ? salted(subject, salt) : subject, label: label, severity: severity,
                        reason: reason, basis: .human, until: until))
            }
        }
        let reply = try await own.say(lines)
        return reply
    }

    private func salted(_ subject: ListSubject, _ salt: [UInt8]) throws(OperationError) -> ListSubject {
        guard !salt.isEmpty else {
            throw OperationError(.usage, "\(list) has no salt; `waggle list new \(list) --salted` gives it one")
        }
        switch subject {
        case .exact(.blob(let hash)): return .saltedFile(ListSubject.salted(hash, with: salt))
        case .picture(let hash, _): return .saltedPicture(ListSubject.salted(hash.words, with: salt))
        default: throw OperationError(.usage, "only files and pictures have salted names, not \(subject.text)")
        }
    }
}

/// Reads what people put on lists: what `mod block` takes, and what only lists name.
struct ListSubjects {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// A subject as it is written, else a release with its files and tensors.
    func read(_ text: String) async throws(OperationError) -> [ListSubject] {
        if let subject = ListSubject(text: text) {
            guard case .exact = subject else { return [subject] }
            return try await TakedownSubjects(context).all(text, distance: nil).map(\.named)
        }
        return try await TakedownSubjects(context).all(text, distance: nil).map(\.named)
    }
}

/// `waggle list withdraw`: takes back what a list of one's own says.
public struct WithdrawFromList: Operation {
    public static let name = "list withdraw"
    public var account: String
    public var list: String
    public var subjects: [String]

    public init(account: String, list: String, subjects: [String]) {
        self.account = account
        self.list = list
        self.subjects = subjects
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListChangeReply {
        let own = try await OwnList(context, list, account: account)
        let known = try await own.entries().filter { !$0.value.isWithdrawn && !$0.value.isPurge }
        var named: Set<ListSubject> = []
        for text in subjects {
            // A picture is the same one whatever distance was said.
            if let subject = ListSubject(text: text) {
                let found = known.keys.filter { $0.wire.slotName == subject.wire.slotName }
                if !found.isEmpty {
                    named.formUnion(found)
                    continue
                }
            }
            // A release stands for all of it that the list names; a case for all of its entries.
            let byCase = known.values.filter { $0.shownCase == text }.map(\.subject)
            var all = byCase
            if all.isEmpty { all = try await ListSubjects(context).read(text).filter { known[$0] != nil } }
            guard !all.isEmpty else { throw OperationError(.notFound, "\(text) is not on \(list)") }
            named.formUnion(all)
        }
        let reply = try await own.say([], withdrawing: named)
        return reply
    }
}

/// `waggle list import`: lines of a file become entries of a list of one's own.
public struct ImportList: Operation {
    public static let name = "list import"
    public var account: String
    public var list: String
    /// Absolute path; empty when the text is handed over.
    public var path: String
    /// The lines themselves.
    public var text: String?

    public init(account: String, list: String, path: String) {
        self.account = account
        self.list = list
        self.path = path
    }

    public init(account: String, list: String, text: String) {
        self.account = account
        self.list = list
        path = ""
        self.text = text
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListChangeReply {
        let own = try await OwnList(context, list, account: account)
        let lines: [ListLine]
        do {
            if let text {
                guard text.utf8.count <= Limits.Policy.importBytes else {
                    throw OperationError(.limits, "the text has more than \(Limits.Policy.importBytes >> 20) MiB")
                }
                return try await say(try ListFile.read(text), own)
            }
            let (descriptor, size) = try RegularFile.open(FilePath(path))
            let file = FileBytes(descriptor, size: size)
            guard size <= UInt64(Limits.Policy.importBytes) else {
                throw OperationError(.limits, "\(path) has more than \(Limits.Policy.importBytes >> 20) MiB")
            }
            guard let text = String(validating: try file.read(at: 0, count: Int(size)), as: UTF8.self) else {
                throw OperationError(.usage, "\(path) is no UTF-8 text")
            }
            lines = try ListFile.read(text)
        } catch let error as ListFileError {
            throw OperationError(.usage, path.isEmpty ? error.message : "\(path), \(error.message)")
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.failed, "\(path) cannot be read: \(error)")
        }
        return try await say(lines, own)
    }

    private func say(_ lines: [ListLine], _ own: OwnList) async throws(OperationError) -> ListChangeReply {
        // The last line about a subject counts.
        var last: [ListSubject: ListLine] = [:]
        for line in lines {
            if case .author = line.subject { continue }
            last[line.subject] = line
        }
        return try await own.say(last.values.sorted { $0.subject < $1.subject })
    }
}

/// `waggle list export`: the entries of a list as a file.
public struct ExportList: Operation {
    public static let name = "list export"
    public var list: String
    /// Domains alone, as Mastodon imports them.
    public var isMastodon: Bool

    public init(list: String, isMastodon: Bool = false) {
        self.list = list
        self.isMastodon = isMastodon
    }

    public struct Reply: Codable, Sendable {
        public let text: String
        public let entries: Int
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let id = try await ListNames(context).list(list)
        var found: [ListSubject: ListEntry] = [:]
        for post in try await ListDesk(context).posts(of: id) {
            for case .entry(let entry) in Said.all(post).map(\.what) { found[entry.subject] = entry }
        }
        let now = context.now()
        let lines = found.values.filter { $0.stands(at: now) }.map(ListLine.init).sorted { $0.subject < $1.subject }
        let text = isMastodon ? ListFile.mastodon(lines) : ListFile.csv(lines)
        return Reply(text: text, entries: lines.count)
    }
}

/// `waggle list fork`: a list of one's own with everything that another says, taken over and not decided.
public struct ForkList: Operation {
    public static let name = "list fork"
    public var account: String
    public var list: String
    public var slug: String

    public init(account: String, list: String, slug: String) {
        self.account = account
        self.list = list
        self.slug = slug
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ListChangeReply {
        let source = try await ListNames(context).list(list)
        let own = try await OwnList(context, slug, account: account)
        guard try await own.head() == nil else {
            throw OperationError(.conflict, "you have a list \(slug) already; choose another name")
        }
        var head = WireModerationList()
        var found: [ListSubject: ListEntry] = [:]
        for post in try await ListDesk(context).posts(of: source) {
            if case .list(let body) = post.post.body {
                (head.name, head.purpose, head.salt) = (body.name, body.purpose, body.salt)
            }
            for case .entry(let entry) in Said.all(post).map(\.what) { found[entry.subject] = entry }
        }
        guard !found.isEmpty || !head.name.isEmpty else {
            throw OperationError(.notFound, "nothing of a list \(list) is here")
        }
        (head.forkAuthor, head.forkSlug) = (source.author.data, source.slug)
        _ = try await own.posting.replace(.list, slot: own.list.slug, with: .list(head))
        let now = context.now()
        let lines = found.values.filter { $0.stands(at: now) }.map { entry in
            var line = ListLine(entry)
            // Nobody here has looked at it.
            line.basis = .imported
            return line
        }
        return try await own.say(lines.sorted { $0.subject < $1.subject })
    }
}
