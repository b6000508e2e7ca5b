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
            FactView(name, "\(Wording.count(sum.blobs, say("file-2"), say("files-2"))), \(Wording.size(sum.bytes))")
        }
        var what = DeskSection("what", say("what-it-is-there-for"))
        let facts: [FactView?] = [
            fact(say("posts-of-this-node-s-people"), usage.ownPosts), fact(say("asked-for"), usage.userPins),
            fact(say("bounties"), usage.bounties), fact(say("mirrors"), usage.mirrorRules),
            fact(say("kept-as-long-as-there-is"), usage.cache), fact(say("downloads-begun"), usage.partial),
            fact(say("trash-for-24-hours"), usage.trash), fact(say("files-of-other-programs"), usage.adopted),
            fact(say("small-copies-of-pictures"), usage.thumbnails),
        ]
        what.sectionFacts = facts.compactMap { $0 }
        var room = DeskSection("room", say("room"))
        let used = Wording.size(usage.used)
        let ofBudget = usage.budget.map { say("of-2", used, Wording.size($0)) } ?? say("no-limit-2", used)
        let read = say("of-2", Wording.size(usage.verifiedBytes), Wording.size(usage.inServiceBytes))
        let roomFacts: [FactView?] = [
            FactView(say("used-of-the-budget"), ofBudget),
            FactView(say("free-on-the-disk"), usage.free.map { Wording.size($0) } ?? ""),
            FactView(say("left-to-others"), Wording.size(usage.keepFree)),
            FactView(say("wanted-by-mirrors"), Wording.size(usage.mirrorsWant)),
            FactView(say("damaged-waiting-for-a-peer"), Wording.count(usage.damaged)),
            FactView(say("read-again-within-30-days"), read),
        ]
        room.sectionFacts = roomFacts.compactMap { $0 }
        room.sectionLead =
            say("at-90-of-the-budget-files")
        room.links = [LinkView(linkText: say("change-the-budget"), linkHref: "/admin/settings")]
        var work = DeskSection("work", say("work"))
        let isScrubbing = visit.context.house?.isUnderWay("scrub") ?? false
        work.sectionLead = isScrubbing ? say("files-are-being-read-again") : nil
        work.forms = [
            DeskForm(action: "/admin/storage", submit: say("let-go-of-what-nothing-holds"), hidden: [("what", "gc")]),
            DeskForm(
                action: "/admin/storage", submit: say("read-again-what-was-not-read"),
                hidden: [("what", "scrub")]),
        ]
        return DeskPage(say("storage"), sections: [room, what, work])
    }

    @Sendable private func changeStorage(_ visit: AdminDesk.Visit) async throws -> AdminDesk.Outcome {
        switch try visit.needed("what") {
        case "gc":
            let done = try await CollectStore(lastCopies: false, isDryRun: false).perform(in: visit.context)
            return .show(
                say(
                    "went-to-the-trash-are-free", Wording.count(done.trashed.blobs, say("file-2"), say("files-2")),
                    Wording.size(done.trashed.bytes), Wording.size(done.unlinked.bytes))
            )
        case "scrub":
            let begun = try await StartScrub().perform(in: visit.context)
            return .show(
                begun.isNew ? say("files-are-being-read-again-the") : say("it-is-under-way-already")
            )
        default: throw OperationError(.usage, "there is nothing of this kind to do")
        }
    }

    // MARK: Jobs

    @Sendable private func jobs(_ visit: AdminDesk.Visit) async throws -> DeskPage {
        let generation = visit.context.generation
        let mode = await generation.mode
        var section = DeskSection("jobs", say("newest-jobs"))
        // Prompts are between people and the engine.
        section.columns = [say("ordered"), say("state"), say("model"), say("pictures"), say("what-went-wrong"), ""]
        section.rows = try await generation.newest(limit: Limits.Administration.page).map(Self.row)
        section.empty = say("nothing-was-drawn-here-yet")
        var turn = DeskSection("turn", say("turns"))
        turn.sectionLead =
            switch mode {
            case .open: say("jobs-are-taken-and-begun")
            case .paused: say("paused-orders-are-taken-and-none")
            case .draining: say("draining-what-was-ordered-is-finished")
            }
        let turns: [(mode: String, title: String)] = [
            ("open", say("resume")), ("paused", say("pause")), ("draining", say("drain")),
        ]
        for other in turns where other.mode != mode.rawValue {
            turn.forms.append(
                DeskForm(action: "/admin/jobs", submit: other.title, hidden: [("what", "mode"), ("mode", other.mode)]))
        }
        return DeskPage(say("jobs"), sections: [turn, section])
    }

    private static func row(_ job: Job) -> DeskRow {
        let cancel = DeskForm(
            action: "/admin/jobs", submit: say("cancel"), hidden: [("what", "cancel"), ("job", job.id)],
            label: say("cancel-job", "\(job.id.prefix(8))"))
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
