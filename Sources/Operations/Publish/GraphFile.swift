import BlobStore
import Digests
import Formats
import FoundationEssentials
import SystemPackage
import WaggleProtocol

/// A graph of ComfyUI that goes into a post: read, and looked at.
struct GraphFile: Sendable {
    private let name: String
    private let bytes: [UInt8]
    /// A place of somebody's machine that its texts tell to everybody.
    private let leak: PathLeak?

    /// - Throws: `usage` for what is no graph, `limits` for one that is too large, `notFound`, `failed`.
    static func read(_ path: FilePath) async throws(OperationError) -> GraphFile {
        try await Blocking.run { () throws(OperationError) in try GraphFile(path) }
    }

    private init(_ path: FilePath) throws(OperationError) {
        // Whoever brought it over the web does not see where it lies.
        name = path.lastComponent?.string ?? ""
        let (file, size) = try RegularFile.open(path, called: name)
        defer { try? file.close() }
        guard size <= UInt64(Limits.PictureText.graphBytes) else {
            throw OperationError(
                .limits, "\(name) has \(size) bytes; a graph has at most \(Limits.PictureText.graphBytes)")
        }
        do {
            bytes = try file.next(Int(size))
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        guard let graph = Self.graph(bytes) else {
            throw OperationError(
                .usage,
                "\(name) is no graph of ComfyUI: save the workflow there as JSON, in either form, and bring that file")
        }
        leak = PathLeak.find(in: graph)
    }

    /// The form that the window saves has a list of nodes; the form for its API has nodes by number, each with a class.
    private static func graph(_ bytes: [UInt8]) -> JSONValue? {
        guard
            let value = try? JSONValue(
                python: bytes, maximumBytes: Limits.PictureText.graphBytes, depth: Limits.PictureText.jsonDepth,
                values: Limits.PictureText.jsonValues), case .object(let fields) = value, !fields.isEmpty
        else { return nil }
        if case .array = value["nodes"] { return value }
        return (try? ComfyGraph(bytes)) == nil ? nil : value
    }

    var brought: BroughtFile { BroughtFile(size: UInt64(bytes.count), sha256: SHA256.hash(bytes)) }

    /// What its maker should look at before it is published.
    var findings: [ReleaseDraft.Finding] {
        guard let leak else { return [] }
        let found = LintFinding(
            leak, in: "The graph",
            remedy: "Whoever downloads it can read that: change it in ComfyUI, save the graph again and bring that.")
        return [ReleaseDraft.Finding(found, of: name)]
    }

    /// Takes the graph into the store, as a post signs it.
    func store(in store: BlobStore) async throws(OperationError) -> WireFile {
        do {
            let facts = try await store.add(bytes: bytes)
            var file = WireFile()
            file.sha256 = facts.sha256.data
            file.piecesRoot = facts.piecesRoot.data
            file.size = facts.size
            file.crc32 = facts.crc32
            file.name = name
            file.kind = "Workflow"
            file.mediaType = "application/json"
            return file
        } catch {
            throw OperationError(error)
        }
    }
}
