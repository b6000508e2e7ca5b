/// Asks several peers the same thing at once and does not wait for those that stall.
///
/// Returns the answers in the order in which they came: all of them; or, when some are still missing after `patience`, those
/// that are there as soon as one of them is of use.
func earlyAnswers<Peer: Sendable, Answer: Sendable>(
    of peers: [Peer], patience: Duration, isOfUse: (Answer) -> Bool,
    ask: @escaping @Sendable (Peer) async -> Answer
) async -> [Answer] {
    await withTaskGroup(of: Answer?.self) { group in
        for peer in peers { group.addTask { await ask(peer) } }
        group.addTask {
            // Cancelled when everybody has answered; then nobody looks at it.
            try? await Task.sleep(for: patience)
            return nil
        }
        var answers: [Answer] = []
        var isTimeUp = false
        while answers.count < peers.count, let next = await group.next() {
            if let answer = next { answers.append(answer) } else { isTimeUp = true }
            if isTimeUp, answers.contains(where: isOfUse) { break }
        }
        group.cancelAll()
        return answers
    }
}
