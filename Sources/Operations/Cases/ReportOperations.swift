import Accounts
public import Digests
import Federation
import FoundationEssentials
import Identity
import Moderation
import SwiftProtobuf
public import WaggleProtocol

/// Reports something to the moderators of this node, and to those of another where whoever reports wants that.
public struct ReportSubject: Operation {
    public static let name = "mod report"
    /// What `show` takes, an address, a hash, or a subject.
    public var subject: String
    public var reason: String
    public var text: String
    public var contact: String
    /// The name or the address of a peer whose moderators are told too; nil: nobody else.
    public var peer: String?
    /// Who reports, where it comes from another node.
    var origin: String?

    public init(subject: String, reason: String, text: String = "", contact: String = "", peer: String? = nil) {
        self.subject = subject
        self.reason = reason
        self.text = text
        self.contact = contact
        self.peer = peer
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseReceipt {
        guard ReasonCode.isValid(reason) else {
            throw OperationError(.usage, "a reason is one of \(ReasonCode.all.joined(separator: ", "))")
        }
        let desk = CaseDesk(context)
        let subject = try await desk.read(subject, as: context.viewer)
        let sealed = try desk.seal(CaseDesk.Words(text: text, contact: contact))
        let opened: (item: ModerationCase, isNew: Bool)
        do {
            opened = try await context.moderation.open(
                .report, [subject],
                CaseReport(
                    reporter: origin ?? context.caller?.handle ?? (context.guest == nil ? "operator" : ""),
                    reason: reason, at: context.now(), sealed: sealed))
        } catch {
            throw OperationError(error)
        }
        if let peer { try await tell(peer, subject, context) }
        return CaseReceipt(
            number: opened.item.number, secret: "", deadline: CaseClock.deadline(opened.item), isNew: opened.isNew)
    }

    private func tell(_ name: String, _ subject: ListSubject, _ context: OperationContext) async throws(OperationError)
    {
        var report = WireReport()
        report.subject = subject.wire
        report.reason = reason
        report.text = text
        report.contact = contact
        do {
            let found = try await context.federation.probe(name)
            let chain = found.card.chain
            let now = context.now()
            let key = chain.devices.keys.sorted().first { key in
                chain.verdict(device: key, created: now, id: .zero, scope: .node, checkpoint: { _ in nil }) == .accepted
            }
            guard let key, let bytes = try? report.serializedBytes() as Data,
                let box = SealedBox.seal(Array(bytes), for: key)
            else { throw OperationError(.network, "\(name) has no key that a report could be sealed for") }
            var sealed = WireSealedReport()
            (sealed.key, sealed.box) = (key.data, Data(box))
            try await context.federation.client(for: found.url).report(sealed)
        } catch let error as OperationError {
            throw error
        } catch let error as PeerError {
            throw OperationError(error)
        } catch {
            throw OperationError(.network, "\(error)")
        }
    }
}

extension ReportSubject {
    /// A report that a peer brought, opened with this node's key.
    ///
    /// - Throws: `usage` for what is sealed for somebody else, or is no report.
    public static func received(
        _ sealed: WireSealedReport, from node: Hash32, in context: OperationContext
    ) async throws(OperationError) {
        let key = context.keyring.node.device
        guard sealed.key == key.publicKey.data, sealed.box.count <= Limits.Cases.sealedBytes,
            let bytes = key.openSealed(Array(sealed.box)),
            let report = try? WireReport(serializedBytes: Data(bytes)), let subject = ListSubject(report.subject)
        else { throw OperationError(.usage, "the report is sealed for another key, or is none") }
        var operation = ReportSubject(
            subject: subject.text, reason: report.reason, text: report.text, contact: report.contact)
        operation.origin = "node \(AuthorID.text(node))"
        _ = try await operation.run(in: context)
    }
}

/// A request of somebody whose likeness or rights something touches: without an account, with a deadline.
public struct RequestTakedown: Operation {
    public static let name = "mod request"
    /// Addresses, hashes or names, one or more.
    public var subjects: [String]
    public var reason: String
    /// "depicted", "agent", "rights-holder".
    public var right: String
    public var statement: String
    /// Typed by whoever asks: their signature.
    public var signature: String
    public var contact: String
    /// What shows that it is so, for the moderators alone.
    public var files: [AttachedFile]

