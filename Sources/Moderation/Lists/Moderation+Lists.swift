public import Digests
public import Formats
import Synchronization
import WaggleProtocol

extension Moderation {
    /// What lists do here now.
    public var listEffects: ListEffects { lists.withLock { $0.effects } }

    /// Grows with each change of the policy or of what lists say.
    public var listVersion: UInt64 { lists.withLock { $0.version } }

    /// A look at the policy: what the lists say, and what was decided.
    public func withPolicy<Result: Sendable>(_ body: (ListPolicy) throws -> Result) rethrows -> Result {
        try lists.withLock { try body($0.policy) }
    }

    /// Changes the policy, keeps what was decided, and then has it act.
    ///
    /// What only entries change needs no keeping. Nothing acts that is not on the disk; decisions are taken one after another.
    ///
    /// - Parameter now: unix seconds at which effects are computed.
    public func changePolicy<Result: Sendable>(
        at now: UInt64, _ body: @escaping @Sendable (inout ListPolicy) throws -> Result
    ) async throws -> (result: Result, effects: ListEffects) {
        try await deciding.run { [self] in
            var policy = lists.withLock { $0.policy }
            let result = try body(&policy)
            let changes = policy.takeChanges()
            if !changes.isEmpty { try await store.write { try ListTables.keep($0, changes) } }
            let next = policy
            let effects = ListEffects(next.effects(at: now)) { next.salt(of: $0) }
            lists.withLock { state in
                (state.policy, state.effects) = (next, effects)
                state.version += 1
            }
            return (result, effects)
        }
    }

    /// What a list refuses a subject for, where that is a block or graver.
    func listTakedown(of subject: ModerationSubject) -> Takedown? {
        let effect = lists.withLock { state -> ListEffect? in
            if let effect = state.effects.effect(on: subject) { return effect }
            guard case .blob(let hash) = subject, let tensors = state.files[hash] else { return nil }
            return state.effects.effect(on: .tensors(tensors))
        }
        guard let effect, effect.action >= .block else { return nil }
        return Takedown(effect)
    }

    /// Says which files here have which of the tensors that lists act on, whatever their releases say.
    ///
    /// - Parameter files: tensor digest by SHA-256.
    public func setListedFiles(_ files: [Hash32: Hash32]) {
        lists.withLock { $0.files = files }
    }

    /// Whether it is a list, and no decision of this node, that takes something down.
    public func isListed(_ subject: ModerationSubject) -> Bool {
        purgeRow(for: subject) == nil && blocked.withLock { $0.exact[subject] } == nil
            && listTakedown(of: subject) != nil
    }

    /// What hides a picture that looks like something which is blocked, here or by a list.
    public func takedown(lookingLike picture: PDQ) -> Takedown? {
        if let row = block(lookingLike: picture) {
            return Takedown(caseNumber: row.caseNumber, reason: row.reason, isForGood: false)
        }
        guard let effect = listEffects.effect(onPicture: picture), effect.action >= .block else { return nil }
        return Takedown(effect)
    }

    /// Whether pictures have to be compared at all, with what is blocked here and by lists.
    public var comparesPictures: Bool { blocksPictures || listEffects.comparesPictures }

    /// The list that refuses posts of a device key.
    public func takedown(ofKey key: Hash32) -> Takedown? {
        guard let effect = listEffects.effect(onKey: key), effect.action >= .hide else { return nil }
        return Takedown(effect)
    }

    /// The list that refuses what a node says of itself and brings.
    public func takedown(ofNode node: Hash32) -> Takedown? {
        guard let effect = listEffects.effect(onNode: node), effect.action >= .hide else { return nil }
        return Takedown(effect)
    }

    /// The list that refuses a host.
    public func takedown(ofHost host: String) -> Takedown? {
        guard let effect = listEffects.effect(onHost: host), effect.action >= .hide else { return nil }
        return Takedown(effect)
    }
}

/// The policy and what comes of it, together.
struct ListState: Sendable {
    var policy: ListPolicy
    var effects: ListEffects
    /// Files here whose tensors lists act on: tensor digest by SHA-256.
    var files: [Hash32: Hash32] = [:]
    var version: UInt64 = 0
}

extension Takedown {
    init(_ effect: ListEffect) {
        self.init(
            caseNumber: effect.entry.shownCase, reason: effect.entry.reason, isForGood: false)
    }
}

/// Runs one decision at a time, in the order in which they were asked for.
final class Turns: Sendable {
    private let last = Mutex<Task<Void, Never>?>(nil)

    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let task = last.withLock { last -> Task<Value, any Error> in
            let before = last
            let task = Task {
                await before?.value
                return try await body()
            }
            last = Task { _ = try? await task.value }
            return task
        }
        return try await task.value
    }
}
