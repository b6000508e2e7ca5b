public import Digests
import FoundationEssentials
public import WaggleProtocol

/// Every key of an author as the documents in force tell of it.
public struct KeyListing: Sendable, Equatable {
    /// A key and what it may do.
    public struct Key: Sendable, Equatable {
        public enum Role: String, Sendable, Codable {
            /// Signs key documents and checkpoints.
            case root
            /// Was a root key before a rotation.
            case formerRoot = "former-root"
            /// Signs everything else.
            case device
        }

        public let key: Hash32
        public let role: Role
        public let label: String
        public let scopes: [WireScope]
        /// Unix seconds: when the first document that lists the key was made, or its period begins, whichever is later.
        public let since: UInt64
        /// Unix seconds; nil while there is no end.
        public let until: UInt64?
        public let revocation: DeviceAuthority.Revocation?
    }

    public let author: Hash32
    public let role: WireRole
    /// Of the newest document in force.
    public let version: UInt32
    /// How often the root keys were rotated.
    public let generation: UInt64
    /// Two rotations out of one generation exist.
    public let isDisputed: Bool
    /// Roots in force, then devices by age, then former roots.
    public let keys: [Key]

    public init(_ chain: KeyChain) {
        author = chain.author
        role = chain.role
        version = chain.current.version
        generation = chain.generation
        isDisputed = chain.isDisputed
        var former: [Key] = []
        var roots: [Key] = []
        for version in chain.inForce {
            let names = version.document.roots.compactMap { Hash32(field: $0) }
            if Set(roots.map(\.key)) == Set(names) { continue }
            former += roots.map { Self.root($0.key, .formerRoot, since: $0.since, until: version.created) }
            roots = names.map { Self.root($0, .root, since: version.created, until: nil) }
        }
        let devices = chain.devices.map { key, authority in
            Key(
                key: key, role: .device, label: authority.label,
                scopes: authority.scopes.sorted { $0.rawValue < $1.rawValue },
                since: chain.history(of: key)?.since ?? authority.notBefore,
                until: authority.notAfter < .max ? authority.notAfter : nil, revocation: authority.revocation)
        }
        keys = roots + devices.sorted { ($0.since, $0.key) < ($1.since, $1.key) } + former
    }

    private static func root(_ key: Hash32, _ role: Key.Role, since: UInt64, until: UInt64?) -> Key {
        Key(key: key, role: role, label: "", scopes: [], since: since, until: until, revocation: nil)
    }
}
