import Accounts
import Digests
import Identity
import Moderation
import WaggleProtocol

/// Reads the names of lists that people type.
struct ListNames {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// `@keeper/slug`, `AUTHOR-ID/slug`, `consensus:name`, or `slug` for one of an account here.
    ///
    /// - Throws: `usage`, `notFound` for a keeper who is not known here.
    func list(_ text: String, as account: String? = nil) async throws(OperationError) -> ListID {
        if text.hasPrefix("consensus:") { return ListID(consensus: String(text.dropFirst("consensus:".count))) }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let slug = parts.last ?? ""
        guard Slug.isValid(slug), slug.utf8.count <= Limits.Lists.slugBytes else {
            throw OperationError(
                .usage,
                "\"\(text)\": write @keeper/name; a list's name has 1 to \(Limits.Lists.slugBytes) of a-z 0-9 - _ .")
        }
        let keeper = parts.count == 2 ? parts[0] : "@\(account ?? context.caller?.handle ?? "me")"
        return ListID(author: try await SubjectResolver(context).author(keeper), slug: slug)
    }
}

extension OperationContext {
    /// A list's name as people type it.
    func name(of list: ListID) -> String {
        if list.author == .zero { return "consensus:\(list.slug)" }
        if let own = keyring.accounts.first(where: { $0.value.author == list.author }) {
            return "@\(own.key)/\(list.slug)"
        }
        return "\(AuthorID.text(list.author))/\(list.slug)"
    }
}
