import Accounts
import Administration
import Catalog
import Generation
import Hummingbird
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

        var disk = DeskSection("disk", "Disk")
        let days = DiskForecast.daysLeft(samples, keepFree: usage.keepFree)
        let budget = usage.budget.map { " of \(Wording.size($0))" } ?? ""
        let forecast = days.map { "full in \(Wording.count($0, "day", "days"))" }
        let diskFacts: [FactView?] = [
            FactView("Free", usage.free.map { Wording.size($0) } ?? "cannot be told"),
            FactView("Used by files", Wording.size(usage.used) + budget),
            FactView("Forecast", forecast ?? "it does not fill, as far as it is known"),
            FactView("Read again within 30 days", Self.percent(usage.verifiedBytes, of: usage.inServiceBytes)),
        ]
        disk.sectionFacts = diskFacts.compactMap { $0 }
        disk.links = [LinkView(linkText: "Storage", linkHref: "/admin/storage")]

        var network = DeskSection("network", "Other nodes")
        let added = peers.filter { $0.standing == "peer" }
        let well = added.count { $0.lastError.isEmpty }
        let callers = peers.count { $0.standing == "waiting" }
        let peerFacts: [FactView?] = [
            FactView("Peers", "\(Wording.count(well)) of \(Wording.count(added.count)) answer"),
            FactView("Nodes that wait for an answer", Wording.count(callers)),
        ]
        network.sectionFacts = peerFacts.compactMap { $0 }
        network.links = [LinkView(linkText: "Peers", linkHref: "/admin/peers")]

        var people = DeskSection("people", "People and work")
        let active = accounts.count { $0.state == .active }
        let queued = jobs.count { $0.state == .holding || $0.state == .queued }
        let failed = jobs.count { $0.state == .failed }
        let workFacts: [FactView?] = [
            FactView("Accounts", Wording.count(active)),
            FactView("Registrations that wait", Wording.count(waiting)),
            FactView("Drawing jobs that wait", Wording.count(queued)),
            FactView("Drawing jobs that failed lately", Wording.count(failed)),
            FactView("Posts that lists do not show yet", Wording.count(Int(clamping: newest - min(newest, applied)))),
        ]
        people.sectionFacts = workFacts.compactMap { $0 }
        people.links = [
            LinkView(linkText: "Registrations", linkHref: "/admin/registrations"),
            LinkView(linkText: "Jobs", linkHref: "/admin/jobs"),
        ]

        var safety = DeskSection("safety", "Backup")
        let age = backup.map { now - min(now, $0.made) }
        safety.columns = ["What", "How it stands"]
        let isOld = age.map { $0 > Limits.Doctor.backupAge } ?? true
        safety.rows = [
            DeskRow(cells: [
                .init("Newest backup"),
                .init(age.map { "\(DoctorWords.span($0)) old" } ?? "there is none", isBad: isOld),
            ]),
            DeskRow(cells: [.init("One more"), .init("waggle backup create FOLDER", isCode: true)]),
        ]

        var page = DeskPage(Self.heading(report), sections: [])
        page.lead = "\(context.software), running since \(Dates.day(context.startedAt))."
        page.sections = [Self.trouble(report), disk, network, people, safety].compactMap { $0 }
        return page
    }

    private static func heading(_ report: DoctorReport?) -> String {
        switch report?.state {
        case .ok?: "All is well"
        case .warn?: "Something should be looked at"
        case .fail?: "Something does not work"
        case nil: "Health"
        }
    }

    private static func trouble(_ report: DoctorReport?) -> DeskSection? {
        guard let report else { return nil }
        var section = DeskSection("doctor", "The doctor")
        let bad = report.checks.filter { $0.state != .ok }.sorted { $0.state > $1.state }
        section.sectionLead =
            "\(report.count(.ok)) checks are well, \(report.count(.warn)) should be looked at, \(report.count(.fail)) failed."
        section.columns = ["", "What", "What was found", "What helps"]
        section.rows = bad.prefix(8).map(row)
        section.links = [LinkView(linkText: "All checks", linkHref: "/admin/doctor")]
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
        var section = DeskSection("checks", "Checks")
        section.columns = ["", "What", "What was found", "What helps"]
        section.rows = report.checks.sorted { $0.state > $1.state }.map(Self.row)
        return DeskPage(
            "Doctor",
            lead:
                "What `waggle doctor` looks at. The command reads large databases and some files, too, and --fix does what is safe.",
            sections: [section])
    }

    private static func percent(_ part: UInt64, of all: UInt64) -> String {
        all == 0 ? "nothing to read yet" : "\(part * 100 / all) %"
    }
}
