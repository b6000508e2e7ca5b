import Digests
import Moderation
import WaggleProtocol

extension Projection {
    /// Applies what moderation says of the level of a thing now to the rows that are there.
    func refreshLevel(of subject: LevelSubject) throws {
        switch subject {
        case .picture(let hash):
            try refreshLevels(ofImagesWith: "i.sha256", hash)
            try refreshHiddenShownBlobs(hash)
        case .post(let id):
            try refreshLevels(ofImagesWith: "p.post", id)
            try refreshLevel(ofBounty: id)
        case .work(let author, .model, let slug):
            try refreshLevel(ofModelBy: author, slug: slug)
        case .work(let author, .review, let release):
            try refreshLevel(ofReviewBy: author, of: release)
        case .work(let author, let kind, let slug):
            try refreshLevel(ofWorkBy: author, kind, slug: slug)
        }
    }
}
