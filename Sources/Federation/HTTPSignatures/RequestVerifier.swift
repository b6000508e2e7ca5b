public import Digests
import Identity
import WaggleProtocol

/// A request as the server got it.
public struct ReceivedRequest: Sendable {
    public var method: String
    /// Path and query as they stand in the request line, or `:path`.
    public var requestTarget: String
    /// `Host`, or `:authority`. Never trusted; it only helps to explain a signature for another URL.
    public var authority: String
    /// All fields in the order received.
    public var fields: [(name: String, value: String)]
    /// False when there is no body or its length is known to be 0.
    public var hasBody: Bool

    public init(
        method: String, requestTarget: String, authority: String, fields: [(name: String, value: String)], hasBody: Bool
    ) {
        self.method = method
        self.requestTarget = requestTarget
        self.authority = authority
        self.fields = fields
        self.hasBody = hasBody
    }
}

/// What a request says of its own signature. Everything about it was checked but the signature, which needs the keys of
/// the node that `keyID` names, and the nonce.
public struct SignatureClaim: Sendable {
    public let keyID: String
    fileprivate let nonce: String
    fileprivate let request: ReceivedRequest
    fileprivate let input: FieldInnerList
    fileprivate let signature: [UInt8]
    fileprivate let bodyDigest: Hash32?
}

/// A request whose signature is right. Whether it is a replay is for the `NonceCache` to say.
public struct SignatureProof: Sendable {
    let request: VerifiedRequest
    let nonce: String
}

/// A request that the named node made, for this node, once.
public struct VerifiedRequest: Hashable, Sendable {
    /// The node id as the signature gives it.
    public let keyID: String
    /// The key that signed.
    public let key: Hash32
    /// The SHA-256 that the body must have; nil when there is no body.
    public let bodyDigest: Hash32?

    /// Throws unless `digest` is the signed digest of the body. A body must not be acted on before this.
    public func check(bodyDigest digest: Hash32) throws(SignatureError) {
        guard let bodyDigest else { throw .digest(.noSHA256) }
        guard bodyDigest == digest else { throw .digest(.mismatch(named: bodyDigest, actual: digest)) }
    }
}

/// Checks the signatures of requests from other nodes (RFC 9421, label `w`, tag `waggle-1`).
///
/// Three steps, because the keys of a node are looked up in between: `claim(of:now:)`, then `verify(_:keys:)`, then
/// `NonceCache.admit(_:now:)`, which gives the `VerifiedRequest`. Signatures under other labels are ignored.
///
/// The URL that was signed is rebuilt from the configured URLs of this node, whatever `Host` says: behind a reverse proxy
/// `Host` may be anything, and a request signed for one node must not be good for another.
public struct RequestVerifier: Sendable {
    private let urls: [PeerURL]

    /// - Parameter urls: the public and listen URLs of this node, at most eight; more are ignored.
    public init(urls: [PeerURL]) {
        self.urls = Array(urls.prefix(Limits.Signature.targetURLs))
    }

    /// Reads the signature and checks all that needs no key.
    public func claim(of request: ReceivedRequest, now: UInt64) throws(SignatureError) -> SignatureClaim {
        guard request.requestTarget.first == "/", request.requestTarget.utf8.count <= Limits.Wire.urlBytes,
            request.authority.utf8.count <= Limits.Wire.urlBytes
        else { throw .malformedField("request target") }
        let (input, signature) = try Self.signature(in: request)
        let parameters = input.parameters
        guard parameters["alg"] == .string(SignatureProfile.algorithm) else {
            throw .wrongAlgorithm(parameters["alg"]?.serialized)
        }
        guard parameters["tag"] == .string(SignatureProfile.tag) else {
            throw .wrongTag(parameters["tag"]?.serialized)
        }
        let keyID = try Self.text("keyid", parameters, maximum: Limits.Signature.keyIDBytes)
        let nonce = try Self.text("nonce", parameters, maximum: Limits.Signature.nonceBytes)
        try Self.checkTimes(parameters, now: now)
        try Self.checkComponents(input, hasBody: request.hasBody)

        var bodyDigest: Hash32?
        if request.hasBody {
            do {
                bodyDigest = try ContentDigest.digest(in: request.values(of: SignatureProfile.digestField))
            } catch {
                throw .digest(error)
            }
        }
        return SignatureClaim(
            keyID: keyID, nonce: nonce, request: request, input: input, signature: signature, bodyDigest: bodyDigest)
    }

