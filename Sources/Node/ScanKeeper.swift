import BlobStore
import Logging
import Operations
import WaggleProtocol

/// Has the scanners look at every file that comes in: fetched, mirrored, adopted, uploaded by a peer.
///
/// It follows the list of blobs by number, and asks which of them were looked at: what the scanners said is kept, and a node
/// that has others looks at everything anew.
struct ScanKeeper: Sendable {
    let blobs: BlobStore
    let context: @Sendable () -> OperationContext
    let logger: Logger

    /// Until the task is cancelled.
    func run() async {
        var last: Int64 = 0
        var complaint = ""
        while !Task.isCancelled {
            var pause = Limits.Scan.lookSeconds
            do {
                if let next = try await round(after: last) {
                    last = next
                    complaint = ""
                    continue
                }
            } catch {
                let why = (error as? OperationError)?.message ?? "\(error)"
                if why != complaint, !Task.isCancelled {
                    logger.warning("files are not scanned", metadata: ["why": "\(why)"])
                }
                complaint = why
                pause = Limits.Scan.retrySeconds
            }
            guard (try? await Task.sleep(for: .seconds(pause))) != nil else { return }
        }
    }

    /// - Returns: the number of the last blob that was looked at; nil when there was none.
    private func round(after last: Int64) async throws -> Int64? {
        let new = try await blobs.blobs(after: last, limit: Limits.Scan.look)
        guard let newest = new.last else { return nil }
        let desk = ScanDesk(context())
        let unscanned = try await desk.unscanned(new.map(\.sha256))
        for start in stride(from: 0, to: unscanned.count, by: Limits.Scan.portion) {
            await blobs.giveWay()
            try await desk.look(at: Array(unscanned[start...].prefix(Limits.Scan.portion)))
            try Task.checkCancellation()
        }
        return newest.number
    }
}
