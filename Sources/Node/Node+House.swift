import Administration
import BlobStore
import Digests
import Federation
import Gateway
public import Logging
import Moderation
public import Operations
import Synchronization

/// What the running node does for its own operations.
extension Node: HouseKeeping {
    public func settingDescriptions() -> [SettingDescription] { settings.descriptions }

    public func check(setting: String, value: String) throws(OperationError) {
        try settings.check(setting, value)
    }

    public func applySettings() async throws(OperationError) {
        let chosen: [ChosenSetting]
        do {
            chosen = try await administration.chosenSettings()
        } catch {
            throw OperationError(error)
        }
        let settings = chosenSettings.withLock { settings in
            settings.choose(chosen)
            return settings
        }
        siteTexts.set(name: Self.displayName(settings, identity.id), rules: settings["rules"])
        moderation.setCeiling(Level(word: settings["ceiling"]) ?? .xxx)
        blobs.setRoom(
            budget: ByteSize(settings["storage.budget"])?.bytes,
            keepFree: ByteSize(settings["storage.keep_free"])?.bytes ?? 0)
        federation.setPolicy(FollowPolicy(rawValue: settings["federation.policy"]) ?? .open)
        // Peers are told the name and the ceiling.
        if let url = context().publicURL { await announce([url]) }
    }

    public func survey(isThorough: Bool) async -> HomeFacts {
        await HomeSurvey(
            home: home, settings: settings, settingsTrouble: nil, environment: environment,
            isServing: context().publicURL != nil, isThorough: isThorough
        ).facts()
    }

    public func takeFirstWords() -> String? {
        firstWords.withLock { words in
            defer { words = nil }
            return words
        }
    }

    public var hasFirstWords: Bool { firstWords.withLock { $0 != nil } }

    public func begin(
        _ name: String, _ work: @escaping @Sendable (OperationContext) async throws(OperationError) -> Void
    ) -> Bool {
        guard chores.names.withLock({ $0.insert(name).inserted }) else { return false }
        chores.add.yield(Chores.Chore(name: name, work: work))
        return true
    }

    public func isUnderWay(_ name: String) -> Bool {
        chores.names.withLock { $0.contains(name) }
    }

    /// Does what somebody began and does not wait for, one after another.
    func doChores() async {
        for await chore in chores.all {
            do throws(OperationError) {
                try await chore.work(context())
            } catch {
                logger.warning("\(chore.name)", metadata: ["why": "\(error.message)"])
            }
            _ = chores.names.withLock { $0.remove(chore.name) }
            if Task.isCancelled { return }
        }
    }

    public func openDoors() {
        openedDoors.yield()
    }

    /// The words of a home that was made just now: its owner may want to see them in the browser.
    public func keepFirstWords(_ words: String) {
        firstWords.withLock { $0 = words.isEmpty ? nil : words }
    }

    /// Remembers how much of the disk is free today.
    func noteDisk() async {
        do {
            guard let free = try await blobs.storeRoom().free else { return }
            try await administration.noteDisk(free: free)
        } catch {
            logger.warning("the disk could not be looked at", metadata: ["why": "\(error)"])
        }
    }

    /// Looks at a home, be it open or not.
    ///
    /// - Parameter fixes: does what is safe.
    public static func diagnose(
        home: Home, environment: [String: String], fixes: Bool, passphrase: String?, logger: Logger,
        progress: @escaping @Sendable (Progress) -> Void
    ) async -> DoctorReport {
        let settings: Settings?
        var trouble: OperationError?
        do throws(OperationError) {
            settings = try Settings(home: home, flags: [:], environment: environment)
        } catch {
            settings = nil
            trouble = error
        }
        if let settings {
            do throws(OperationError) {
                return try await run(
                    Diagnose(fixes: fixes), home: home, settings: settings, passphrase: passphrase, logger: logger,
                    progress: progress)
            } catch {
                trouble = error
            }
        }
        let survey = HomeSurvey(
            home: home, settings: settings, settingsTrouble: settings == nil ? trouble?.message : nil,
            environment: environment, isServing: false, isThorough: true)
        var facts = await survey.facts()
        var fixed: [String] = []
        if fixes, facts.isThere {
            fixed = HomeRepairs(home).carryOut(facts)
            if !fixed.isEmpty {
                // What kept it closed may be mended.
                if let settings,
                    let report = try? await run(
                        Diagnose(), home: home, settings: settings, passphrase: passphrase, logger: logger,
                        progress: progress)
                {
                    return DoctorReport(checks: report.checks, fixed: fixed, isServing: report.isServing)
                }
                facts = await survey.facts()
            }
        }
        return .closed(facts, fixed: fixed, trouble: trouble ?? OperationError(.failed, "it cannot be told why"))
    }
}

/// What somebody began and does not wait for.
struct Chores: ~Copyable, Sendable {
    struct Chore: Sendable {
        let name: String
        let work: @Sendable (OperationContext) async throws(OperationError) -> Void
    }

    let all: AsyncStream<Chore>
    let add: AsyncStream<Chore>.Continuation
    let names = Mutex<Set<String>>([])

    init() {
        (all, add) = AsyncStream.makeStream(of: Chore.self)
    }
}