    public init(
        subjects: [String], reason: String, right: String, statement: String, signature: String, contact: String,
        files: [AttachedFile] = []
    ) {
        self.subjects = subjects
        self.reason = reason
        self.right = right
        self.statement = statement
        self.signature = signature
        self.contact = contact
        self.files = files
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseReceipt {
        let named = subjects.map(\.withoutSpaceAround).filter { !$0.isEmpty }
        guard !named.isEmpty, named.count <= Limits.Cases.subjects else {
            throw OperationError(.usage, "say where it is: an address of this node, or the SHA-256 of a file")
        }
        guard ReasonCode.isValid(reason) else { throw OperationError(.usage, "say why") }
        guard !statement.isEmpty, !signature.isEmpty, !contact.isEmpty else {
            throw OperationError(
                .usage, "a request has a statement, a signature (your typed name), and how you can be reached")
        }
        if let odd = named.first(where: { !Self.isName($0) }) {
            throw OperationError(
                .usage, "\"\(odd.prefix(100))\" is no address, no hash and no name such as @maker/model")
        }
        let desk = CaseDesk(context)
        var found: [ListSubject] = []
        var unknown: [String] = []
        for text in named {
            // Whoever is shown somewhere need not be able to see it here, so everything is looked up, and the answer is the
            // same whether there is such a thing or not.
            do throws(OperationError) {
                let subject = try await desk.read(text, as: .owner)
                if !found.contains(subject) { found.append(subject) }
            } catch {
                guard [.notFound, .usage].contains(error.code) else { throw error }
                unknown.append(text)
            }
        }
        let secret = SecureRandom.bytes(20)
        let text = Base32.encode(secret)
        let attachments = Attachments(context)
        let attached = try attachments.keep(files)
        do {
            let sealed = try desk.seal(
                CaseDesk.Words(
                    text: statement, contact: contact, name: signature, right: right,
                    unknown: unknown.isEmpty ? nil : unknown, files: attached?.notes))
            let opened = try await context.moderation.open(
                .takedown, found, CaseReport(reporter: "", reason: reason, at: context.now(), sealed: sealed),
                secret: SHA256.hash(Array(text.utf8)))
            if let attached { try attachments.bring(attached, to: opened.item) }
            return CaseReceipt(
                number: opened.item.number, secret: text, deadline: CaseClock.deadline(opened.item), isNew: true)
        } catch {
            if let attached { attachments.drop(attached) }
            if let error = error as? OperationError { throw error }
            throw (error as? ModerationError).map { OperationError($0) } ?? OperationError(.failed, "\(error)")
        }
    }
}

extension RequestTakedown {
    /// Whether something could name anything, here or elsewhere.
    static func isName(_ text: String) -> Bool {
        if text.utf8.count > Limits.Wire.urlBytes { return false }
        return text.contains("://") || text.hasPrefix("/") || text.hasPrefix("@")
            || text.lowercased().hasPrefix("urn:air:") || ListSubject(text: text) != nil
            || text.utf8.count >= 8 && Hex.decode(text) != nil
    }
}

/// How a request stands, for whoever has its secret.
public struct ShowCaseStatus: Operation {
    public static let name = "mod status"
    public var secret: String

    public init(secret: String) {
        self.secret = secret
    }

    public func run(in context: OperationContext) async throws(OperationError) -> CaseStatus {
        let found: ModerationCase?
        do {
            found = try await context.moderation.moderationCase(secret: SHA256.hash(Array(secret.utf8)))
        } catch {
            throw OperationError(error)
        }
        guard let item = found else { throw OperationError(.notFound, "there is no such request here") }
        let decision = item.decision.flatMap { $0.undone == nil ? $0 : nil }
        return CaseStatus(
            number: item.number, state: item.state.rawValue, opened: item.opened, deadline: CaseClock.deadline(item),
            decision: decision?.action.rawValue, decidedAt: decision?.at, letter: decision?.letter ?? "",
            canAppeal: CaseClock(now: context.now()).canAppeal(item), appeal: item.appeal?.outcome)
    }
}
