import Accounts
import Administration
import Catalog
import Federation
import Generation
import Hummingbird
import Moderation
import Operations
import PostLog
import WaggleProtocol

/// `/admin` and `/admin/doctor`: how the node is, on one screen; and every check that the doctor makes.
struct AdminHealth: Sendable {
    let desk: AdminDesk

    func register(in routes: inout RouteTable) {
        desk.get(.health, in: &routes) { try await health($0) }
        desk.get(.doctor, in: &routes) { try await doctor($0) }
    }

    @Sendable private func health(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let context = visit.context
        let report = try? await Diagnose(isThorough: false).perform(in: context)
        let usage = try await ShowStoreUsage().perform(in: context)
        let peers = try await ListPeers(all: true).perform(in: context)
        let accounts = try await context.accounts.all()
        let jobs = try await context.generation.newest(limit: 200)
        let now = context.now()
        let samples = try await context.administration.diskSamples()
        let backup = try await context.administration.lastBackup()
        let waiting = accounts.count { $0.state == .pending }
        let (newest, applied) = (context.log.newestSeq, context.catalog.appliedSeq)

        var disk = DeskSection("disk", say("disk"))
        let days = DiskForecast.daysLeft(samples, keepFree: usage.keepFree)
        let used = Wording.size(usage.used)
        let forecast = days.map { say("full-in", Wording.count($0, say("day"), say("days-2"))) }
        let diskFacts: [FactView?] = [
            FactView(say("free"), usage.free.map { Wording.size($0) } ?? say("cannot-be-told")),
            FactView(say("used-by-files"), usage.budget.map { say("of-2", used, Wording.size($0)) } ?? used),
            FactView(say("forecast"), forecast ?? say("it-does-not-fill-as-far")),
            FactView(say("read-again-within-30-days"), Self.percent(usage.verifiedBytes, of: usage.inServiceBytes)),
        ]
        disk.sectionFacts = diskFacts.compactMap { $0 }
        disk.links = [LinkView(linkText: say("storage"), linkHref: "/admin/storage")]

        var network = DeskSection("network", say("other-nodes"))
        let added = peers.filter { $0.standing == "peer" }
        let well = added.count { $0.lastError.isEmpty }
        let callers = peers.count { $0.standing == "waiting" }
        let peerFacts: [FactView?] = [
            FactView(say("peers"), say("of-answer", Wording.count(well), Wording.count(added.count))),
            FactView(say("nodes-that-wait-for-an-answer"), Wording.count(callers)),
            FactView(say("mirrors"), try await Self.mirrors(context)),
            FactView(say("clock"), Self.clock(context)),
        ]
        network.sectionFacts = peerFacts.compactMap { $0 }
        network.links = [
            LinkView(linkText: say("peers"), linkHref: "/admin/peers"),
            LinkView(linkText: say("mirrors"), linkHref: "/admin/mirrors"),
        ]

        var people = DeskSection("people", say("people-and-work"))
        let active = accounts.count { $0.state == .active }
        let queued = jobs.count { $0.state == .holding || $0.state == .queued }
        let failed = jobs.count { $0.state == .failed }
        let workFacts: [FactView?] = [
            FactView(say("accounts"), Wording.count(active)),
            FactView(say("registrations-that-wait"), Wording.count(waiting)),
            FactView(say("cases-that-wait"), try await Self.cases(context)),
            FactView(say("drawing-jobs-that-wait"), Wording.count(queued)),
            FactView(say("drawing-jobs-that-failed-lately"), Wording.count(failed)),
            FactView(say("posts-that-lists-do-not-show"), Wording.count(Int(clamping: newest - min(newest, applied)))),
        ]
        people.sectionFacts = workFacts.compactMap { $0 }
        people.links = [
            LinkView(linkText: say("registrations"), linkHref: "/admin/registrations"),
            LinkView(linkText: say("queue"), linkHref: "/moderation"),
            LinkView(linkText: say("jobs"), linkHref: "/admin/jobs"),
        ]

        var safety = DeskSection("safety", say("backup"))
        let age = backup.map { now - min(now, $0.made) }
        safety.columns = [say("what"), say("how-it-stands")]
        let isOld = age.map { $0 > Limits.Doctor.backupAge } ?? true
        safety.rows = [
            DeskRow(cells: [
                .init(say("newest-backup")),
                .init(age.map { say("old", "\(DoctorWords.span($0))") } ?? say("there-is-none"), isBad: isOld),
            ]),
            DeskRow(cells: [.init(say("one-more")), .init("waggle backup create FOLDER", isCode: true)]),
        ]

        var page = DeskPage(Self.heading(report), sections: [])
        page.lead = say("running-since", "\(context.software)", "\(Dates.day(context.startedAt))")
        page.sections = [Self.trouble(report), disk, network, people, safety, Self.log()].compactMap { $0 }
        return page
    }

