import Foundation

/// `waggle publish --json`.
struct Published: Decodable {
    struct File: Decodable {
        let name: String
        let sha256: String
        let size: Int
        let piecesRoot: String
        let autov2: String
        let autov3: String?

        enum CodingKeys: String, CodingKey {
            case name, sha256, size
            case piecesRoot = "pieces_root"
            case autov2, autov3
        }
    }

    let release: String
    let model: String
    let version: String
    let files: [File]
    let url: String
    let isNew: Bool

    enum CodingKeys: String, CodingKey {
        case release, model, version, files, url
        case isNew = "is_new"
    }
}

/// The parts of `waggle status --json` that tests look at.
struct NodeStatus: Decodable {
    let node: String
    let home: String
    let url: String?
    let posts: Int
    let models: Int
    let releases: Int
    let images: Int
    let blobs: Int
    let peers: Int
    let peersWell: Int
}

/// The parts of `waggle peer ls --json` that tests look at.
struct PeerState: Decodable {
    let n: Int
    let node: String
    let url: String
    let lastContact: Int
    let lastError: String
}

/// The parts of a model in Civitai's shape that tests look at.
struct APIModel: Decodable {
    struct Version: Decodable {
        struct File: Decodable {
            let name: String
            let hashes: [String: String]
            let downloadUrl: String
        }

        struct Image: Decodable {
            struct Meta: Decodable {
                struct Resource: Decodable {
                    let hash: String?
                    let name: String
                }

                let prompt: String?
                let seed: UInt64?
                let steps: Int?
                let resources: [Resource]?
            }

            let url: String
            let width: Int
            let meta: Meta?
        }

        let id: Int
        let name: String
        let baseModel: String
        let trainedWords: [String]
        let files: [File]
        let images: [Image]
        let downloadUrl: String
    }

    let id: Int
    let name: String
    let type: String
    let modelVersions: [Version]
}

/// `/api/v1/models`.
struct APIModels: Decodable {
    let items: [APIModel]
}
