import Foundation

/// The time of day for all programs of a test, which can be put forward while they run: days pass in an instant. What counts
/// intervals goes on as it is.
///
/// A small library that is loaded before the C library adds the number in a file to what the clock says.
struct TestClock {
    private let path: String

    /// From now on every program of the world is started with it.
    init(_ world: World) async throws {
        path = world.path("clock")
        let source = try world.write(Array(Self.source.utf8), as: "clock.c")
        let library = world.path("clock.so")
        let compiler = try ChildProcess(
            "/usr/bin/env", ["clang", "-shared", "-fPIC", "-O1", "-o", library, source],
            environment: ProcessInfo.processInfo.environment)
        guard await compiler.ended() == .code(0) else {
            throw HarnessError("the clock cannot be compiled: \(await compiler.errors.whole)")
        }
        try set(0)
        world.setEnvironment("LD_PRELOAD", library)
        world.setEnvironment("TEST_CLOCK", path)
    }

    /// - Parameter seconds: ahead of the real time.
    func set(_ seconds: Int) throws {
        // In one step: a program that reads it meanwhile reads one or the other.
        try Data("\(seconds)\n".utf8).write(to: URL(filePath: path), options: .atomic)
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <sys/time.h>
        #include <time.h>
        #include <unistd.h>

        static long ahead(void) {
            char text[32];
            const char *path = getenv("TEST_CLOCK");
            int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
            if (file < 0) return 0;
            ssize_t count = read(file, text, sizeof text - 1);
            close(file);
            if (count <= 0) return 0;
            text[count] = 0;
            return atol(text);
        }

        int clock_gettime(clockid_t id, struct timespec *time) {
            long result = syscall(SYS_clock_gettime, id, time);
            if (result == 0 && id == CLOCK_REALTIME) time->tv_sec += ahead();
            return result;
        }

        int gettimeofday(struct timeval *time, void *zone) {
            struct timespec now;
            (void)zone;
            clock_gettime(CLOCK_REALTIME, &now);
            time->tv_sec = now.tv_sec;
            time->tv_usec = now.tv_nsec / 1000;
            return 0;
        }

        time_t time(time_t *out) {
            struct timespec now;
            clock_gettime(CLOCK_REALTIME, &now);
            if (out) *out = now.tv_sec;
            return now.tv_sec;
        }

        """
}
