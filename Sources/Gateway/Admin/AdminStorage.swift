import Generation
import Hummingbird
import Operations
import WaggleProtocol

/// What lies on the disk, and what is drawn.
struct AdminStorage: Sendable {
    let desk: AdminDesk

    func register(in routes: inout RouteTable) {
        desk.get(.storage, in: &routes, storage)
        desk.post(.storage, in: &routes, changeStorage, storage)
        desk.get(.jobs, in: &routes, jobs)
        desk.post(.jobs, in: &routes, changeJobs, jobs)
    }

    @Sendable private func storage(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let usage = try await ShowStoreUsage().perform(in: visit.context)
        func fact(_ name: String, _ sum: BlobSum) -> FactView? {
            FactView(name, "\(Wording.count(sum.blobs, "file", "files")), \(Wording.size(sum.bytes))")
        }
        var what = DeskSection("what", "What it is there for")
        let facts: [FactView?] = [
            fact("Posts of this node's people", usage.ownPosts), fact("Asked for", usage.userPins),
            fact("Bounties", usage.bounties), fact("Mirrors", usage.mirrorRules),
            fact("Kept as long as there is room", usage.cache), fact("Downloads begun", usage.partial),
            fact("Trash, for 24 hours", usage.trash), fact("Files of other programs", usage.adopted),
            fact("Small copies of pictures", usage.thumbnails),
        ]
        what.sectionFacts = facts.compactMap { $0 }
        var room = DeskSection("room", "Room")
        let budget = usage.budget.map { " of \(Wording.size($0))" } ?? ", no limit"
        let read = "\(Wording.size(usage.verifiedBytes)) of \(Wording.size(usage.inServiceBytes))"
        let roomFacts: [FactView?] = [
            FactView("Used of the budget", Wording.size(usage.used) + budget),
            FactView("Free on the disk", usage.free.map { Wording.size($0) } ?? ""),
            FactView("Left to others", Wording.size(usage.keepFree)),
            FactView("Wanted by mirrors", Wording.size(usage.mirrorsWant)),
            FactView("Damaged, waiting for a peer", Wording.count(usage.damaged)),
            FactView("Read again within 30 days", read),
        ]
        room.sectionFacts = roomFacts.compactMap { $0 }
        room.sectionLead =
            "At 90 % of the budget files that nothing holds begin to go, the least used first; at 100 % nothing new is taken in. Posts of this node's people never go."
        room.links = [LinkView(linkText: "Change the budget", linkHref: "/admin/settings")]
        var work = DeskSection("work", "Work")
        let isScrubbing = visit.context.house?.isUnderWay("scrub") ?? false
        work.sectionLead = isScrubbing ? "Files are being read again." : nil
        work.forms = [
            DeskForm(action: "/admin/storage", submit: "Let go of what nothing holds", hidden: [("what", "gc")]),
            DeskForm(
                action: "/admin/storage", submit: "Read again what was not read for 30 days",
                hidden: [("what", "scrub")]),
        ]
        return DeskPage("Storage", sections: [room, what, work])
    }

    @Sendable private func changeStorage(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        switch try visit.needed("what") {
        case "gc":
            let done = try await CollectStore(lastCopies: false, isDryRun: false).perform(in: visit.context)
            return .show(
                "\(Wording.count(done.trashed.blobs, "file", "files")) (\(Wording.size(done.trashed.bytes))) went to the trash, \(Wording.size(done.unlinked.bytes)) are free again."
            )
        case "scrub":
            let begun = try await StartScrub().perform(in: visit.context)
            return .show(
                begun.isNew ? "Files are being read again; the doctor says what was found." : "It is under way already."
            )
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
    }

    // MARK: Jobs

    @Sendable private func jobs(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let generation = visit.context.generation
        let mode = await generation.mode
        var section = DeskSection("jobs", "Newest jobs")
        // Prompts are between people and the engine.
        section.columns = ["Ordered", "State", "Model", "Pictures", "What went wrong", ""]
        section.rows = try await generation.newest(limit: Limits.Administration.page).map(Self.row)
        section.empty = "Nothing was drawn here yet."
        var turn = DeskSection("turn", "Turns")
        turn.sectionLead =
            switch mode {
            case .open: "Jobs are taken and begun."
            case .paused: "Paused: orders are taken, and none is begun."
            case .draining: "Draining: what was ordered is finished, and nothing new is taken."
            }
        let turns: [(mode: String, title: String)] = [("open", "Resume"), ("paused", "Pause"), ("draining", "Drain")]
        for other in turns where other.mode != mode.rawValue {
            turn.forms.append(
                DeskForm(action: "/admin/jobs", submit: other.title, hidden: [("what", "mode"), ("mode", other.mode)]))
        }
        return DeskPage("Jobs", sections: [turn, section])
    }

    private static func row(_ job: Job) -> DeskRow {
        let cancel = DeskForm(
            action: "/admin/jobs", submit: "Cancel", hidden: [("what", "cancel"), ("job", job.id)],
            label: "Cancel job \(job.id.prefix(8))")
        let failure = job.failure.map { Wording.beginning($0.message, characters: 200) }
        return DeskRow(
            cells: [
                .init(Dates.day(job.created)), .init(job.state.rawValue, isBad: job.state == .failed),
                .init(job.plan.model), .init("\(job.plan.batch), \(job.plan.width) × \(job.plan.height)"),
                .init(failure ?? ""),
            ], forms: job.state.isOver ? [] : [cancel])
    }

    @Sendable private func changeJobs(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        switch try visit.needed("what") {
        case "mode":
            guard let mode = JobQueue.Mode(rawValue: try visit.needed("mode")) else {
                throw OperationError(.usage, "turns are open, paused or draining")
            }
            _ = try await SetDrawingMode(mode: mode).perform(in: visit.context)
        case "cancel":
            // Whoever's job it is: the operator's way.
            _ = try await CancelJob(id: try visit.needed("job")).perform(in: desk.services.context())
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
        return .done
    }
}
