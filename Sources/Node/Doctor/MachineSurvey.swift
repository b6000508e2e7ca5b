import Backup
import CWaggleSystem
import FoundationEssentials
import Glibc
import Identity
import NIOSSL
import Operations
import Sandbox
import SystemPackage

/// Finds out how the machine around a home is.
extension HomeSurvey {
    /// Names of file systems that lie on other machines, by the numbers of statfs(2).
    private static let networks: [Int: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB", 0x0102_1997: "9P", 0x5346_414F: "AFS",
    ]

    /// `ST_RDONLY` of statvfs(3).
    private static let readOnlyFlag: UInt = 1

    func disk() -> HomeFacts.Disk? {
        var space = statvfs()
        var kind = statfs()
        guard statvfs(home.root.string, &space) == 0, statfs(home.root.string, &kind) == 0 else { return nil }
        return HomeFacts.Disk(
            free: UInt64(space.f_bavail) * UInt64(space.f_frsize),
            size: UInt64(space.f_blocks) * UInt64(space.f_frsize),
            // Some file systems make them as they are needed, and say 0.
            freeInodes: space.f_files == 0 ? nil : UInt64(space.f_favail),
            network: Self.networks[Int(kind.f_type)], isReadOnly: space.f_flag & Self.readOnlyFlag != 0)
    }

    func lookAtAddresses(_ settings: Settings, _ facts: inout HomeFacts) async {
        facts.listen = settings["listen"]
        facts.publicURL = settings["public_url"]
        facts.keepFree = ByteSize(settings["storage.keep_free"])?.bytes ?? 0
        if let address = ListenAddress(settings["listen"]) {
            facts.isLoopback = address.isLoopback
            if !isServing, address.port > 0 { facts.portTrouble = Self.trouble(listeningAt: address) }
        }
        guard !settings["tls.certificate"].isEmpty || !settings["tls.key"].isEmpty else { return }
        do throws(OperationError) {
            _ = try settings.tlsIdentity(home)
            let path = home.root.pushing(FilePath(settings["tls.certificate"])).string
            let leaf = try? NIOSSLCertificate.fromPEMFile(path).first
            facts.certificate = .init(expires: leaf.map { UInt64(max(0, $0.notValidAfter)) })
        } catch {
            facts.certificate = .init(trouble: error.message)
        }
    }

    /// Why an address cannot be listened on; nil when it can.
    private static func trouble(listeningAt address: ListenAddress) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, "\(address.port)", &hints, &found) == 0, let first = found else {
            return "\(address.host) is no address of this machine"
        }
        defer { freeaddrinfo(found) }
        let file = socket(first.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var yes: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(file, first.pointee.ai_addr, first.pointee.ai_addrlen) != 0 else { return nil }
        return switch errno {
        case EADDRINUSE: "\(address.host):\(address.port) is taken by another program"
        case EACCES: "\(address.host):\(address.port) may not be listened on; ports below 1024 need a privilege"
        default: "\(address.host):\(address.port): \(String(cString: strerror(errno)))"
        }
    }

    func lookAtMachine(_ facts: inout HomeFacts) async {
        do throws(SandboxError) {
            _ = try await Sandbox().run(
                "true", [], bindings: [],
                bounds: .init(
                    memory: 512 << 20, processorSeconds: 5, seconds: 10, fileBytes: 1 << 20, scratchBytes: 1 << 20))
        } catch {
            facts.sandboxTrouble = error.description
        }
        facts.missingTools = ["vips", "vipsthumbnail"].filter { !Sandbox.has($0) }
        facts.openFiles = Self.number(in: "/proc/self/limits", after: "Max open files")
        facts.memory = Self.number(in: "/proc/meminfo", after: "MemAvailable:").map { $0 << 10 }
        let isKept = waggle_clock_is_kept()
        if isKept >= 0 { facts.isClockKept = isKept == 1 }
        facts.libraries["libsodium"] = SignatureLibrary.version
        facts.libraries["SQLite"] = DatabaseHealth.libraryVersion
    }

    /// The first number of the line that begins so, in a file of the kernel's.
    private static func number(in file: String, after start: String) -> UInt64? {
        guard let text = try? String(contentsOf: URL(filePath: file), encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(start) })
        else { return nil }
        return line.dropFirst(start.count).split(separator: " ").lazy.compactMap { UInt64($0) }.first
    }
}
