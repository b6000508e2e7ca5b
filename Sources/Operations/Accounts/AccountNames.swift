import Accounts
import Digests
import Identity

extension OperationContext {
    /// Checks, before anything is written, that somebody may be called so here: a name belongs to one author, whether their
    /// key is a file of the home or held for them, and an author has one name.
    ///
    /// - Throws: `conflict`, `failed`.
    func checkName(_ account: String, of author: Hash32) async throws(OperationError) {
        let (ofName, ofAuthor): (Account?, Account?)
        do {
            ofName = try await accounts.account(handle: account)
            ofAuthor = try await accounts.account(author: author)
        } catch {
            throw OperationError(error)
        }
        if let ofName, ofName.author != author { throw OperationError(AccountsError.handleTaken(account)) }
        if let ofAuthor, ofAuthor.handle != account {
            throw OperationError(
                .conflict, "\(AuthorID.text(author)) is @\(ofAuthor.handle) here already; use that name")
        }
    }
}
