import FoundationEssentials
import Sandbox
import SystemPackage
import Testing

@Suite("the sandbox")
struct SandboxTests {
    private let sandbox = Sandbox()
    /// The clock is for what never ends: on a busy machine a start alone takes seconds.
    private let bounds = Sandbox.Bounds(
        memory: 1 << 30, processorSeconds: 10, seconds: 600, fileBytes: 1 << 20, scratchBytes: 1 << 20)

    private func shell(_ script: String, _ bindings: [Sandbox.Binding] = []) async throws -> Sandbox.Outcome {
        try await sandbox.run("sh", ["-c", script], bindings: bindings, bounds: bounds)
    }

    @Test("a program runs, and its output and exit code come back")
    func runs() async throws {
        let outcome = try await shell("echo hello; echo oops >&2; exit 3")
        #expect(outcome.exitCode == 3)
        #expect(outcome.output == "hello\noops\n")
    }

    @Test("what nobody waits for runs in the system's idle class, with its bounds", arguments: [false, true])
    func idleClass(isIdle: Bool) async throws {
        var bounds = bounds
        bounds.isIdle = isIdle
        let outcome = try await sandbox.run(
            "sh", ["-c", "ulimit -f; cat /proc/self/stat"], bounds: bounds)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == "\(bounds.fileBytes / 512)", "\(outcome)")
        // The 41st field of proc(5)'s stat is the policy: SCHED_IDLE is 5.
        let fields = lines.last?.split(separator: ")").last?.split(separator: " ") ?? []
        #expect(fields.count > 38 && fields[38] == (isIdle ? "5" : "0"), "\(outcome)")
    }

    @Test("it sees no files of this machine but those that are handed in")
    func files() async throws {
        let folder = FilePath(FileManager.default.temporaryDirectory.path).appending("waggle-sandbox-\(UUID())")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        try Data("secret".utf8).write(to: URL(filePath: folder.appending("secret").string))
        try Data("shown".utf8).write(to: URL(filePath: folder.appending("shown").string))
        let hidden = try await shell("cat \(folder.appending("secret")); ls /etc /home /root /work 2>&1")
        #expect(!hidden.output.contains("secret\n") && !hidden.output.hasPrefix("secret"))
        #expect(!hidden.output.contains("passwd"))
        let shown = try await shell(
            "cat /in/shown; echo changed > /in/shown", [Sandbox.Binding(folder.appending("shown"), as: "/in/shown")])
        #expect(shown.output.hasPrefix("shown"))
        #expect(try Data(contentsOf: URL(filePath: folder.appending("shown").string)) == Data("shown".utf8))
        let written = try await shell(
            "echo kept > /out/new", [Sandbox.Binding(folder, as: "/out", writable: true)])
        #expect(written.exitCode == 0)
        #expect(try Data(contentsOf: URL(filePath: folder.appending("new").string)) == Data("kept\n".utf8))
    }

    @Test("what makes more files than it may is killed; folders and links count, and links are not followed")
    func fileCount() async throws {
        let folder = FilePath(FileManager.default.temporaryDirectory.path).appending("waggle-sandbox-\(UUID())")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let out = Sandbox.Binding(folder, as: "/out", writable: true)
        let few = try await shell(
            "ln -s / /out/root; mkdir -p /out/a/b; i=0; while [ $i -lt 60 ]; do : > /out/a/b/$i; i=$((i+1)); done",
            [out])
        #expect(few.exitCode == 0, "\(few.output)")
        await #expect(throws: SandboxError.tooManyFiles(64)) {
            _ = try await shell("i=0; while :; do mkdir -p /out/d$i; : > /out/d$i/f; i=$((i+1)); done", [out])
        }
        // Also when it has ended before anybody looked.
        await #expect(throws: SandboxError.tooManyFiles(64)) { _ = try await shell("true", [out]) }
    }

    @Test("it has no network, no other processes and no variables of this one")
    func world() async throws {
        let outcome = try await shell("cat /proc/net/dev; ls -d /proc/[0-9]* | wc -l; env")
        let lines = outcome.output.split(separator: "\n")
        // Two lines of headings, then the loopback of its own network.
        #expect(lines.filter { $0.contains(":") && !$0.contains("|") }.allSatisfy { $0.contains("lo:") })
        #expect(!outcome.output.contains("USER="))
        let processes = lines.first { UInt($0.trimmingPrefix(while: \.isWhitespace)) != nil }.flatMap { UInt($0) } ?? 99
        #expect(processes < 8)
    }

    @Test("what runs too long is killed with everything it started")
    func time() async throws {
        var short = bounds
        short.seconds = 1
        await #expect(throws: SandboxError.timedOut(seconds: 1)) {
            _ = try await sandbox.run("sh", ["-c", "sleep 1000 & sleep 1000"], bounds: short)
        }
    }

    @Test("what takes too much of a core, of memory or of the disk is stopped")
    func bounded() async throws {
        var short = bounds
        short.processorSeconds = 1
        await #expect(throws: SandboxError.self) {
            _ = try await sandbox.run("sh", ["-c", "while :; do :; done"], bounds: short)
        }
        var small = bounds
        small.memory = 64 << 20
        let outcome = try await sandbox.run("sh", ["-c", "head -c 200000000 /dev/zero | tail | wc -c"], bounds: small)
        #expect(!outcome.output.contains("200000000"))
        await #expect(throws: SandboxError.self) {
            let outcome = try await sandbox.run(
                "sh", ["-c", "exec head -c 2000000 /dev/zero > /tmp/large"], bounds: bounds)
            // Where the signal is ignored, writing fails instead.
            if outcome.exitCode != 0 { throw SandboxError.failed("it was refused") }
        }
    }

    @Test("endless output is cut, not kept")
    func output() async throws {
        let outcome = try await shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end")
        #expect(outcome.output.utf8.count <= 16 << 10)
        #expect(outcome.output.hasSuffix("end\n"))
    }

    @Test("a program that is not installed is named")
    func missing() async throws {
        await #expect(throws: SandboxError.noProgram("no-such-program")) {
            _ = try await sandbox.run("no-such-program", [], bounds: bounds)
        }
    }

    @Test("a cancelled task kills the program")
    func cancelled() async throws {
        let task = Task { try await sandbox.run("sleep", ["1000"], bounds: bounds) }
        task.cancel()
        await #expect(throws: SandboxError.self) { _ = try await task.value }
    }
}
