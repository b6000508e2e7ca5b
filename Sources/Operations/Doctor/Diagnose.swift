import Accounts
import Administration
import BlobStore
import Catalog
import Digests
import Federation
import Formats
import FoundationEssentials
import Generation
import Ledger
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle doctor`: looks at everything that goes wrong on nodes, and says what helps.
public struct Diagnose: Operation {
    public static let name = "doctor"
    /// Does what is safe: nothing is lost by it.
    public var fixes: Bool
    /// Reads large databases as a whole, too, and files again.
    public var isThorough: Bool

    public init(fixes: Bool = false, isThorough: Bool = true) {
        self.fixes = fixes
        self.isThorough = isThorough
    }

    public func run(in context: OperationContext) async throws(OperationError) -> DoctorReport {
        let house = try context.houseKeeping()
        context.progress(Progress(activity: "looking at the home", done: 0, total: 0))
        var home = await house.survey(isThorough: isThorough)
        var fixed: [String] = []
        if fixes {
            fixed = HomeRepairs(context.home).carryOut(home)
            if !fixed.isEmpty { home = await house.survey(isThorough: false) }
        }
        let services = await ServiceFacts.survey(context, samples: isThorough)
        return DoctorReport(
            checks: HomeChecks.all(home) + ServiceChecks.all(services, now: context.now()), fixed: fixed,
            isServing: context.publicURL != nil)
    }
}

extension DoctorReport {
    /// What can be said of a home that cannot be opened.
    ///
    /// - Parameter trouble: why it cannot.
    public static func closed(_ home: HomeFacts, fixed: [String] = [], trouble: OperationError) -> DoctorReport {
        var checks = HomeChecks.all(home)
        if home.isThere, home.settingsTrouble == nil {
            checks.append(Check("opens", "The home opens", .fail, trouble.message))
        }
        return DoctorReport(checks: checks, fixed: fixed, isServing: false)
    }
}

/// Does to a home what is safe.
public struct HomeRepairs: Sendable {
    private let home: Home

    public init(_ home: Home) {
        self.home = home
    }

    /// What was done, in sentences.
    public func carryOut(_ facts: HomeFacts) -> [String] {
        var done: [String] = []
        for wide in facts.wideOpen {
            let mode = String(wide.wanted, radix: 8)
            if (try? FileManager.default.setAttributes([.posixPermissions: Int(wide.wanted)], ofItemAtPath: wide.path))
                != nil
            {
                done.append("\(wide.path) has mode \(mode) now")
            }
        }
        for path in facts.leftovers.keys.sorted() where path.hasPrefix(home.root.string + "/") {
            if (try? FileManager.default.removeItem(atPath: path)) != nil { done.append("\(path) was removed") }
        }
        if facts.hasStaleSocket, (try? FileManager.default.removeItem(atPath: home.socket.string)) != nil {
            done.append("\(home.socket) was removed")
        }
        return done
    }
}

extension ServiceFacts {
    /// Asks the stores and services of an open home. What does not answer is left out.
    ///
    /// - Parameter samples: reads some blobs again.
    static func survey(_ context: OperationContext, samples: Bool) async -> ServiceFacts {
        var facts = ServiceFacts()
        let (newest, applied) = (context.log.newestSeq, context.catalog.appliedSeq)
        facts.linesBehind = newest - min(newest, applied)
        facts.lastBackup = (try? await context.administration.lastBackup())??.made
        facts.heldSince = context.signing.backupTime
        facts.startedAt = context.startedAt
        facts.isSetUp = context.administration.setup.isFinished
        facts.mode = context.administration.standing.mode.rawValue
        facts.brokenAuditLine = (try? await context.administration.firstBrokenAuditLine()) ?? nil
        facts.lastDump = DumpFolder(context.home).newest?.created
        facts.dumpsNightly = context.setting("dump") == "nightly"
        await facts.ask(people: context)
        await facts.ask(store: context, samples: samples)
        await facts.ask(network: context)
        await facts.ask(services: context)
        await facts.ask(moderators: context)
        return facts
    }

    private mutating func ask(moderators context: OperationContext) async {
        let clock = CaseClock(now: context.now())
        let open = clock.sorted((try? await context.moderation.openCases()) ?? [])
        overdueCases = open.filter { clock.urgency($0) == .overdue }.map(\.number)
        dueCases = open.filter { [.soon, .urgent].contains(clock.urgency($0)) }.map(\.number)
        dangers = ((try? await context.moderation.badScans()) ?? []).count { $0.verdict == .danger }
    }

    private mutating func ask(people context: OperationContext) async {
        let accounts = (try? await context.accounts.all()) ?? []
        hasAdmin = accounts.contains { $0.role == .admin && $0.state == .active && $0.hasPassphrase }
        peopleWaiting = accounts.count { $0.state == .pending }
        let oldest = accounts.map(\.created).min() ?? context.now()
        age = context.now() - min(context.now(), oldest)
        let counts = try? await context.catalog.counts(context.moderation.filter(for: .owner))
        ownPosts = counts.map { $0.models + $0.images } ?? 0
    }

    private mutating func ask(store context: OperationContext, samples: Bool) async {
        let blobs = context.blobs
        self.blobs = (try? await blobs.totals())?.blobs ?? 0
        damagedBlobs = (try? await blobs.damaged())?.count ?? 0
        if let round = try? await blobs.scrubRound() { (inService, verified) = (round.bytes, round.verifiedBytes) }
        if let room = try? await blobs.storeRoom() {
            (budget, used) = (room.budget, room.used)
            if let days = try? await context.administration.diskSamples() {
                daysLeft = DiskForecast.daysLeft(days, keepFree: room.keepFree)
            }
        }
        guard samples, let all = try? await blobs.listed() else { return }
        let small = all.filter { $0.size <= Limits.Doctor.sampledBytes }.shuffled().prefix(Limits.Doctor.sampledBlobs)
        for blob in small {
            context.progress(
                Progress(activity: "reading files again", done: UInt64(sampled), total: UInt64(small.count)))
            do throws(BlobError) {
                let found = try await blobs.verify(blob.sha256)
                sampled += 1
                if !found.isGood { badBlobs.append(blob.sha256.hex) }
            } catch {
                // Evicted or taken down meanwhile, or known and not here.
                if case .changedOnDisk = error { badBlobs.append(blob.sha256.hex) }
            }
        }
    }

    private mutating func ask(network context: OperationContext) async {
        peerClock = context.federation.clocks.median
        loggedErrors = RecentLog.shared.errors
        for node in (try? await context.federation.overview()) ?? [] {
            switch node.standing {
            case .peer:
                let isWell = node.lastError.isEmpty
                peers.append(
                    PeerFacts(name: node.name.isEmpty ? node.url : node.name, isWell: isWell, trouble: node.lastError))
            case .waiting: waitingPeers += 1
            case .found, .caller, .blocked, .ignored: break
            }
        }
        for rule in (try? await context.federation.mirrorStatus()) ?? [] {
            switch rule.activity {
            case .full: mirrorTroubles.append("rule \(rule.plan.rule.n) has no room: \(rule.reason)")
            case .waiting where !rule.plan.rule.lastError.isEmpty:
                mirrorTroubles.append("rule \(rule.plan.rule.n): \(rule.plan.rule.lastError)")
            case .fetching, .complete, .waiting, .paused: break
            }
        }
    }

    private mutating func ask(services context: OperationContext) async {
        for view in (try? await context.currencies.all()) ?? [] {
            let name = view.charter.symbol
            if let stopped = view.stopped { stoppedCurrencies[name] = stopped }
            if !view.liars.isEmpty { liars[name] = view.liars.count }
            pendingOrders[name] = (try? await context.currencies.pending(in: view.charter.currency))?.count
        }
        let jobs = (try? await context.generation.newest(limit: Limits.Doctor.waitingJobs * 2)) ?? []
        jobsWaiting = jobs.count { [.holding, .queued].contains($0.state) }
        do throws(GenerationError) {
            _ = try await context.generation.backend.report()
            hasEngine = true
        } catch {
            // The engine of our own is installed by whoever wants it; another program was named by somebody.
            hasEngine = false
            if context.setting("generation.backend") != "embedded" { engineTrouble = error.message }
        }
    }
}
