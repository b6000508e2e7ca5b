import Foundation

/// What a post may leave out because it says the same elsewhere (Protocol/spec/post.md, "Implied fields"): a review's
/// slot, which names its release, and a release's `model_author`, which is its own author.
///
/// Both ways of writing are valid, and are one post's place and meaning. Signers leave out what is implied; whoever
/// reads a payload spells it out first, so that nothing else has to know.
extension WirePost {
    /// The post with its implied fields filled in.
    public func spelledOut() -> WirePost {
        var post = self
        switch body {
        case .review(let review) where slot.isEmpty && review.release.count == 32:
            post.slot = review.release.hexText
        case .release(let release) where release.modelAuthor.isEmpty: post.release.modelAuthor = author
        default: break
        }
        return post
    }

    /// The post without what ``spelledOut()`` fills in again.
    public func abridged() -> WirePost {
        var post = self
        switch body {
        case .review(let review) where slot.utf8.elementsEqual(review.release.hexText.utf8):
            post.slot = ""
        case .release(let release) where release.modelAuthor == author: post.release.modelAuthor = Data()
        default: break
        }
        return post
    }
}
