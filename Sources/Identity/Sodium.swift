import CSodium

/// libsodium's start: it picks the fastest implementation for this processor (Argon2id is several times slower without)
/// and opens the random source, neither of which is safe to leave to whichever thread comes first.
enum Sodium {
    /// Runs once; every later call is a look.
    static func start() {
        precondition(isStarted, "libsodium cannot start")
    }

    private static let isStarted = sodium_init() >= 0

    static func randomBytes(_ count: Int) -> [UInt8] {
        start()
        var bytes = [UInt8](repeating: 0, count: count)
        randombytes_buf(&bytes, count)
        return bytes
    }
}

/// What signs and seals.
public enum SignatureLibrary {
    /// libsodium's version: "1.0.18".
    public static var version: String { String(cString: sodium_version_string()) }
}
