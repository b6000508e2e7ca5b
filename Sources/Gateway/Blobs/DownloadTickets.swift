import Digests

/// Lets a link to a blob be followed without the token that it was given for: clients drop `Authorization` between hosts,
/// and download programs know only the link. A ticket names one blob, ends after an hour and with the process.
struct DownloadTickets: Sendable {
    private let secret = [UInt8]((0..<32).map { _ in UInt8.random(in: .min ... .max) })
    private static let seconds: UInt64 = 3600

    func issue(for hash: Hash32, now: UInt64) -> String {
        let expires = now + Self.seconds
        return "\(expires).\(proof(hash, expires).hex)"
    }

    func admits(_ ticket: String, to hash: Hash32, now: UInt64) -> Bool {
        let parts = ticket.split(separator: ".")
        guard parts.count == 2, let expires = UInt64(parts[0]), expires >= now, let given = Hash32(hex: parts[1]) else {
            return false
        }
        // Comparing digests takes the same time wherever the proofs differ.
        return SHA256.hash(given.bytes) == SHA256.hash(proof(hash, expires).bytes)
    }

    /// Hashed twice under the secret, so that nobody can append to what was hashed.
    private func proof(_ hash: Hash32, _ expires: UInt64) -> Hash32 {
        SHA256.hash(secret + SHA256.hash(secret + hash.bytes + Array("\(expires)".utf8)).bytes)
    }
}
