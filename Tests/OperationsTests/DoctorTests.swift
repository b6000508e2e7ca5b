import Testing

@testable import Operations

/// One thing that is wrong, and which check has to find it.
struct DoctorCase<Facts>: Sendable {
    let id: String
    let state: CheckState
    let change: @Sendable (inout Facts) -> Void

    init(_ id: String, _ state: CheckState, _ change: @escaping @Sendable (inout Facts) -> Void) {
        self.id = id
        self.state = state
        self.change = change
    }
}

@Suite("What the doctor decides")
struct DoctorTests {
    private var well: HomeFacts {
        var facts = HomeFacts()
        facts.home = "/home/bee"
        facts.now = 1_000_000
        facts.keys = 2
        facts.databases = [
            .init(
                name: "posts.db", size: 5, journal: 0, trouble: nil, wasRead: true, migrations: 3, isRebuildable: false)
        ]
        facts.disk = .init(free: 90 << 30, size: 100 << 30, freeInodes: 1_000_000, network: nil, isReadOnly: false)
        facts.openFiles = 65536
        facts.memory = 4 << 30
        facts.isClockKept = true
        facts.certificate = .init(expires: 1_000_000 + 90 * 86_400)
        return facts
    }

    private func state(_ checks: [Check], _ id: String) -> CheckState? {
        checks.first { $0.id == id }?.state
    }

    @Test("a node that is well has about thirty checks, all of them ok, none with a command")
    func wellness() {
        let checks = HomeChecks.all(well) + ServiceChecks.all(ServiceFacts(), now: 1_000_000)
        #expect(checks.allSatisfy { $0.state == .ok && $0.fix == nil }, "\(checks.filter { $0.state != .ok })")
        #expect((30...45).contains(checks.count), "\(checks.count)")
        #expect(Set(checks.map(\.id)).count == checks.count)
    }

    static let homes: [DoctorCase<HomeFacts>] = [
        DoctorCase(
            "home-rights", .warn,
            { $0.wideOpen = [.init(path: "/home/bee/db", mode: 0o755, wanted: 0o700)] }
        ),
        DoctorCase(
            "key-rights", .fail, { $0.wideOpen = [.init(path: "/home/bee/keys/me.key", mode: 0o644, wanted: 0o600)] }),
        DoctorCase("owner", .fail, { $0.foreignFiles = ["/home/bee/db/posts.db"] }),
        DoctorCase("user", .warn, { $0.isRoot = true }),
        DoctorCase("keys", .fail, { $0.badKeys = ["/home/bee/keys/me.key": "no key"] }),
        DoctorCase("settings", .fail, { $0.settingsTrouble = "no such setting" }),
        DoctorCase("environment", .warn, { $0.strangeVariables = ["WAGGLE_CELLING"] }),
        DoctorCase("choices", .warn, { $0.overruledChoices = ["ceiling"] }),
        DoctorCase("databases", .fail, { $0.databases[0].trouble = "malformed" }),
        DoctorCase("schema", .warn, { $0.databases[0].migrations = 0 }),
        DoctorCase("journals", .warn, { $0.databases[0].journal = 1 << 30 }),
        DoctorCase("disk", .fail, { $0.disk?.free = 1 << 20 }),
        DoctorCase("disk", .warn, { $0.keepFree = 95 << 30 }),
        DoctorCase("inodes", .warn, { $0.disk?.freeInodes = 10 }),
        DoctorCase("file-system", .warn, { $0.disk?.network = "NFS" }),
        DoctorCase("file-system", .fail, { $0.disk?.isReadOnly = true }),
        DoctorCase("port", .fail, { $0.portTrouble = "taken" }),
        DoctorCase("public-url", .warn, { $0.isLoopback = false }),
        DoctorCase("public-url", .warn, { $0.publicURL = "http://models.example" }),
        DoctorCase("tls", .fail, { $0.certificate = .init(trouble: "no key") }),
        DoctorCase("tls", .fail, { $0.certificate = .init(expires: 999_999) }),
        DoctorCase("tls", .warn, { $0.certificate = .init(expires: 1_000_000 + 5 * 86_400) }),
        DoctorCase("sandbox", .warn, { $0.sandboxTrouble = "no bwrap" }),
        DoctorCase("tools", .warn, { $0.missingTools = ["vips"] }),
        DoctorCase("open-files", .warn, { $0.openFiles = 1024 }),
        DoctorCase("memory", .warn, { $0.memory = 1 << 20 }),
        DoctorCase("clock", .fail, { $0.newestFile = 1_010_000 }),
        DoctorCase("clock", .warn, { $0.isClockKept = false }),
        DoctorCase("leftovers", .warn, { $0.leftovers = ["/home/bee/tmp/x": 5] }),
        DoctorCase("socket", .warn, { $0.hasStaleSocket = true }),
    ]