    /// Checks the signature against `keys`, those that may sign for the node that the claim names. Costs at most one
    /// verification a key and URL.
    public func verify(_ claim: SignatureClaim, keys: [Hash32]) throws(SignatureError) -> SignatureProof {
        guard !keys.isEmpty else { throw .unknownKey(keyID: claim.keyID) }
        for target in urls.flatMap({ $0.targets(of: claim.request.requestTarget) }) {
            if let key = try Self.signer(of: claim, target, keys) {
                let request = VerifiedRequest(keyID: claim.keyID, key: key, bodyDigest: claim.bodyDigest)
                return SignatureProof(request: request, nonce: claim.nonce)
            }
        }
        // Tell a wrongly configured URL from a forged signature: the operator can mend the first.
        for scheme in ["https", "http"] {
            let target = "\(scheme)://\(claim.request.authority.lowercased())\(claim.request.requestTarget)"
            if try Self.signer(of: claim, target, keys) != nil { throw .wrongTarget(target) }
        }
        throw .badSignature
    }

    private static func signature(
        in request: ReceivedRequest
    ) throws(SignatureError) -> (input: FieldInnerList, signature: [UInt8]) {
        guard case .innerList(let input)? = try member("signature-input", request),
            case .item(let item)? = try member("signature", request)
        else { throw .missing }
        guard case .bytes(let signature) = item.value, signature.count == Ed25519.signatureBytes else {
            throw .malformedField("signature")
        }
        return (input, signature)
    }

    /// The member labelled `w` of a dictionary field.
    private static func member(_ field: String, _ request: ReceivedRequest) throws(SignatureError) -> FieldMember? {
        do {
            return try StructuredFieldParser.dictionary(request.values(of: field))
                .first { $0.key == SignatureProfile.label }?.value
        } catch {
            throw .malformedField(field)
        }
    }

    private static func text(
        _ name: String, _ parameters: FieldParameters, maximum: Int
    ) throws(SignatureError) -> String {
        guard case .string(let text)? = parameters[name], !text.isEmpty, text.utf8.count <= maximum else {
            throw .missingParameter(name)
        }
        return text
    }

    private static func time(_ name: String, _ parameters: FieldParameters) throws(SignatureError) -> UInt64 {
        guard case .integer(let seconds)? = parameters[name], let time = UInt64(exactly: seconds) else {
            throw .missingParameter(name)
        }
        return time
    }

    private static func checkTimes(_ parameters: FieldParameters, now: UInt64) throws(SignatureError) {
        let created = try time("created", parameters)
        let expires = try time("expires", parameters)
        guard expires >= created, expires - created <= Limits.Wire.signatureSeconds else {
            throw .lifetime(created: created, expires: expires)
        }
        let skew = Limits.Wire.signatureSkew
        guard now <= expires || now - expires <= skew else { throw .expired(at: expires, now: now) }
        guard created <= now || created - now <= skew else { throw .fromTheFuture(created: created, now: now) }
    }

    private static func checkComponents(_ input: FieldInnerList, hasBody: Bool) throws(SignatureError) {
        let required = SignatureProfile.components(hasBody: hasBody)
        for name in required where !input.items.contains(FieldItem(value: .string(name))) {
            throw .missingComponent(name)
        }
        let allowed = required.map { FieldItem(value: .string($0)) }
        if let item = input.items.first(where: { !allowed.contains($0) }) {
            throw .unexpectedComponent(item.serialized)
        }
    }

    /// The one of `keys` that signed the claim for `target`.
    private static func signer(
        of claim: SignatureClaim, _ target: String, _ keys: [Hash32]
    ) throws(SignatureError) -> Hash32? {
        let request = SignableRequest(method: claim.request.method, targetURI: target, fields: claim.request.fields)
        let text = try SignatureBase.text(of: request, claim.input)
        return keys.first { Ed25519.verify(claim.signature, message: text, key: $0) }
    }
}

extension ReceivedRequest {
    /// The values of all lines of a field, `name` in lower case.
    fileprivate func values(of name: String) -> [String] {
        SignableRequest(method: method, targetURI: "", fields: fields).values(of: name)
    }
}

extension PeerURL {
    /// The URLs by which a client may have reached `requestTarget`: a reverse proxy takes the path prefix away or not.
    fileprivate func targets(of requestTarget: String) -> [String] {
        let isWhole = !pathPrefix.isEmpty && requestTarget.hasPrefix(pathPrefix + "/")
        return [appending(requestTarget)] + (isWhole ? ["\(scheme.rawValue)://\(authority)\(requestTarget)"] : [])
    }
}
