/// Lets one task in at a time, and so many wait.
actor Turns {
    let limit: Int
    private var isTaken = false
    private(set) var waiting: [CheckedContinuation<Void, Never>] = []

    init(waiting limit: Int) {
        self.limit = limit
    }

    /// Waits for the turn; false when too many wait already. Each turn that was taken is given back.
    func take() async -> Bool {
        guard isTaken else {
            isTaken = true
            return true
        }
        guard waiting.count < limit else { return false }
        // Whoever gives the turn back hands it over, so it stays taken.
        await withCheckedContinuation { waiting.append($0) }
        return true
    }

    /// Waits for the turn, however many do.
    func wait() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
        if waiting.isEmpty {
            isTaken = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}