    @Test("each thing that is wrong with a home is found, with what helps", arguments: homes)
    func home(_ wrong: DoctorCase<HomeFacts>) {
        let (id, expected) = (wrong.id, wrong.state)
        var facts = well
        wrong.change(&facts)
        let checks = HomeChecks.all(facts)
        #expect(state(checks, id) == expected)
        #expect(checks.filter { $0.state != .ok }.map(\.id) == [id], "nothing else is touched")
        #expect(checks.allSatisfy { $0.state == .ok || $0.fix != nil })
    }

    static let services: [DoctorCase<ServiceFacts>] = [
        DoctorCase("setup", .warn, { $0.isSetUp = false }),
        DoctorCase("admin", .warn, { $0.hasAdmin = false }),
        DoctorCase("registrations", .warn, { $0.peopleWaiting = 100 }),
        DoctorCase("mode", .warn, { $0.mode = "read-only" }),
        DoctorCase("audit", .fail, { $0.brokenAuditLine = 3 }),
        DoctorCase("backup", .warn, { $0.ownPosts = 1 }),
        DoctorCase("backup", .warn, { $0.lastBackup = 10_000_000 - 3 * 86_400 }),
        DoctorCase("backup", .fail, { $0.lastBackup = 10_000_000 - 30 * 86_400 }),
        DoctorCase("signing", .warn, { $0.heldSince = 5 }),
        DoctorCase("catalog", .warn, { $0.linesBehind = 5000 }),
        DoctorCase("blobs", .fail, { $0.badBlobs = ["ab"] }),
        DoctorCase("damaged", .warn, { $0.damagedBlobs = 1 }),
        DoctorCase(
            "scrub", .warn,
            {
                $0.age = 40 * 86_400
                $0.inService = 100
                $0.verified = 10
            }
        ),
        DoctorCase(
            "budget", .warn,
            {
                $0.budget = 1000
                $0.used = 1000
            }
        ),
        DoctorCase("forecast", .warn, { $0.daysLeft = 3 }),
        DoctorCase("dump", .warn, { $0.dumpsNightly = true }),
        DoctorCase("peers", .fail, { $0.peers = [.init(name: "a", isWell: false, trouble: "refused")] }),
        DoctorCase(
            "peers", .warn,
            {
                $0.peers = [
                    .init(name: "a", isWell: false, trouble: "refused"),
                    .init(name: "b", isWell: true, trouble: ""),
                ]
            }
        ),
        DoctorCase("callers", .warn, { $0.waitingPeers = 1 }),
        DoctorCase("mirrors", .warn, { $0.mirrorTroubles = ["rule 1 has no room"] }),
        DoctorCase("currencies", .fail, { $0.stoppedCurrencies = ["BZ": "forked"] }),
        DoctorCase("currencies", .warn, { $0.liars = ["BZ": 1] }),
        DoctorCase("currencies", .warn, { $0.pendingOrders = ["BZ": 2] }),
        DoctorCase("jobs", .warn, { $0.jobsWaiting = 150 }),
        DoctorCase("engine", .warn, { $0.engineTrouble = "no answer" }),
    ]

    @Test("each thing that is wrong with what runs is found, with what helps", arguments: services)
    func findsInServices(_ wrong: DoctorCase<ServiceFacts>) {
        let (id, expected) = (wrong.id, wrong.state)
        var facts = ServiceFacts()
        wrong.change(&facts)
        let checks = ServiceChecks.all(facts, now: 10_000_000)
        #expect(state(checks, id) == expected, "\(checks.first { $0.id == id }.map { "\($0)" } ?? "")")
        #expect(checks.filter { $0.state != .ok }.map(\.id) == [id], "nothing else is touched")
        #expect(checks.allSatisfy { $0.state == .ok || $0.fix != nil })
    }

    @Test("only what loses nothing is called safe")
    func safety() {
        var facts = well
        facts.wideOpen = [.init(path: "/home/bee/db", mode: 0o755, wanted: 0o700)]
        facts.leftovers = ["/home/bee/tmp/x": 5]
        facts.databases[0].trouble = "malformed"
        let safe = HomeChecks.all(facts).filter(\.isSafe).map(\.id)
        #expect(Set(safe) == ["home-rights", "leftovers"])
    }

    @Test("a home that is not there is one thing to say")
    func nowhere() {
        var facts = HomeFacts()
        facts.isThere = false
        let report = DoctorReport.closed(facts, trouble: OperationError(.notFound, "there is none"))
        #expect(report.checks.map(\.id) == ["home"] && report.state == .fail)
    }
}
