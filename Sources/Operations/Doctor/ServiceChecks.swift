import FoundationEssentials
import WaggleProtocol

/// What the facts about stores and services mean. Decides, and asks nothing.
enum ServiceChecks {
    static func all(_ facts: ServiceFacts, now: UInt64) -> [Check] {
        people(facts) + content(facts, now: now) + network(facts) + money(facts)
    }

    // MARK: People

    private static func people(_ facts: ServiceFacts) -> [Check] {
        [
            facts.isSetUp
                ? Check("setup", "Set-up", .ok, "finished")
                : Check(
                    "setup", "Set-up", .warn, "not finished: until then the node listens on this machine alone",
                    fix: "waggle account setup, and open the page that it names"),
            facts.hasAdmin
                ? Check("admin", "Admin", .ok, "somebody can sign in as admin")
                : Check(
                    "admin", "Admin", .warn, "no active admin has a passphrase: nobody can use the pages for admins",
                    fix: "waggle account setup"),
            facts.peopleWaiting > Limits.Doctor.waitingPeople
                ? Check(
                    "registrations", "Registrations", .warn, "\(facts.peopleWaiting) people wait for an answer",
                    fix: "waggle account ls, then waggle account approve NAME")
                : Check("registrations", "Registrations", .ok, "\(facts.peopleWaiting) wait"),
            facts.mode == "normal"
                ? Check("mode", "Mode", .ok, "normal")
                : Check(
                    "mode", "Mode", .warn, "\(facts.mode): people are turned away", fix: "waggle mode normal"),
            facts.brokenAuditLine.map {
                Check(
                    "audit", "Audit log", .fail, "line \($0) was changed after it was written",
                    fix: "compare db/admin.db with a backup")
            } ?? Check("audit", "Audit log", .ok, "its chain of hashes is whole"),
            cases(facts),
        ]
    }

    private static func cases(_ facts: ServiceFacts) -> Check {
        let (id, title, fix) = ("cases", "Cases", "waggle mod queue, or the page /moderation")
        if let first = facts.overdueCases.first {
            return Check(
                id, title, .fail,
                "\(first) should have been decided within 48 hours\(HomeChecks.more(facts.overdueCases))", fix: fix)
        }
        guard let first = facts.dueCases.first else { return Check(id, title, .ok, "none is late") }
        return Check(
            id, title, .warn, "\(first) has waited for a day\(HomeChecks.more(facts.dueCases))", fix: fix)
    }

    // MARK: Content

    private static func content(_ facts: ServiceFacts, now: UInt64) -> [Check] {
        [
            backup(facts, now: now), held(facts),
            Check(
                "catalog", "Lists", facts.linesBehind > Limits.Doctor.linesBehind ? .warn : .ok,
                facts.linesBehind == 0 ? "up to date" : "\(facts.linesBehind) lines of the log behind",
                fix: "wait; if it does not get less, waggle reindex"),
            facts.badBlobs.first.map {
                Check(
                    "blobs", "Files", .fail,
                    "\($0) has other bytes than its name says\(HomeChecks.more(facts.badBlobs))",
                    fix: "waggle store scrub --all")
            }
                ?? Check(
                    "blobs", "Files", .ok,
                    "\(facts.sampled) of \(facts.blobs) were read again, and are what their names say"),
            Check(
                "damaged", "Damaged files", facts.damagedBlobs > 0 ? .warn : .ok,
                facts.damagedBlobs > 0 ? "\(facts.damagedBlobs) lost bytes and wait for a peer that has them" : "none",
                fix: "waggle repair"),
            scrub(facts), budget(facts), forecast(facts), dumps(facts, now: now),
        ]
    }

    private static func backup(_ facts: ServiceFacts, now: UInt64) -> Check {
        let (id, title, fix) = ("backup", "Backup", "waggle backup create FOLDER")
        guard let last = facts.lastBackup else {
            return Check(
                id, title, facts.ownPosts > 0 ? .warn : .ok,
                facts.ownPosts > 0 ? "there is none, and there are posts of this node's people" : "none is needed yet",
                fix: fix)
        }
        let age = now - min(now, last)
        let state: CheckState =
            age > Limits.Doctor.oldBackupAge ? .fail : age > Limits.Doctor.backupAge ? .warn : .ok
        return Check(id, title, state, "the newest is \(DoctorWords.span(age)) old", fix: fix)
    }

    private static func held(_ facts: ServiceFacts) -> Check {
        facts.heldSince == nil
            ? Check("signing", "Signing", .ok, "this node may sign")
            : Check(
                "signing", "Signing", .warn,
                "the home was restored from a backup, and no peer was asked for what came after",
                fix: "waggle serve; without peers: waggle backup confirm")
    }

    private static func scrub(_ facts: ServiceFacts) -> Check {
        // A young home had no time for a round.
        let isDue = facts.age > Limits.BlobStore.scrubRoundMilliseconds.magnitude / 1000
        let percent = facts.inService == 0 ? 100 : Int(facts.verified * 100 / facts.inService)
        return Check(
            "scrub", "Reading again", isDue && percent < 50 ? .warn : .ok,
            "\(percent) % of the bytes were read again within 30 days", fix: "waggle store scrub")
    }

    private static func budget(_ facts: ServiceFacts) -> Check {
        guard let budget = facts.budget, budget > 0 else {
            return Check("budget", "Budget", .ok, "\(ByteSize.text(facts.used)) are used; no limit is set")
        }
        let percent = Int(clamping: facts.used / (budget / 100 + 1))
        let state: CheckState = percent >= 100 ? .fail : percent >= Limits.Doctor.fullPercent ? .warn : .ok
        return Check(
            "budget", "Budget", state,
            "\(ByteSize.text(facts.used)) of \(ByteSize.text(budget)) are used"
                + (state == .ok ? "" : ": files that nothing holds go, then nothing new is taken in"),
            fix: "waggle config set storage.budget SIZE, or waggle store gc")
    }

