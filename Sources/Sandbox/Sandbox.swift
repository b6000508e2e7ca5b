import Subprocess
public import SystemPackage
import WaggleProtocol

/// Runs programs on untrusted bytes with nothing within reach: no network, no files but those that are handed in, no other
/// processes, no variables, and bounds on time, memory and what is written.
///
/// Made by bubblewrap (namespaces) and prlimit (bounds). Where they cannot be had nothing runs: a sandbox that is open is
/// none.
public struct Sandbox: Sendable {
    /// What a program may use.
    public struct Bounds: Sendable, Hashable {
        /// Bytes of address space of each process.
        public var memory: UInt64
        /// Seconds on a core of each process.
        public var processorSeconds: Int
        /// Seconds on the clock, for all of it.
        public var seconds: Int
        /// Bytes of each file that is written.
        public var fileBytes: UInt64
        /// Files and folders in all of what was handed in to be written to. Looked after while the program runs: it is
        /// killed when there are more, and the few that it makes until then are the caller's to remove.
        public var files: Int
        /// Bytes in the folder for temporary files, which lie in memory.
        public var scratchBytes: UInt64
        /// Whether nobody waits for it: it has what others leave of the processor, those in a sandbox too, and more time
        /// on the clock.
        public var isIdle = false

        public init(
            memory: UInt64, processorSeconds: Int, seconds: Int, fileBytes: UInt64, files: Int = 64,
            scratchBytes: UInt64
        ) {
            self.files = files
            self.memory = memory
            self.processorSeconds = processorSeconds
            self.seconds = seconds
            self.fileBytes = fileBytes
            self.scratchBytes = scratchBytes
        }
    }

    /// A file or folder of this machine that a program sees.
    public struct Binding: Sendable, Hashable {
        let here: FilePath
        let inside: FilePath
        let isWritable: Bool

        /// - Parameters:
        ///   - here: absolute, and there.
        ///   - inside: absolute; where the program finds it.
        public init(_ here: FilePath, as inside: FilePath, writable: Bool = false) {
            self.here = here
            self.inside = inside
            isWritable = writable
        }
    }

    /// How a program ended by itself.
    public struct Outcome: Sendable, Hashable {
        /// 0 by convention is success.
        public let exitCode: Int32
        /// The end of what it printed to both outputs, as text.
        public let output: String
    }

    static let bubblewrap = FilePath("/usr/bin/bwrap")
    static let prlimit = FilePath("/usr/bin/prlimit")
    static let nice = FilePath("/usr/bin/nice")
    private static let programs = FilePath("/usr/bin")

    public init() {}

    /// Whether a program of `/usr/bin` is installed.
    public static func has(_ program: String) -> Bool { exists(programs.appending(program)) }

