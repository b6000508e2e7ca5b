import Logging
import Operations
import PostLog
import WaggleProtocol

extension Node {
    /// Follows what people say of levels, and counts now and then for those who came to be at home here.
    func keepLevels() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.followLevels() }
            group.addTask {
                repeat {
                    await self.say { desk throws(OperationError) in try await desk.recount() }
                } while (try? await Task.sleep(for: .seconds(Limits.Levels.recountSeconds))) != nil
            }
            await group.waitForAll()
        }
    }

    private func followLevels() async {
        for await _ in log.changes() {
            if Task.isCancelled { return }
            // Lines that could not be taken are not lost: the next change begins where this one stopped.
            await say { desk throws(OperationError) in try await desk.catchUp() }
        }
    }

    private func say(_ body: (LevelDesk) async throws(OperationError) -> Void) async {
        do throws(OperationError) {
            try await body(LevelDesk(context()))
        } catch {
            if !Task.isCancelled { logger.error("levels", metadata: ["why": "\(error.message)"]) }
        }
    }
}