    private static func forecast(_ facts: ServiceFacts) -> Check {
        guard let days = facts.daysLeft else {
            return Check("forecast", "Forecast", .ok, "the disk does not fill, or is watched too shortly to tell")
        }
        return Check(
            "forecast", "Forecast", days < Limits.Doctor.forecastDays ? .warn : .ok,
            "as it goes the disk is full in \(days) days", fix: "waggle config set storage.budget SIZE")
    }

    private static func dumps(_ facts: ServiceFacts, now: UInt64) -> Check {
        guard facts.dumpsNightly else { return Check("dump", "Dump", .ok, "switched off") }
        let newest = facts.lastDump ?? facts.startedAt
        let age = now - min(now, newest)
        return Check(
            "dump", "Dump", age > Limits.Doctor.dumpAge ? .warn : .ok,
            facts.lastDump == nil ? "none was written yet" : "the newest is \(DoctorWords.span(age)) old",
            fix: "waggle dump")
    }

    // MARK: Network

    private static func network(_ facts: ServiceFacts) -> [Check] {
        let bad = facts.peers.filter { !$0.isWell }
        let state: CheckState = bad.isEmpty ? .ok : bad.count == facts.peers.count ? .fail : .warn
        let first = bad.first.map { "\($0.name): \($0.trouble)" } ?? ""
        var checks: [Check] = [
            Check(
                "peers", "Peers", state,
                facts.peers.isEmpty
                    ? "none yet: `waggle peer add URL` follows a node"
                    : bad.isEmpty
                        ? "\(facts.peers.count) answer"
                        : "\(bad.count) of \(facts.peers.count) do not answer: \(first)",
                fix: "waggle peer ls"),
            Check(
                "callers", "Nodes that wait", facts.waitingPeers > 0 ? .warn : .ok,
                "\(facts.waitingPeers) wait for an answer", fix: "waggle peer ls --all, then waggle peer approve NODE"),
            facts.mirrorTroubles.first.map {
                Check(
                    "mirrors", "Mirrors", .warn, $0 + HomeChecks.more(facts.mirrorTroubles), fix: "waggle mirror status"
                )
            } ?? Check("mirrors", "Mirrors", .ok, "none is stuck"),
        ]
        checks += [peerClock(facts), log(facts), dangers(facts)].compactMap { $0 }
        return checks
    }

    /// Nil while no scanner found any.
    private static func dangers(_ facts: ServiceFacts) -> Check? {
        guard facts.dangers > 0 else { return nil }
        return Check(
            "dangers", "Scanned files", .ok, "\(facts.dangers) are dangerous and out of service: waggle mod ls")
    }

    /// Nil for a process without errors.
    private static func log(_ facts: ServiceFacts) -> Check? {
        guard facts.loggedErrors > 0 else { return nil }
        return Check(
            "log", "Log", .warn, "\(facts.loggedErrors) errors since the start",
            fix: "read the log of the program; the page of health shows the newest")
    }

    /// Nil while no other node told the time.
    private static func peerClock(_ facts: ServiceFacts) -> Check? {
        let (id, title) = ("peer-clock", "Clock, beside others")
        guard let clock = facts.peerClock else { return nil }
        let off = clock.seconds.magnitude
        guard off > Limits.Doctor.clockSkew else {
            return Check(id, title, .ok, "agrees with \(clock.nodes) other nodes")
        }
        return Check(
            id, title, .warn,
            "\(off) seconds \(clock.seconds < 0 ? "ahead of" : "behind") most of \(clock.nodes) other nodes",
            fix: "sudo timedatectl set-ntp true")
    }

    // MARK: Buzz and drawing

    private static func liars(_ facts: ServiceFacts) -> Check? {
        guard let (currency, count) = facts.liars.min(by: { $0.key < $1.key }) else { return nil }
        let who = count == 1 ? "an operator of \(currency) is" : "\(count) operators of \(currency) are"
        return Check(
            "currencies", "Currencies", .warn, "\(who) proven to lie; the others go on", fix: "waggle buzz fraud")
    }

    private static func money(_ facts: ServiceFacts) -> [Check] {
        let pending = facts.pendingOrders.values.reduce(0, +)
        return [
            facts.stoppedCurrencies.min { $0.key < $1.key }.map {
                Check("currencies", "Currencies", .fail, "\($0.key) is stopped: \($0.value)", fix: "waggle buzz ls")
            }
                ?? liars(facts)
                ?? Check(
                    "currencies", "Currencies", pending > 0 ? .warn : .ok,
                    pending > 0 ? "\(pending) orders have no answer yet; they are sent again" : "no order waits",
                    fix: "waggle buzz ls"),
            Check(
                "jobs", "Drawing jobs", facts.jobsWaiting > Limits.Doctor.waitingJobs ? .warn : .ok,
                "\(facts.jobsWaiting) wait", fix: "waggle gen jobs"),
            facts.engineTrouble.map {
                Check("engine", "Drawing", .warn, $0, fix: "waggle gen setup")
            }
                ?? Check(
                    "engine", "Drawing", .ok,
                    facts.hasEngine == true ? "the engine is there" : "no engine is installed, and none is needed"),
        ]
    }
}

/// Words of the doctor that pages use, too.
public enum DoctorWords {
    /// "3 hours".
    public static func span(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<7200: "\(seconds / 60) minutes"
        case ..<172_800: "\(seconds / 3600) hours"
        default: "\(seconds / 86_400) days"
        }
    }
}