    private static func cases(_ context: OperationContext) async throws -> String {
        let (open, clock) = (try await context.moderation.openCases(), CaseClock(now: context.now()))
        let overdue = open.count { clock.urgency($0) == .overdue }
        let count = Wording.count(open.count)
        return overdue == 0 ? count : say("of-them-overdue", count, Wording.count(overdue))
    }

    private static func mirrors(_ context: OperationContext) async throws -> String {
        let rules = try await ShowMirrors().perform(in: context)
        let full = rules.count { $0.activity == "full" }
        let count = Wording.count(rules.count, say("rule-2"), say("rules-2"))
        return full == 0 ? count : say("of-them-without-room", count, Wording.count(full))
    }

    /// Beside those of other nodes, as their answers tell.
    private static func clock(_ context: OperationContext) -> String {
        guard let clock = context.federation.clocks.median else { return say("no-other-node-told-the-time") }
        let (off, nodes) = (clock.seconds.magnitude, Wording.count(clock.nodes, say("node"), say("nodes")))
        guard off > Limits.Doctor.clockSkew else { return say("agrees-with", nodes) }
        return clock.seconds < 0
            ? say("seconds-ahead-of-most", "\(off)", nodes) : say("seconds-behind-most", "\(off)", nodes)
    }

    private static func heading(_ report: DoctorReport?) -> String {
        switch report?.state {
        case .ok?: say("all-is-well")
        case .warn?: say("something-should-be-looked-at")
        case .fail?: say("something-does-not-work")
        case nil: say("health")
        }
    }

    private static func trouble(_ report: DoctorReport?) -> DeskSection? {
        guard let report else { return nil }
        var section = DeskSection("doctor", say("the-doctor"))
        let bad = report.checks.filter { $0.state != .ok }.sorted { $0.state > $1.state }
        section.sectionLead =
            say(
                "checks-are-well-should-be-looked", "\(report.count(.ok))", "\(report.count(.warn))",
                "\(report.count(.fail))")
        section.columns = ["", say("what"), say("what-was-found"), say("what-helps")]
        section.rows = bad.prefix(8).map(row)
        section.links = [LinkView(linkText: say("all-checks"), linkHref: "/admin/doctor")]
        return section
    }

    /// What the program itself complained of since it began.
    private static func log() -> DeskSection {
        let lines = RecentLog.shared.lines
        var section = DeskSection("log", say("log"))
        section.sectionLead =
            lines.isEmpty ? nil : say("warnings-and-errors-of-this-process")
        section.columns = [say("when"), "", say("what")]
        section.rows = lines.prefix(Limits.Administration.loggedShown).map { line in
            DeskRow(cells: [
                .init(AdminHouse.moment(line.time)),
                .init(line.isError ? say("error") : say("warning"), isBad: line.isError),
                .init(line.text),
            ])
        }
        section.empty = say("no-warning-and-no-error-since")
        return section
    }

    private static func row(_ check: Check) -> DeskRow {
        DeskRow(cells: [
            .init(check.state.rawValue, isBad: check.state != .ok), .init(check.title), .init(check.detail),
            .init(check.fix ?? "", isCode: check.fix != nil),
        ])
    }

    @Sendable private func doctor(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let report = try await Diagnose(isThorough: false).perform(in: visit.context)
        var section = DeskSection("checks", say("checks"))
        section.columns = ["", say("what"), say("what-was-found"), say("what-helps")]
        section.rows = report.checks.sorted { $0.state > $1.state }.map(Self.row)
        return DeskPage(
            say("doctor"),
            lead:
                say("what-the-command-doctor-looks-at"),
            sections: [section])
    }

    private static func percent(_ part: UInt64, of all: UInt64) -> String {
        all == 0 ? say("nothing-to-read-yet") : "\(part * 100 / all) %"
    }
}
