import Digests
import Identity

/// What makes a form one of somebody's own, and used once: a random name for what it will do, with a proof that it was made
/// for this session. It stands in the address that the form is sent to, so that it is looked at before a body is read.
///
/// Nothing is kept of it: the session's own secret, which no other site knows, is what proves it.
enum FormToken {
    static let parameter = "once"
    private static let nonceBytes = 16
    private static let proofDigits = 32

    static func make(session: String) -> String {
        let nonce = Hex.encode(SecureRandom.bytes(nonceBytes))
        return nonce + proof(nonce, session)
    }

    /// The random name; nil for a token that was not made for this session.
    static func nonce(of token: String, session: String) -> String? {
        let nonce = String(token.prefix(nonceBytes * 2))
        guard Hex.decode(nonce, count: nonceBytes) != nil,
            // Digests of equal length: the time that comparing takes tells nothing of the secret.
            SHA256.hash(Array(token.utf8)) == SHA256.hash(Array((nonce + proof(nonce, session)).utf8))
        else { return nil }
        return nonce
    }

    private static func proof(_ nonce: String, _ session: String) -> Substring {
        SHA256.hash(Array("waggle form\n\(session)\n\(nonce)".utf8)).hex.prefix(proofDigits)
    }
}
