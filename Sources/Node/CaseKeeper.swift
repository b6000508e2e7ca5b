import Logging
import Moderation
import Operations
import WaggleProtocol

extension Node {
    /// Tells of cases whose time runs out, and signs the head of the log of decisions once a day.
    func keepCases() async {
        var told: [String: CaseClock.Urgency] = [:]
        while !Task.isCancelled {
            do throws(OperationError) {
                for line in try await ShowQueue().run(in: context()).cases {
                    guard let urgency = CaseClock.Urgency(rawValue: line.urgency), urgency > told[line.number] ?? .none
                    else { continue }
                    told[line.number] = urgency
                    logger.warning(
                        "a case waits for a decision",
                        metadata: ["case": "\(line.number)", "reason": "\(line.reason)", "urgency": "\(line.urgency)"])
                    try await CaseNews(context()).tellModerators(of: line)
                }
                try await AttachmentSweep(context()).run(at: Node.now())
                if !signing.isHeld { _ = try await DecisionLog(context()).signHead() }
            } catch {
                logger.error("cases", metadata: ["why": "\(error.message)"])
            }
            guard (try? await Task.sleep(for: .seconds(Limits.Cases.keepSeconds))) != nil else { return }
        }
    }
}
