import Digests
import Glibc
import NIOCore
import Operations
import SystemPackage

/// Where the socket of a home is, and who may use it.
enum ControlSocket {
    /// `run/socket` in the home; under `/tmp` when that path is longer than a socket address can be (108 bytes).
    static func path(of home: Home) -> String {
        let inside = home.socket.string
        if inside.utf8.count <= 100 { return inside }
        return "/tmp/waggle-\(getuid())-\(SHA256.hash(Array(inside.utf8)).hex.prefix(16)).socket"
    }

    /// The layout of `struct ucred` (unix(7)), which Glibc's module does not show.
    private struct Credentials {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    /// Is the process at the other end run by the same user? Checked by both ends: the mode of a file can be changed.
    static func isOwner(_ channel: any Channel) async -> Bool {
        guard let options = channel as? any SocketOptionProvider else { return false }
        let found: Credentials? = try? await options.unsafeGetSocketOption(
            level: .init(rawValue: SOL_SOCKET), name: .init(rawValue: SO_PEERCRED)
        ).get()
        return found?.user == getuid()
    }
}
