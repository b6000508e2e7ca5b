import BlobStore
import SystemPackage
import WaggleProtocol

/// Gets the files that wait hashed: here and now when no server runs, else by the server's own pass.
struct LibraryHasher {
    let context: OperationContext
    private var isServed: Bool { context.publicURL != nil }

    init(_ context: OperationContext) {
        self.context = context
    }

    func finish(_ reply: inout ScanReply, wait: Bool) async throws(BlobError) {
        if isServed {
            guard wait else { return }
            try await watch()
            reply.isHashed = true
            return
        }
        // Files written a moment ago are not hashed before they have been left alone; a few looks settle most.
        var looks = Int(Limits.Library.quietMilliseconds / 1000) + 1
        while true {
            let context = context
            let result = try await context.blobs.hashLibrary { path, done, size in
                context.progress(
                    Progress(activity: "hashing \(path.lastComponent?.string ?? "")", done: done, total: size))
            }
            reply.unreadable += result.unreadable
            looks -= 1
            guard result.growing > 0, looks > 0 else { break }
            guard (try? await Task.sleep(for: .seconds(1))) != nil else { throw .cancelled }
        }
        reply.isHashed = try await context.blobs.waitingLibraryFiles().files == 0
    }

    /// Follows the server's pass until nothing waits. A file that goes on growing is not waited for.
    private func watch() async throws(BlobError) {
        let first = try await context.blobs.waitingLibraryFiles()
        var last = first
        var still = ContinuousClock.now
        while last.files > 0, ContinuousClock.now - still < .seconds(60) {
            context.progress(
                Progress(activity: "hashing", done: first.bytes - min(first.bytes, last.bytes), total: first.bytes))
            guard (try? await Task.sleep(for: .milliseconds(200))) != nil else { throw .cancelled }
            let now = try await context.blobs.waitingLibraryFiles()
            if now != last { still = .now }
            last = now
        }
    }
}

/// Keeps the library folders of a running server up to date: hashes what waits, and scans each folder now and then.
public struct LibraryKeeper: Sendable {
    private let context: @Sendable () -> OperationContext
    /// Told what went wrong with a folder.
    private let onFailure: @Sendable (OperationError) -> Void

    public init(
        context: @escaping @Sendable () -> OperationContext, onFailure: @escaping @Sendable (OperationError) -> Void
    ) {
        self.context = context
        self.onFailure = onFailure
    }

    /// Runs until the task is cancelled.
    public func run() async {
        let pause = Duration.seconds(Limits.Library.lookSeconds)
        var nextScan: [Int64: ContinuousClock.Instant] = [:]
        repeat {
            do throws(OperationError) {
                try await look(&nextScan)
            } catch {
                if !Task.isCancelled { onFailure(error) }
            }
        } while (try? await Task.sleep(for: pause)) != nil
    }

    private func look(_ nextScan: inout [Int64: ContinuousClock.Instant]) async throws(OperationError) {
        let context = context()
        do throws(BlobError) {
            for library in try await context.blobs.libraries() {
                if let due = nextScan[library.id], due > .now { continue }
                nextScan[library.id] = ContinuousClock.now + .seconds(Limits.Library.rescanSeconds)
                do throws(OperationError) {
                    _ = try await context.scan(library)
                } catch {
                    onFailure(error)
                }
            }
            _ = try await context.blobs.hashLibrary(inBackground: true)
        } catch {
            throw OperationError(error)
        }
    }
}
