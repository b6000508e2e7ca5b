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
    public let notAfter: UInt64
    public let revocation: Revocation?

    /// A revocation as it stands: a stronger reason is never weakened by a later document.
    public struct Revocation: Equatable, Sendable {
        public let since: UInt64
        public let reason: WireRevocationReason
        /// Ids of the checkpoint posts that some document in force names for the key.
        public let checkpoints: [Hash32]

        var cuts: Bool { reason == .lost || reason == .compromised }
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
        let isNamed = revocation.checkpoints.contains { checkpoint($0)?.contains(id) ?? false }
        return isNamed ? .accepted : .refused("the key was reported \(revocation.reason == .lost ? "lost" : "compromised")")
    }

    static func collect(_ path: [KeyChain.Version]) -> [Hash32: DeviceAuthority] {
        var devices: [Hash32: WireDevice] = [:]
        var leftOut: [Hash32: UInt64] = [:]
        var revocations: [Hash32: Revocation] = [:]
        for version in path {
            var listed: Set<Hash32> = []
            for device in version.document.devices {
                guard let key = Hash32(device.key) else { continue }
                devices[key] = device
                leftOut[key] = nil
                listed.insert(key)
            }
            for key in devices.keys where !listed.contains(key) && leftOut[key] == nil {
                leftOut[key] = version.created
            }
            for revocation in version.document.revocations {
                guard let key = Hash32(revocation.key) else { continue }
                revocations[key] = stronger(revocations[key], revocation)
            }
        }
        var authority: [Hash32: DeviceAuthority] = [:]
        for (key, device) in devices {
            let end = device.notAfter == 0 ? UInt64.max : device.notAfter
            authority[key] = DeviceAuthority(
                label: device.label, scopes: Set(device.scopes), notBefore: device.notBefore,
                notAfter: min(end, leftOut[key] ?? .max), revocation: revocations[key])
        }
        return authority
    }

    private static func stronger(_ old: Revocation?, _ new: WireRevocation) -> Revocation {
        let checkpoint = Hash32(new.checkpoint).map { [$0] } ?? []
        guard let old else { return Revocation(since: new.since, reason: new.reason, checkpoints: checkpoint) }
        func strength(_ reason: WireRevocationReason) -> Int { reason == .retired ? 0 : reason == .lost ? 1 : 2 }
        return Revocation(
            since: min(old.since, new.since),
            reason: strength(new.reason) > strength(old.reason) ? new.reason : old.reason,
            checkpoints: old.checkpoints.isEmpty ? checkpoint : old.checkpoints)
    }
}
