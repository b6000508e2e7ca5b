import Digests
public import WaggleProtocol

/// Remembers the nonces of accepted requests, so that none is accepted twice.
///
/// A nonce is kept for 120 s: the 60 s of a signature and twice the accepted difference of clocks. Only nonces of valid
/// signatures get in, each signer has a share, and when the share or the whole is used up, further requests are refused
/// rather than an old nonce forgotten.
public struct NonceCache: Sendable {
    private struct Entry {
        let until: UInt64
        let nonce: Hash32
        let signer: Hash32
    }

    private let seconds: UInt64
    private let capacity: Int
    private let capacityPerKey: Int
    /// In the order of arrival; those before `head` are forgotten.
    private var entries: [Entry] = []
    private var head = 0
    private var nonces: Set<Hash32> = []
    private var countBySigner: [Hash32: Int] = [:]

    public init(
        seconds: UInt64 = Limits.Wire.nonceSeconds, capacity: Int = Limits.Wire.nonces,
        capacityPerKey: Int = Limits.Signature.noncesPerKey
    ) {
        self.seconds = seconds
        self.capacity = capacity
        self.capacityPerKey = capacityPerKey
    }

    /// Nonces in memory.
    public var count: Int { nonces.count }

    /// The request, when its nonce was not used before.
    ///
    /// - Parameter now: unix seconds, the same clock as that of `RequestVerifier`.
    /// - Throws: `replayed` or `tooManyRequests`.
    public mutating func admit(_ proof: SignatureProof, now: UInt64) throws(SignatureError) -> VerifiedRequest {
        forget(now: now)
        let signer = SHA256.hash(Array(proof.request.keyID.utf8))
        let nonce = SHA256.hash(signer.bytes + proof.nonce.utf8)
        guard !nonces.contains(nonce) else { throw .replayed }
        guard nonces.count < capacity, countBySigner[signer, default: 0] < capacityPerKey else {
            throw .tooManyRequests
        }
        nonces.insert(nonce)
        countBySigner[signer, default: 0] += 1
        entries.append(Entry(until: now + seconds, nonce: nonce, signer: signer))
        return proof.request
    }

    private mutating func forget(now: UInt64) {
        // A nonce that was seen more than `seconds` from now in the future was seen before the clock was set back. By now
        // its request is from the future and refused for that.
        while head < entries.count, entries[head].until < now || entries[head].until > now + 2 * seconds {
            nonces.remove(entries[head].nonce)
            let signer = entries[head].signer
            countBySigner[signer] = countBySigner[signer].flatMap { $0 > 1 ? $0 - 1 : nil }
            head += 1
        }
        if head > entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
    }
}
