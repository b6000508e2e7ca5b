import FoundationEssentials

/// Looks at the signatures of orders, on all cores but one: that one writes what was looked at before, and whoever waits for
/// the writer would wait longer if signatures took turns with it. First come, first looked at, so the first batch is ready for
/// the writer while the next is still being checked.
actor SignatureChecks {
    /// Orders that are checked in one turn.
    private static let together = 64

    private var free = max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
    private var turns: [CheckedContinuation<Void, Never>] = []

    /// The same requests, each order of them with what its signatures are worth.
    nonisolated func check(_ requests: [AuthorityRequest], _ policy: OrderPolicy) async -> [AuthorityRequest] {
        if requests.count <= Self.together { return await inTurn(requests[...], policy) }
        return await withTaskGroup(of: (Int, [AuthorityRequest]).self) { group in
            for start in stride(from: 0, to: requests.count, by: Self.together) {
                group.addTask {
                    let part = requests[start..<min(start + Self.together, requests.count)]
                    return (start, await self.inTurn(part, policy))
                }
            }
            var parts: [(Int, [AuthorityRequest])] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    private nonisolated func inTurn(_ requests: ArraySlice<AuthorityRequest>, _ policy: OrderPolicy) async
        -> [AuthorityRequest]
    {
        await take()
        let checked = requests.map { request in
            if case .order(let signed) = request, !policy.isOversigned(signed) {
                AuthorityRequest.order(signed.checkingSignatures())
            } else {
                request
            }
        }
        await give()
        return checked
    }

    private func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { turns.append($0) }
        }
    }

    private func give() {
        if turns.isEmpty {
            free += 1
        } else {
            turns.removeFirst().resume()
        }
    }
}
