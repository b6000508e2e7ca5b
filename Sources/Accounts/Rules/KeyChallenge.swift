public import Digests
import Identity
import WaggleProtocol

/// What a key signs to sign in: a text that no post and no other node's challenge can be mistaken for.
///
/// The shape is that of CAIP-122 ("Sign in with X"): it names the origin and the node, so that a node which passes on the
/// challenge of another gets a signature that is good for nothing there.
public struct KeyChallenge: Sendable, Hashable {
    /// 64 hexadecimal digits.
    public let nonce: String
    /// `https://models.example`
    public let origin: String
    /// Author id of the node.
    public let node: Hash32
    /// Unix seconds.
    public let issued: UInt64

    public init(nonce: String, origin: String, node: Hash32, issued: UInt64) {
        self.nonce = nonce
        self.origin = origin
        self.node = node
        self.issued = issued
    }

    public var expires: UInt64 { issued + Limits.Accounts.challengeSeconds }

    /// The bytes that are signed.
    public var text: String {
        """
        waggle sign-in v1
        origin: \(origin)
        node: \(AuthorID.text(node))
        nonce: \(nonce)
        issued: \(issued)
        """
    }

    /// Is this the signature of the key over the challenge?
    public func isSigned(_ signature: [UInt8], by key: Hash32) -> Bool {
        Ed25519.verify(signature, message: Array(text.utf8), key: key)
    }
}

/// Challenges that were given out and not used. A value; the oldest go when it is full.
public struct OpenChallenges: Sendable {
    private var open: [String: KeyChallenge] = [:]

    public init() {}

    public mutating func add(_ challenge: KeyChallenge) {
        if open.count >= Limits.Accounts.challenges {
            open = open.filter { $0.value.expires > challenge.issued }
            if open.count >= Limits.Accounts.challenges, let oldest = open.values.min(by: { $0.issued < $1.issued }) {
                open[oldest.nonce] = nil
            }
        }
        open[challenge.nonce] = challenge
    }

    /// Gives a challenge out for its one use; nil when it is unknown, used or too old.
    public mutating func take(_ nonce: String, now: UInt64) -> KeyChallenge? {
        guard let challenge = open.removeValue(forKey: nonce), now < challenge.expires else { return nil }
        return challenge
    }
}
