import WaggleProtocol

/// Why a text is not a ComfyUI graph that can be looked at.
public enum ComfyGraphError: Error, Hashable, Sendable {
    case malformedJSON(JSONError)
    /// Not an object of nodes.
    case notAGraph
    case tooManyNodes(limit: Int)
}

/// A ComfyUI graph in API form, the `prompt` text of its pictures: `{id: {class_type, inputs}}`, where an input is a
/// value or a link `[id, output]`. It is looked at and never run.
public struct ComfyGraph: Sendable {
    struct Node: Sendable {
        let type: String
        let inputs: [String: JSONValue]
        /// The inputs that are links, by name, so that a walk is the same every time.
        fileprivate(set) var links: [(input: String, node: String)] = []
    }

    let nodes: [String: Node]
    /// Node ids in the order of the text.
    let order: [String]

    /// Reads the JSON text as Python wrote it (`NaN` and all).
    public init(_ json: [UInt8]) throws(ComfyGraphError) {
        let value: JSONValue
        do {
            value = try JSONValue(
                python: json, maximumBytes: Limits.PictureText.graphBytes, depth: Limits.PictureText.jsonDepth,
                values: Limits.PictureText.jsonValues)
        } catch {
            throw .malformedJSON(error)
        }
        guard let members = value.object else { throw .notAGraph }
        guard members.count <= Limits.PictureText.graphNodes else {
            throw .tooManyNodes(limit: Limits.PictureText.graphNodes)
        }
        var nodes: [String: Node] = [:]
        var order: [String] = []
        for member in members {
            guard let type = member.value["class_type"]?.string, Self.isKey(member.key) else { continue }
            let inputs = Dictionary(
                (member.value["inputs"]?.object ?? []).lazy.filter { Self.isKey($0.key) }.map { ($0.key, $0.value) },
                uniquingKeysWith: { $1 })
            if nodes.updateValue(Node(type: type, inputs: inputs), forKey: member.key) == nil {
                order.append(member.key)
            }
        }
        guard !nodes.isEmpty else { throw .notAGraph }
        self.order = order
        for id in order {
            let links = (nodes[id]?.inputs ?? [:]).compactMap { input, value in
                Self.link(value, in: nodes).map { (input: input, node: $0) }
            }
            nodes[id]?.links = links.sorted { $0.input.utf8.lexicographicallyPrecedes($1.input.utf8) }
        }
        self.nodes = nodes
    }

    /// The node that an input is linked to.
    func link(_ value: JSONValue?) -> String? {
        Self.link(value, in: nodes)
    }

    private static func link(_ value: JSONValue?, in nodes: [String: Node]) -> String? {
        guard let parts = value?.array, parts.count == 2, let id = parts[0].string, parts[1].uint64 != nil,
            isKey(id), nodes[id] != nil
        else { return nil }
        return id
    }

    /// Node ids and input names are short; others are left out before a dictionary hashes them.
    private static func isKey(_ text: String) -> Bool {
        text.utf8.count <= Limits.PictureText.keyBytes
    }

    /// The nodes reached from `start` by following inputs whose names `follow` accepts, nearest first, `start`
    /// included.
    func upstream(from start: String, following follow: (String) -> Bool) -> [String] {
        var found = [start]
        var seen: Set<String> = [start]
        var next = 0
        var depthEnd = 1
        var depth = 0
        while next < found.count, depth < Limits.PictureText.graphDepth {
            for (input, id) in nodes[found[next]]?.links ?? [] where follow(input) {
                if seen.insert(id).inserted { found.append(id) }
            }
            next += 1
            if next == depthEnd {
                depthEnd = found.count
                depth += 1
            }
        }
        return found
    }

    /// A value that is not a link; through links to nodes that do nothing but hold one.
    func literal(_ value: JSONValue?, named names: [String] = []) -> JSONValue? {
        var value = value
        for _ in 0..<16 {
            guard let current = value else { return nil }
            guard let id = link(current) else {
                return current.array == nil && current.object == nil ? current : nil
            }
            let inputs = nodes[id]?.inputs ?? [:]
            let candidates = ["value"] + names + ["int", "float", "number", "string", "text", "seed"]
            value = candidates.lazy.compactMap { inputs[$0] }.first
        }
        return nil
    }
}
