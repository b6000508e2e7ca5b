public import Digests
import FoundationEssentials
public import WaggleProtocol

/// Whether a device key could sign a post.
public enum DeviceVerdict: Equatable, Sendable {
    case accepted
    /// The key was never allowed to, or is no longer: why, in words.
    case refused(String)
}

/// What the documents in force say of one device key.
public struct DeviceAuthority: Equatable, Sendable {
    public let label: String
    public let scopes: Set<WireScope>
    /// Unix seconds, inclusive.
    public let notBefore: UInt64
    /// Unix seconds, inclusive; a device that a later document leaves out ends when that document was made.
    public fileprivate(set) var notAfter: UInt64
    public fileprivate(set) var revocation: Revocation?

    /// A revocation as it stands: a stronger reason is never weakened by a later document.
    public struct Revocation: Equatable, Sendable {
        public let since: UInt64
        public let reason: WireRevocationReason
        /// Id of the checkpoint post that was the first to be named for the key; nil when none was.
        public let checkpoint: Hash32?

        var cuts: Bool { reason == .lost || reason == .compromised }
    }

    /// The checkpoint that decides which posts of the key count; nil while the key is good or was only retired.
    public var decidingCheckpoint: Hash32? {
        revocation.flatMap { $0.cuts ? $0.checkpoint : nil }
    }

    func verdict(
        created: UInt64, id: Hash32, scope: WireScope?, checkpoint: (Hash32) -> Set<Hash32>?
    ) -> DeviceVerdict {
        if let scope, !scopes.contains(scope) {
            return .refused("the device \"\(label)\" may not sign this kind")
        }
        guard created >= notBefore else { return .refused("the device was not in force yet") }
        guard created <= notAfter else { return .refused("the device was no longer in force") }
        guard let revocation else { return .accepted }
        if !revocation.cuts {
            return created <= revocation.since ? .accepted : .refused("the device was retired before")
        }
        // History is not rewritten: what a checkpoint names was said before the key was lost.
        let isNamed = revocation.checkpoint.flatMap(checkpoint)?.contains(id) ?? false
        return isNamed
            ? .accepted : .refused("the key was reported \(revocation.reason == .lost ? "lost" : "compromised")")
    }
}

/// The device keys of a chain, gathered document by document from the genesis on.
struct DeviceRegister: Sendable {
    private(set) var devices: [Hash32: DeviceAuthority] = [:]
    private var revocations: [Hash32: DeviceAuthority.Revocation] = [:]
    /// Keys that the newest document lists.
    private var listed: Set<Hash32> = []

    /// Takes in the next document in force.
    mutating func apply(_ document: WireKeyDocument, created: UInt64) {
        for revocation in document.revocations {
            guard let key = Hash32(field: revocation.key) else { continue }
            revocations[key] = Self.stronger(revocations[key], revocation)
            devices[key]?.revocation = revocations[key]
        }
        var nowListed: Set<Hash32> = []
        for device in document.devices {
            guard let key = Hash32(field: device.key) else { continue }
            nowListed.insert(key)
            devices[key] = DeviceAuthority(
                label: device.label, scopes: Set(device.scopes), notBefore: device.notBefore,
                notAfter: device.notAfter == 0 ? .max : device.notAfter, revocation: revocations[key])
        }
        for key in listed where !nowListed.contains(key) {
            if let end = devices[key]?.notAfter { devices[key]?.notAfter = min(end, created) }
        }
        listed = nowListed
    }

    private static func stronger(_ old: DeviceAuthority.Revocation?, _ new: WireRevocation)
        -> DeviceAuthority.Revocation
    {
        let checkpoint = Hash32(field: new.checkpoint)
        guard let old else { return .init(since: new.since, reason: new.reason, checkpoint: checkpoint) }
        return .init(
            since: min(old.since, new.since),
            reason: new.reason.strength > old.reason.strength ? new.reason : old.reason,
            checkpoint: old.checkpoint ?? checkpoint)
    }
}
