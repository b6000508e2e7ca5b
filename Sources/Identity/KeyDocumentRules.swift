import Digests
import FoundationEssentials
import WaggleProtocol

/// Why a key document or its place in a chain is refused.
public enum KeyChainError: Error, Equatable, Sendable {
    case malformed(String)
    case notSignedByRoots(needed: Int, found: Int)
    case unknownParent
    case notASuccessor(String)
    case tooLong(limit: Int)

    public var message: String {
        switch self {
        case .malformed(let what): "the key document is malformed: \(what)"
        case .notSignedByRoots(let needed, let found): "signed by \(found) of the \(needed) root keys it needs"
        case .unknownParent: "the version before it is not known here"
        case .notASuccessor(let what): "it does not follow the version before it: \(what)"
        case .tooLong(let limit): "the key chain has reached its limit of \(limit) versions"
        }
    }
}

extension WireKeyDocument {
    /// The form of one document, whatever its place in a chain.
    func checkForm() throws(KeyChainError) {
        func require(_ isTrue: Bool, _ what: String) throws(KeyChainError) {
            if !isTrue { throw .malformed(what) }
        }
        let limit = Limits.Post.keysPerDocument
        try require(version >= 1, "versions start at 1")
        try require(version == 1 ? previous.isEmpty : previous.count == 32, "previous")
        try require((1...limit).contains(roots.count), "1 to \(limit) roots")
        try require(roots.allSatisfy { $0.count == 32 } && Set(roots).count == roots.count, "roots")
        try require((1...roots.count).contains(Int(threshold)), "threshold")
        try require(nextRoots.count <= limit, "at most \(limit) next roots")
        try require(nextRoots.allSatisfy { $0.count == 32 } && Set(nextRoots).count == nextRoots.count, "next roots")
        try require(
            nextRoots.isEmpty ? nextThreshold == 0 : (1...nextRoots.count).contains(Int(nextThreshold)),
            "next threshold")
        try require(devices.count <= limit && Set(devices.map(\.key)).count == devices.count, "devices")
        for device in devices {
            try require(device.key.count == 32 && !roots.contains(device.key), "a device key")
            try require(!device.scopes.isEmpty && device.scopes.count <= 16, "a device's scopes")
            try require(device.label.utf8.count <= Limits.Post.labelBytes, "a device's label")
            try require(device.notAfter == 0 || device.notBefore <= device.notAfter, "a device's period")
        }
        try require(revocations.count <= limit, "at most \(limit) revocations")
        for revocation in revocations {
            try require(revocation.key.count == 32, "a revoked key")
            switch revocation.reason {
            case .retired: try require(revocation.checkpoint.isEmpty, "retired keys have no checkpoint")
            case .lost, .compromised: try require([0, 32].contains(revocation.checkpoint.count), "a checkpoint")
            default: throw .malformed("a revocation's reason")
            }
        }
        try require(role == .person || role == .node, "role")
        try require([0, 32].contains(boxKey.count), "box key")
    }

    /// How many of `signers` are roots of this document.
    func rootSignatures(_ signers: [Hash32]) -> Int {
        let known = Set(roots)
        return Set(signers).count { known.contains($0.data) }
    }
}
