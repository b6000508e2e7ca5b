/// What a token lets its bearer do in its account's name.
public enum TokenScope: String, Codable, CaseIterable, Comparable, Sendable {
    /// What the account may see, and its own private things.
    case read
    /// Models, releases, images, and files for them.
    case publish
    /// Reviews, comments and reactions.
    case review
    /// Profile, follows and collections.
    case social
    case generate
    /// Buzz, up to the token's limit.
    case spend
    case moderate
    case admin

    public static func < (left: TokenScope, right: TokenScope) -> Bool {
        left.rawValue < right.rawValue
    }

    /// Reads "publish,read".
    ///
    /// - Throws: `scopes` naming the word that is none.
    public static func list(_ text: String) throws(AccountsError) -> Set<TokenScope> {
        var scopes: Set<TokenScope> = []
        for word in text.split(separator: ",") {
            let word = word.lowercased().filter { $0 != " " }
            guard let scope = TokenScope(rawValue: word) else {
                let known = allCases.map(\.rawValue).joined(separator: ", ")
                throw .scopes("\"\(word)\" is no scope; there are \(known)")
            }
            scopes.insert(scope)
        }
        guard !scopes.isEmpty else { throw .scopes("name at least one scope, for example read,publish") }
        return scopes
    }
}
