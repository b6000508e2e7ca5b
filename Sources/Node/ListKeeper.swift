import Catalog
import Logging
import Moderation
import Operations
import PostLog
import WaggleProtocol

extension Node {
    /// Follows what lists say, and lets entries run out in their time.
    func keepLists() async {
        let start = log.newestSeq
        do throws(OperationError) {
            try await ListDesk(context()).load()
        } catch {
            logger.error("lists", metadata: ["why": "\(error.message)"])
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.followLists(after: start) }
            group.addTask {
                var last = Node.now()
                while (try? await Task.sleep(for: .seconds(Limits.Policy.expirySeconds))) != nil {
                    let now = Node.now()
                    await self.letListsRunOut(since: last, until: now)
                    last = now
                }
            }
            group.addTask { await self.tellOfLists() }
            await group.waitForAll()
        }
    }

    private func followLists(after start: UInt64) async {
        var seq = start
        for await _ in log.changes() {
            do {
                while !Task.isCancelled {
                    let entries = try await log.entries(after: seq, limit: 1000)
                    guard let last = entries.last else { break }
                    // What they are about is to be known before it is counted.
                    await catalog.waitUntilApplied(last.seq)
                    tell(try await ListDesk(context()).follow(entries))
                    seq = last.seq
                }
            } catch {
                if Task.isCancelled { return }
                // The lines are not lost: the next change begins where this one stopped.
                logger.error("lists do not follow the log", metadata: ["why": "\(error)"])
            }
            if Task.isCancelled { return }
        }
    }

    /// Tells the peers what their lists do here, when that has changed.
    private func tellOfLists() async {
        var said: UInt64 = 0
        while (try? await Task.sleep(for: .seconds(Limits.Policy.ackSeconds))) != nil {
            let version = moderation.listVersion
            guard version != said, !signing.isHeld else { continue }
            said = version
            do throws(OperationError) {
                try await ListDesk(context()).sendAcks()
            } catch {
                logger.warning("what lists do here was not told", metadata: ["why": "\(error.message)"])
            }
        }
    }

    /// - Parameter last: when this was looked at before, in unix seconds.
    private func letListsRunOut(since last: UInt64, until now: UInt64) async {
        let next = moderation.withPolicy { $0.nextExpiry(after: last) }
        guard let next, next <= now else { return }
        do throws(OperationError) {
            tell(try await ListDesk(context()).settle())
        } catch {
            logger.error("lists", metadata: ["why": "\(error.message)"])
        }
    }

    private func tell(_ braked: [ListPolicy.Braked]) {
        for one in braked {
            logger.warning(
                "a list would hide too much at a time and waits for you: waggle list ls",
                metadata: ["items": "\(one.items)", "entries": "\(one.entries)"])
        }
    }
}
