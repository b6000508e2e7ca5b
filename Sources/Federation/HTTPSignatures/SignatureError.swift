import WaggleProtocol

/// Why a signed request is refused. `status` and the two properties beside it say what to answer.
public enum SignatureError: Error, Hashable, Sendable {
    /// There is no signature labelled `w`.
    case missing
    /// A field, or the request target, does not follow its grammar or is longer than a node reads.
    case malformedField(String)
    /// Another algorithm than `ed25519`, or none named.
    case wrongAlgorithm(String?)
    /// Another tag than `waggle-1`, or none.
    case wrongTag(String?)
    /// A required parameter is not there or not of its type.
    case missingParameter(String)
    /// A required component is not covered, or covered but not sent.
    case missingComponent(String)
    /// Something is covered that this protocol does not cover.
    case unexpectedComponent(String)
    /// `expires` is before `created`, or more than 60 s behind it.
    case lifetime(created: UInt64, expires: UInt64)
    /// Past its time on the clock of this node.
    case expired(at: UInt64, now: UInt64)
    /// Made in the future on the clock of this node.
    case fromTheFuture(created: UInt64, now: UInt64)
    /// No key of the named node may sign for it.
    case unknownKey(keyID: String)
    /// Rightly signed, but for a URL that is not configured as one of this node's.
    case wrongTarget(String)
    /// Signed by another key, or changed on the way.
    case badSignature
    /// The nonce was used before.
    case replayed
    /// The signer, or all signers together, sent more requests than nonces are remembered.
    case tooManyRequests
    /// The covered digest is missing, malformed, or not that of the body.
    case digest(DigestError)
}

extension SignatureError {
    /// The HTTP status of the answer.
    public var status: Int {
        switch self {
        case .malformedField, .lifetime, .digest: 400
        case .missing, .wrongAlgorithm, .wrongTag, .missingParameter, .missingComponent, .unexpectedComponent,
            .expired, .fromTheFuture, .unknownKey, .badSignature, .replayed:
            401
        case .wrongTarget: 421
        case .tooManyRequests: 429
        }
    }

    /// True when clocks may differ: the answer then carries this node's `Date`, so that the peer can tell whose is wrong.
    public var isClockError: Bool {
        switch self {
        case .expired, .fromTheFuture: true
        default: false
        }
    }

    /// Seconds for `Retry-After`.
    public var retryAfter: UInt64? {
        self == .tooManyRequests ? Limits.Wire.nonceSeconds : nil
    }
}

extension SignatureError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing: "the request has no signature labelled w (RFC 9421)"
        case .malformedField(let name): "\(name) is malformed or too long"
        case .wrongAlgorithm(let name): "the signature's alg is \(name ?? "missing"); it must be ed25519"
        case .wrongTag(let tag): "the signature's tag is \(tag ?? "missing"); it must be waggle-1"
        case .missingParameter(let name): "the signature lacks the parameter \(name)"
        case .missingComponent(let name): "the signature does not cover \(name), or the request does not have it"
        case .unexpectedComponent(let name): "the signature covers \(name), which this protocol does not"
        case .lifetime(let created, let expires):
            "the signature runs from \(created) to \(expires); it may run "
                + "\(Limits.Wire.signatureSeconds) seconds at most"
        case .expired(let time, let now): "the signature expired at \(time); it is \(now) here"
        case .fromTheFuture(let created, let now): "the signature was made at \(created); it is only \(now) here"
        case .unknownKey(let keyID): "no key of \(keyID) is known here"
        case .wrongTarget(let url): "the request was signed for \(url), which is no configured URL of this node"
        case .badSignature: "the signature is not valid"
        case .replayed: "the signature's nonce was used before"
        case .tooManyRequests: "too many signed requests; try again later"
        case .digest(let error): error.description
        }
    }
}
