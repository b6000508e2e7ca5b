import Catalog
import Digests
import WaggleProtocol

/// Addresses of pages.
enum PageAddress {
    /// Pages below a model's own; a slug that reads like one of them is left out of the address.
    static let modelParts = ["gallery", "reviews", "discussion", "history", "ranking", "edit"]

    static func model(_ model: ModelView) -> String { Self.model(model.id, slug: model.slug) }
    static func model(_ card: ModelCard) -> String { model(card.id, slug: card.slug) }

    private static func model(_ id: Int32, slug: String) -> String {
        modelParts.contains(slug) ? "/models/\(id)" : "/models/\(id)/\(PercentCoding.encode(slug))"
    }

    static func release(_ link: ReleaseLink) -> String {
        "/models/\(link.modelID)?modelVersionId=\(link.releaseID)"
    }

    static func image(_ id: Int32) -> String { "/images/\(id)" }

    static func creator(_ creator: CreatorView) -> String { "/@\(PercentCoding.encode(creator.handle))" }

    static func collection(_ collection: CollectionView) -> String { "/collections/\(collection.id)" }

    static func article(_ article: ArticleView) -> String { "/articles/\(article.id)" }

    static func workflow(_ workflow: WorkflowView) -> String { "/workflows/\(workflow.id)" }

    static func tag(_ tag: String) -> String { "/tags/\(PercentCoding.encode(tag))" }

    static func baseModel(_ name: String) -> String { "/base/\(PercentCoding.encode(name))" }

    /// An address with a query; parameters without a value are left out.
    static func with(_ path: String, _ parameters: [(name: String, value: String)]) -> String {
        let items = parameters.filter { !$0.value.isEmpty }
            .map { "\(PercentCoding.encode($0.name))=\(PercentCoding.encode($0.value))" }
        return items.isEmpty ? path : "\(path)?\(items.joined(separator: "&"))"
    }
}

extension PageAddress {
    /// A path, which may have a query, with one parameter more.
    static func adding(_ name: String, _ value: String, to path: String) -> String {
        "\(path)\(path.contains("?") ? "&" : "?")\(PercentCoding.encode(name))=\(PercentCoding.encode(value))"
    }

    /// A place on this node to go back to; nil for anything that a browser could take for another site.
    static func local(_ path: String?) -> String? {
        guard let path, path.hasPrefix("/"), path.utf8.count <= 2000,
            !path.utf8.dropFirst().starts(with: "/".utf8),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") })
        else { return nil }
        return path
    }
}

/// Addresses of bytes.
enum BlobAddress {
    static func path(_ hash: Hash32, name: FileName) -> String {
        "/blobs/\(hash.hex)/\(name.pathSegment)"
    }

    /// Images have no names; the address gets one that programs can tell the type by.
    static func name(of image: some Pictured) -> FileName {
        let type = MediaType.served(image.image.mediaType)
        let suffix = type == MediaType.bytes ? "bin" : type == "image/jpeg" ? "jpg" : type.split(separator: "/")[1]
        return FileName("\(image.id).\(suffix)", fallback: "image")
    }

    static func name(of file: FileView) -> FileName {
        FileName(file.file.name, fallback: "\(file.id).bin")
    }
}
