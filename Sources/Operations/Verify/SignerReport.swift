import Digests
import FoundationEssentials
import Identity
import WaggleProtocol

/// Which key signed a release, and what became of it: for a person who decides whether to trust a file.
public struct SignerReport: Codable, Sendable, Equatable {
    /// What the newest documents in force say of the key.
    public enum State: String, Codable, Sendable {
        case inForce = "in-force"
        /// A later document left it out, or its period has an end.
        case ended
        case retired, lost, compromised
    }

    /// The device key, in hexadecimal.
    public let key: String
    /// What its owner calls the device.
    public let label: String
    /// Unix seconds: since when the author's keys list it.
    public let since: UInt64
    public let state: State
    /// Unix seconds: the end of the period, or when the owner says that the key was retired, lost or compromised. Nil
    /// while it is in force.
    public let stateSince: UInt64?
    /// Unix seconds: when the author's root keys were replaced after the key was listed.
    public let rotations: [UInt64]
    /// Two rotations exist: the author's next keys leaked, or the author rotated twice.
    public let isDisputed: Bool
    /// The version of the newest key document that was looked at, and unix seconds of when it was made.
    public let keysVersion: UInt32
    public let keysDated: UInt64
    /// What all this means for the release, in words.
    public let meaning: String

    /// - Parameter isAccepted: whether the release stands by these keys. A key that never was one has no report.
    init?(device: Hash32, release: SignedPost, chain: KeyChain, isAccepted: Bool) {
        guard let history = chain.history(of: device) else { return nil }
        let authority = history.authority
        key = device.hex
        label = authority.label
        since = history.since
        rotations = history.rotations
        isDisputed = chain.isDisputed
        keysVersion = history.newestVersion
        keysDated = history.newestCreated
        if let revocation = authority.revocation {
            switch revocation.reason {
            case .lost: state = .lost
            case .compromised: state = .compromised
            default: state = .retired
            }
            stateSince = revocation.since
        } else if authority.notAfter < .max {
            state = .ended
            stateSince = authority.notAfter
        } else {
            state = .inForce
            stateSince = nil
        }
        meaning = Self.meaning(state, at: stateSince ?? 0, signed: release.post.created, isAccepted: isAccepted)
    }

    private static func meaning(_ state: State, at time: UInt64, signed: UInt64, isAccepted: Bool) -> String {
        let (day, signed) = (Self.day(time), Self.day(signed))
        switch (state, isAccepted) {
        case (.inForce, true): return "the author's keys list it, so the release is good"
        case (.inForce, false): return "the author's keys do not let it sign releases, or not at \(signed)"
        case (.ended, true):
            return "the author's keys list it until \(day); the release is from \(signed), so it is good"
        case (.ended, false): return "the author's keys list it until \(day), and the release is from \(signed)"
        case (.retired, true): return "retired on \(day); the release is from \(signed), before that, so it is good"
        case (.retired, false): return "retired on \(day), and the release is from \(signed), after that"
        case (.lost, true), (.compromised, true):
            return
                "reported \(state.rawValue) on \(day); the author's checkpoint names the release as one made before, "
                + "so it is good"
        case (.lost, false), (.compromised, false):
            return
                "reported \(state.rawValue) on \(day), and no checkpoint here names the release: whoever has the key "
                + "may have made it"
        }
    }

    private static func day(_ seconds: UInt64) -> String {
        // Anyone may write any number; those beyond the year 9999 have no day.
        guard seconds < 253_402_300_800 else { return "a day far ahead" }
        return Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601.year().month().day())
    }
}
