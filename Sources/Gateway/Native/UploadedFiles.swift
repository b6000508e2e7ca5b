import Accounts
import Operations

/// Complete uploads of an account, as operations take files: by their paths.
struct UploadedFiles: Sendable {
    private let store: UploadStore
    private let account: Account

    init(_ store: UploadStore, _ account: Account) {
        self.store = store
        self.account = account
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
