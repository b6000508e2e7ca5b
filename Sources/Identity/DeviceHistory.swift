public import Digests
import FoundationEssentials
import WaggleProtocol

/// What the documents in force tell about one device key over time, for people who ask who signed.
public struct DeviceHistory: Equatable, Sendable {
    public let authority: DeviceAuthority
    /// Unix seconds: when the first document that lists the device was made, or its period begins, whichever is later.
    public let since: UInt64
    /// Unix seconds: when the author replaced the root keys, as often as that was after the device was listed.
    public let rotations: [UInt64]
    /// The newest document in force: its version, and when it was made. Nothing later is known of the device.
    public let newestVersion: UInt32
    public let newestCreated: UInt64
}

extension KeyChain {
    /// The history of a device that some document in force lists; nil for any other key.
    public func history(of device: Hash32) -> DeviceHistory? {
        let documents = inForce
        guard let authority = devices[device],
            let first = documents.firstIndex(where: { $0.document.devices.contains { $0.key == device.data } }),
            let newest = documents.last
        else { return nil }
        let rotations = documents[(first + 1)...].filter { version in
            version.parent.map { versions[$0].generation != version.generation } ?? false
        }
        return DeviceHistory(
            authority: authority, since: max(documents[first].created, authority.notBefore),
            rotations: rotations.map(\.created), newestVersion: newest.document.version,
            newestCreated: newest.created)
    }
}
