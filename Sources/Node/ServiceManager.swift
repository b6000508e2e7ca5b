import Glibc
import ServiceLifecycle

/// Tells systemd how a unit of `Type=notify` is: a line each over the datagram socket that it names (sd_notify(3)). Silent where
/// nobody asked to be told.
struct ServiceManager: Sendable {
    private let address: String?

    init(environment: [String: String]) {
        address = environment["NOTIFY_SOCKET"]
    }

    func ready(at url: String) {
        tell("READY=1\nSTATUS=serving \(url)\nMAINPID=\(getpid())\n")
    }

    /// Says so when a stop was asked for.
    func tellStop() async {
        guard address != nil else { return }
        do {
            try await gracefulShutdown()
            tell("STOPPING=1\nSTATUS=ending what is under way\n")
        } catch {
            // The process ends at once.
        }
    }

    private func tell(_ text: String) {
        guard let address, let first = address.utf8.first, [UInt8(ascii: "/"), UInt8(ascii: "@")].contains(first) else {
            return
        }
        var place = sockaddr_un()
        place.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(address.utf8)
        // "@" stands for the NUL with which abstract names begin.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        guard bytes.count < MemoryLayout.size(ofValue: place.sun_path) else { return }
        withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: bytes) }
        let file = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return }
        defer { close(file) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let message = Array(text.utf8)
        _ = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(file, message, message.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
