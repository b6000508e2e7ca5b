import Catalog
import Digests
import Moderation
import WaggleProtocol

/// A version in few words: `/api/v1/model-versions/mini/{id}`.
struct CivitaiMini: Encodable, Sendable {
    let air: String
    let versionName: String
    let modelName: String
    let userId: Int32
    let baseModel: String
    let availability = "Public"
    let publishedAt: String
    /// KiB.
    let size: Double
    let fileType: String
    let fileName: String
    let hashes: CivitaiFile.Hashes
    let downloadUrls: [String]
    let format: String
    let canGenerate = false
    let isFeatured = false
    let requireAuth = false
    let checkPermission = false
    let additionalResourceCharge = false
    let minor = false
    let sfwOnly = false
    let fees: [String] = []
    let payoutEnabled = false
}

extension CivitaiEncoder {
    /// - Parameter fileID: which file is meant; nil for the primary one.
    /// - Returns: nil when the version has no such file.
    func mini(_ release: ReleaseView, of model: ModelView, fileID: Int32?) -> CivitaiMini? {
        let version = version(release, of: model)
        guard let file = version.files.first(where: { file in fileID.map { $0 == file.id } ?? file.primary }) else {
            return nil
        }
        return CivitaiMini(
            air: version.air, versionName: version.name, modelName: model.body.name, userId: model.author.id,
            baseModel: version.baseModel, publishedAt: version.publishedAt, size: file.sizeKB, fileType: file.type,
            fileName: file.name, hashes: file.hashes, downloadUrls: [file.downloadUrl], format: file.metadata.format)
    }
}
