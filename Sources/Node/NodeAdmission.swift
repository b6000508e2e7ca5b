import Digests
import Federation
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// What this node takes in: nothing above its ceiling, nothing that was purged here.
struct NodeAdmission: Admission {
    let moderation: Moderation

    func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
        if let row = moderation.purgeRow(for: .post(post.id)) {
            return .refuse(reason: "taken down here, case \(row.caseNumber)")
        }
        guard let level = PostLevel.highest(of: post.post), level > moderation.ceiling else { return .admit }
        return .refuse(reason: "its level \(level.word) is above this node's ceiling \(moderation.ceiling.word)")
    }
}
