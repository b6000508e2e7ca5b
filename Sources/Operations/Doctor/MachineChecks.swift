import WaggleProtocol

/// What the facts about the machine around a home mean.
extension HomeChecks {
    static func network(_ facts: HomeFacts) -> [Check] {
        var checks = [
            facts.portTrouble.map {
                Check("port", "Address", .fail, $0, fix: "waggle serve --listen 127.0.0.1:7701")
            }
                ?? Check(
                    "port", "Address", .ok,
                    facts.isServing ? "the node answers at \(facts.listen)" : "\(facts.listen) can be listened on")
        ]
        let url = facts.publicURL
        checks.append(
            !facts.isLoopback && url.isEmpty
                ? Check(
                    "public-url", "Public address", .warn,
                    "the node can be reached from outside and does not say where, so peers cannot call it",
                    fix: "waggle config set public_url https://models.example")
                : !url.isEmpty && url.hasPrefix("http://") && !url.contains("127.0.0.1") && !url.contains("localhost")
                    ? Check(
                        "public-url", "Public address", .warn,
                        "\(url) is not encrypted: browsers keep no session over it, and others can read along",
                        fix: "put a TLS proxy in front (Examples/deploy), then waggle config set public_url https://…")
                    : Check("public-url", "Public address", .ok, url.isEmpty ? "none is needed on loopback" : url))
        if let certificate = facts.certificate {
            checks.append(tls(certificate, now: facts.now))
        }
        return checks
    }

    private static func tls(_ certificate: HomeFacts.Certificate, now: UInt64) -> Check {
        let (id, title) = ("tls", "Certificate")
        if let trouble = certificate.trouble {
            return Check(id, title, .fail, trouble, fix: "waggle config set tls.certificate FILE")
        }
        guard let expires = certificate.expires else { return Check(id, title, .ok, "it can be used") }
        if expires <= now { return Check(id, title, .fail, "it has expired", fix: "renew it and start the node again") }
        let days = (expires - now) / 86_400
        return Check(
            id, title, days < UInt64(Limits.Doctor.certificateDays) ? .warn : .ok, "it is good for \(days) more days",
            fix: "renew it and start the node again")
    }

    static func machine(_ facts: HomeFacts) -> [Check] {
        var checks = [
            facts.sandboxTrouble.map {
                Check(
                    "sandbox", "Sandbox", .warn,
                    "\($0): no small pictures are made, and nothing is drawn here", fix: "sudo apt install bubblewrap")
            } ?? Check("sandbox", "Sandbox", .ok, "programs run in it"),
            facts.missingTools.first.map {
                Check(
                    "tools", "Picture tools", .warn,
                    "\($0) is not installed\(more(facts.missingTools)): pictures are shown as large as they are",
                    fix: "sudo apt install libvips-tools")
            } ?? Check("tools", "Picture tools", .ok, "libvips' tools are installed"),
        ]
        if let files = facts.openFiles {
            checks.append(
                Check(
                    "open-files", "Open files", files < Limits.Doctor.openFiles ? .warn : .ok,
                    "a process may open \(files)", fix: "ulimit -n 65536, or LimitNOFILE=65536 in the unit"))
        }
        if let memory = facts.memory {
            checks.append(
                Check(
                    "memory", "Memory", memory < Limits.Doctor.memoryBytes ? .warn : .ok,
                    "\(ByteSize.text(memory)) are available", fix: "waggle config set generation.memory 2GB"))
        }
        checks.append(clock(facts))
        let versions = facts.libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !versions.isEmpty {
            checks.append(Check("libraries", "Libraries", .ok, versions.joined(separator: ", ")))
        }
        return checks
    }

    private static func clock(_ facts: HomeFacts) -> Check {
        if let newest = facts.newestFile, newest > facts.now + 300 {
            return Check(
                "clock", "Clock", .fail,
                "a file of the home is \((newest - facts.now) / 60) minutes younger than now: the clock is behind",
                fix: "sudo timedatectl set-ntp true")
        }
        if facts.isClockKept == false {
            return Check(
                "clock", "Clock", .warn, "nothing keeps it right; posts from the future are refused elsewhere",
                fix: "sudo timedatectl set-ntp true")
        }
        return Check("clock", "Clock", .ok, "not behind what was written")
    }

    static func remains(_ facts: HomeFacts) -> [Check] {
        let bytes = facts.leftovers.values.reduce(0, +)
        let first = facts.leftovers.keys.min() ?? ""
        return [
            facts.leftovers.isEmpty
                ? Check("leftovers", "Leftovers", .ok, "no process left anything behind")
                : Check(
                    "leftovers", "Leftovers", .warn,
                    "\(first)\(more(facts.leftovers)) was left behind, \(ByteSize.text(bytes)) in all",
                    fix: "waggle doctor --fix", isSafe: true),
            facts.hasStaleSocket
                ? Check(
                    "socket", "Socket", .warn, "a server that was killed left its socket behind",
                    fix: "waggle doctor --fix", isSafe: true)
                : Check("socket", "Socket", .ok, facts.isServing ? "the server answers" : "no server runs"),
        ]
    }
}
