import Accounts
import Digests
import Moderation
import Operations

/// Complete uploads of an account, as operations take files: by their paths.
struct UploadedFiles: Sendable {
    private let store: UploadStore
    private let account: Account

    init(_ store: UploadStore, _ account: Account) {
        self.store = store
        self.account = account
    }

    /// Begins an upload if the account has room for it beside everything else that it has begun. The room is taken until the
    /// upload is published, deleted or expired.
    func begin(
        name: String, size: UInt64, sha256: Hash32?, _ context: OperationContext
    ) async throws -> Upload {
        // What was taken down is refused before a byte is stored.
        if let sha256, let takedown = context.moderation.takedown(of: .blob(sha256)) {
            throw GatewayError.purged(caseNumber: takedown.caseNumber)
        }
        let upload = try await store.begin(account: account.id, name: name, size: size, sha256: sha256)
        do {
            // It is on the list before the list is added up: of several at once, each sees the others.
            try await context.checkRoom(of: account, held: try await begunBytes(), for: size)
        } catch {
            try await store.remove(upload.id, account: account.id)
            throw error
        }
        return upload
    }

    /// Bytes that the account's uploads have, or will have.
    func begunBytes() async throws -> UInt64 {
        try await store.list(account: account.id).reduce(0) { $0 &+ $1.size }
    }

    /// - Throws: `notFound`; `conflict` for one that is not complete.
    func complete(_ ids: [String]) async throws -> [Upload] {
        var uploads: [Upload] = []
        for id in ids {
            let upload = try await store.find(id, account: account.id)
            guard upload.isComplete else {
                throw GatewayError.conflict(
                    code: "upload-incomplete", "Of the upload \(id) there are \(upload.offset) of \(upload.size) bytes")
            }
            uploads.append(upload)
        }
        return uploads
    }

    /// What is in the store as a blob needs no second place.
    func drop(_ uploads: [Upload]) async throws {
        for upload in uploads { try await store.remove(upload.id, account: account.id) }
    }
}
