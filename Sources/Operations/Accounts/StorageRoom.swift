public import Accounts
import BlobStore
import Catalog
import Digests
import WaggleProtocol

/// A file that a publication brings.
struct BroughtFile: Sendable {
    let size: UInt64
    /// Where it is known before the file is read; who named it is refused when it is another's.
    let sha256: Hash32?
}

/// How much of the disk an account may fill, and how much its posts fill.
///
/// What is filled is told from the posts in force and from what the store has, and is written down nowhere: so it is right
/// after a crash, a delete, a purge or a catalog that was built anew.
extension OperationContext {
    /// Bytes that this node keeps because an account's posts show them.
    public func storedBytes(of account: Account) async throws(OperationError) -> UInt64 {
        do {
            return try await blobs.bytesOfOwnPosts(try await catalog.shownBlobs(by: account.author))
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// Refuses what an account has no room for.
    ///
    /// - Parameters:
    ///   - held: bytes that are on their way in, all of them together.
    ///   - size: of what is asked for, for the words.
    /// - Throws: `quota`.
    public func checkRoom(of account: Account, held: UInt64, for size: UInt64) async throws(OperationError) {
        guard let quota = account.storage.bytes else { return }
        let stored = try await storedBytes(of: account)
        guard held <= quota, stored <= quota - held else {
            throw OperationError(
                .quota,
                """
                @\(account.handle) may have \(ByteSize.text(quota)) kept on this node, \(ByteSize.text(stored)) are, and \
                this needs \(ByteSize.text(size)) more, other uploads counted in; delete releases or uploads that are not \
                needed, or ask the operator for more (waggle account quota)
                """)
        }
    }

    /// Publishes something while room is held for the files that it brings. The operator's own commands need none.
    ///
    /// - Throws: `quota` before anything is stored.
    func keeping<Value: Sendable>(
        _ files: () async throws(OperationError) -> [BroughtFile],
        _ body: () async throws(OperationError) -> Value
    ) async throws(OperationError) -> Value {
        guard let caller, caller.storage != .unlimited else { return try await body() }
        let wanted = try await bytes(of: try await files(), newTo: caller)
        // Who brings nothing may speak with a full disk.
        guard wanted > 0 else { return try await body() }
        let held = accounts.hold(wanted, for: caller)
        defer { accounts.release(wanted, for: caller) }
        try await checkRoom(of: caller, held: held, for: wanted)
        return try await body()
    }

    /// A file that the account's posts show already takes no more room.
    private func bytes(of files: [BroughtFile], newTo account: Account) async throws(OperationError) -> UInt64 {
        var known: Set<Hash32>
        do {
            known = Set(try await catalog.shownBlobs(by: account.author))
        } catch {
            throw OperationError(error)
        }
        return files.reduce(UInt64(0)) { sum, file in
            if let sha256 = file.sha256, !known.insert(sha256).inserted { return sum }
            let (all, isOver) = sum.addingReportingOverflow(file.size)
            return isOver ? .max : all
        }
    }
}