    /// Runs a program of `/usr/bin` and waits for its end.
    ///
    /// - Parameters:
    ///   - program: its name, without a folder.
    ///   - bindings: what it sees besides `/usr`. Its folder is `/tmp`, empty and gone with it.
    ///   - environment: its variables besides `PATH` and `HOME`.
    /// - Throws: `unavailable`, `noProgram`, `timedOut`, `killed`, `tooManyFiles`, `failed`. When the task is cancelled the program is killed.
    public func run(
        _ program: String, _ arguments: [String], bindings: [Binding] = [], environment: [String: String] = [:],
        bounds: Bounds
    ) async throws(SandboxError) -> Outcome {
        for tool in [Self.bubblewrap, Self.prlimit, Self.nice] where !Self.exists(tool) {
            throw .unavailable("\(tool) is missing; install bubblewrap, util-linux and coreutils")
        }
        guard Self.has(program) else { throw .noProgram(program) }
        let seconds = bounds.seconds * (bounds.isIdle ? Limits.Sandbox.idleTimes : 1)
        let command = Self.command("/usr/bin/\(program)", arguments, bindings, environment, bounds)
        let writable = bindings.filter(\.isWritable).map(\.here)
        let ended: Ended
        do {
            ended = try await withThrowingTaskGroup(of: Ended?.self) { group in
                group.addTask { try await Self.start(command) }
                group.addTask {
                    try await Task.sleep(for: .seconds(seconds))
                    return nil
                }
                if !writable.isEmpty {
                    group.addTask {
                        while true {
                            try await Task.sleep(for: .milliseconds(Limits.Sandbox.lookMilliseconds))
                            try Self.look(at: writable, bounds.files)
                        }
                    }
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let first else {
                    throw SandboxError.timedOut(seconds: seconds)
                }
                return first
            }
            // What it made between the last look and its end.
            try Self.look(at: writable, bounds.files)
        } catch let error as SandboxError {
            throw error
        } catch {
            throw .failed("\(program): \(error)")
        }
        switch ended.status {
        case .exited(let code):
            // The shell and bubblewrap report a killed child so.
            guard code <= 128 else { throw .killed(signal: code - 128) }
            // Bubblewrap's own complaints begin so: the program was never started.
            if code != 0, ended.output.utf8.starts(with: "bwrap: ".utf8) { throw .unavailable(ended.output) }
            return Outcome(exitCode: code, output: ended.output)
        case .signaled(let signal): throw .killed(signal: signal)
        }
    }

    private static func look(at folders: [FilePath], _ limit: Int) throws(SandboxError) {
        var count = 0
        for folder in folders {
            count += FileCount.entries(of: folder, upTo: limit - count + 1)
            if count > limit { throw .tooManyFiles(limit) }
        }
    }

    struct Ended: Sendable {
        let status: TerminationStatus
        let output: String
    }

    /// Bounds and what they bound, as words for `nice`.
    static func bounding(_ bounds: Bounds) -> [String] {
        // Whoever waits for a page comes first; what nobody waits for has what others leave. A system that knows no idle class,
        // or keeps it from this user, has it run all the same.
        let share =
            bounds.isIdle
            ? ["-n", "19", "/bin/sh", "-c", #"/usr/bin/chrt --idle --pid 0 $$ 2>/dev/null; exec "$@""#, "sh"]
            : ["-n", "10"]
        return share + [
            prlimit.string,
            "--as=\(bounds.memory)", "--cpu=\(bounds.processorSeconds)", "--fsize=\(bounds.fileBytes)",
            "--nofile=\(Limits.Sandbox.openFiles)", "--core=0", "--",
        ]
    }

    /// The whole command: bounds first, because they are inherited.
    ///
    /// - Parameter program: its path as it is inside.
    static func command(
        _ program: String, _ arguments: [String], _ bindings: [Binding], _ environment: [String: String],
        _ bounds: Bounds
    ) -> [String] {
        var words =
            bounding(bounds) + [
                bubblewrap.string,
                "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
                "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
                "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev",
                "--size", "\(bounds.scratchBytes)", "--tmpfs", "/tmp", "--chdir", "/tmp",
                "--setenv", "PATH", "/usr/bin", "--setenv", "HOME", "/tmp",
            ]
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) { words += ["--setenv", name, value] }
        for binding in bindings {
            words += [binding.isWritable ? "--bind" : "--ro-bind", binding.here.string, binding.inside.string]
        }
        return words + ["--", program] + arguments
    }

    /// Everything it prints goes into one bounded pipe, of which the end counts.
    private static func start(_ command: [String]) async throws -> Ended {
        var options = PlatformOptions()
        options.createSession = true
        let result = try await Subprocess.run(
            .path(nice), arguments: Arguments(command), environment: .custom([Environment.Key: String]()),
            platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
        ) { execution in
            var tail: [UInt8] = []
            for try await buffer in execution.standardOutput {
                buffer.withUnsafeBytes { tail += $0 }
                if tail.count > 2 * Limits.Sandbox.outputBytes {
                    tail.removeFirst(tail.count - Limits.Sandbox.outputBytes)
                }
            }
            return tail.suffix(Limits.Sandbox.outputBytes)
        }
        return Ended(
            status: result.terminationStatus, output: String(decoding: result.closureResult, as: UTF8.self))
    }

    static func exists(_ path: FilePath) -> Bool {
        (try? FileDescriptor.open(path, .readOnly, options: .closeOnExec).close()) != nil
    }
}
