import Digests

/// The partial blobs that are open, one object each: two downloads of a blob are the same download.
actor PartialSessions {
    private var sessions: [Hash32: PartialBlob] = [:]
    private var opening: [Hash32: [CheckedContinuation<Void, Never>]] = [:]
    private var isClosed = false

    var open: [PartialBlob] { Array(sessions.values) }

    func find(_ hash: Hash32) -> PartialBlob? { sessions[hash] }

    /// The session of a blob, made by `make` when there is none. Callers that come meanwhile wait for it. `make` may give
    /// nil.
    func find(
        _ hash: Hash32, orMake make: @Sendable () async throws(BlobError) -> PartialBlob?
    ) async throws(BlobError) -> PartialBlob? {
        while opening[hash] != nil {
            await withCheckedContinuation { opening[hash]?.append($0) }
        }
        if isClosed { throw .closed }
        if let session = sessions[hash] { return session }
        opening[hash] = []
        defer {
            for waiter in opening.removeValue(forKey: hash) ?? [] { waiter.resume() }
        }
        let made = try await make()
        sessions[hash] = made
        return made
    }

    func remove(_ hash: Hash32) {
        sessions[hash] = nil
    }

    /// No further session is made; those that are open.
    func closeAll() -> [PartialBlob] {
        isClosed = true
        defer { sessions.removeAll() }
        return Array(sessions.values)
    }
}
