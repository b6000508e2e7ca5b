import Accounts
import Catalog
import Digests
import HTTPTypes
import Hummingbird
import Operations
import WaggleProtocol

/// `/account/notifications`: what happened that concerns somebody, newest first.
struct NewsPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        routes.get("/account/notifications", shows: .account, .page, door.page(.read, show))
        routes.post("/account/notifications", shows: .account, .page, door.form(.read, markRead))
    }

    private struct NewsItem {
        let newsWords: String
        let newsActor: String?
        let newsActorHref: String?
        let newsHref: String?
        let newsSubject: String?
        let newsTime: String
        let newsDay: String
        let isNew: Bool
    }

    @Sendable private func show(_ call: PageCall) async throws -> Response {
        let before = try call.address.integer("after", in: 1...Int.max).map { Int64($0) }
        let found = try await services.accounts.notifications(
            of: call.account, before: before, limit: Limits.Gateway.texts)
        var items: [NewsItem] = []
        for notification in found {
            if let item = try await item(notification, call) { items.append(item) }
        }
        var content: [String: Any] = [
            "heading": say("news"), "tabSets": MePages.rooms("/account/notifications"), "news": items,
            "hasNews": !items.isEmpty,
            "hasUnread": found.contains { !$0.isRead },
        ]
        if let newest = found.first, before == nil {
            content["readAction"] = PageAddress.adding(
                FormToken.parameter, FormToken.make(session: call.visitor.session),
                to: "/account/notifications?upTo=\(newest.id)")
        }
        let next = found.count == Limits.Gateway.texts ? found.last.map { "\($0.id)" } : nil
        content.merge(
            Pager("/account/notifications", cursor: before.map { "\($0)" }, next: next).content
        ) { _, new in new }
        return pages.page(
            "menews", PageFrame(pageTitle: say("news")), content, headers: [.cacheControl: "private, no-cache"])
    }

    @Sendable private func markRead(_ call: PageCall, _ typed: Query) async throws -> FormOutcome {
        guard let id = call.address["upTo"].flatMap({ Int64($0) }) else {
            throw GatewayError.badRequest(code: "bad-parameter", "upTo is a number")
        }
        try await services.accounts.markRead(upTo: id, of: call.account)
        return .done(at: "/account/notifications")
    }

    /// Nil for what is about something that the reader may not see, or not any more.
    private func item(_ notification: Notification, _ call: PageCall) async throws -> NewsItem? {
        var subject: LinkView?
        if let post = notification.subject, notification.kind != .takenDown {
            subject = try await SubjectLinks(services: services, filter: call.filter).link(post)
            guard subject != nil else { return nil }
        }
        var actor: CreatorView?
        if let author = notification.actor {
            actor = try await services.catalog.creator(.author(author), call.filter)
        }
        if notification.kind == .registration {
            subject = LinkView(linkText: "@\(notification.detail)", linkHref: "/admin/registrations")
        }
        if notification.kind == .level, let space = notification.detail.firstIndex(of: " ") {
            let about = String(notification.detail[notification.detail.index(after: space)...])
            subject = LinkView(
                linkText: String(notification.detail[..<space]), linkHref: LevelPages.address(about))
        }
        if notification.kind == .decision || notification.kind == .caseDue {
            let folder = notification.kind == .caseDue ? "/moderation" : "/account/cases"
            subject = LinkView(linkText: notification.detail, linkHref: "\(folder)/\(notification.detail)")
        }
        let href = subject.map(\.linkHref).flatMap { $0.hasPrefix("/admin") && !pages.site.has($0) ? nil : $0 }
        return NewsItem(
            newsWords: Self.words(notification),
            // A tip that came from another node names an account, and nobody.
            newsActor: notification.actor != nil || notification.kind == .tip ? actor?.name ?? say("somebody") : nil,
            newsActorHref: actor.map { PageAddress.creator($0) }, newsHref: href, newsSubject: subject?.linkText,
            newsTime: Dates.timestamp(notification.created), newsDay: Dates.day(notification.created),
            isNew: !notification.isRead)
    }

    private static func words(_ notification: Notification) -> String {
        switch notification.kind {
        case .review: say("reviewed")
        case .comment: say("commented-on-what-is-yours")
        case .reply: say("answered-you")
        case .mention: say("named-you")
        case .reaction: say("reacted-with-to", "\(notification.detail)")
        case .follow: say("follows-you")
        case .release: say("published-a-version")
        case .images: say("published-images")
        case .article: say("wrote-an-article")
        case .workflow: say("published-a-workflow")
        case .collection: say("changed-a-collection")
        case .collected: say("put-into-a-collection")
        case .recipe: say("made-an-image-with-your-model")
        case .derived: say("made-something-from-your-model")
        case .bountyEntry: say("entered-your-bounty")
        case .bountyAward: say("awarded-your-entry")
        case .tip:
            notification.subject == nil
                ? say("tipped-you", notification.detail) : say("tipped-you-for", notification.detail)
        case .takenDown: say("what-you-published-was-taken-down")
        case .decision: say("what-you-published-was-looked-at")
        case .level: say("what-you-published-has-another-level")
        case .reportAccepted: say("what-you-reported-was-taken-down")
        case .caseDue: say("the-time-to-decide-a-case")
        case .keys: say("your-keys-changed-if-that-was")
        case .registration: say("somebody-asks-for-an-account")
        case .approved: say("your-account-was-opened-welcome")
        }
    }
}
