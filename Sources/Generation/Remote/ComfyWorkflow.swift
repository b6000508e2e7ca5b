import Digests
import Formats
import WaggleProtocol

/// A graph of somebody's own for ComfyUI, as its "Save (API Format)" writes it, with places for what each job is about:
/// `{{prompt}}`, `{{negative}}`, `{{model}}`, `{{seed}}`, `{{width}}`, `{{height}}`, `{{steps}}`, `{{cfg}}`, `{{sampler}}`,
/// `{{scheduler}}`, `{{picture}}`, `{{strength}}`, and `{{lora1}}` with `{{lora1_strength}}`, and so on.
///
/// A text that is nothing but a place becomes the value, so that numbers are numbers; within other text, places become text.
public struct ComfyWorkflow: Sendable {
    /// What every picture says of itself, so that it has to be drawn with it.
    static let needed = ["prompt", "model", "seed", "width", "height"]

    private let graph: JSONValue
    /// Names of the places that it has.
    let places: Set<String>
    /// What pictures say they were drawn with: the graph by its hash.
    let engine: String

    /// - Throws: `badField` saying what is wrong with it.
    public init(_ bytes: [UInt8]) throws(GenerationError) {
        typealias Bounds = Limits.Generation
        do throws(JSONError) {
            graph = try JSONValue(python: bytes, maximumBytes: Bounds.workflowBytes, depth: 16, values: 100_000)
        } catch {
            throw Self.refusal("JSON of at most \(Bounds.workflowBytes >> 10) KiB (\(error))")
        }
        guard let nodes = graph.object, !nodes.isEmpty,
            nodes.allSatisfy({ $0.value["class_type"]?.string != nil && $0.value["inputs"]?.object != nil })
        else { throw Self.refusal("nodes with class_type and inputs, as Save (API Format) writes them") }
        var places: Set<String> = []
        Self.find(graph, &places)
        self.places = places
        if let missing = Self.needed.first(where: { !places.contains($0) }) {
            throw Self.refusal("{{\(missing)}} somewhere, because pictures say it of themselves")
        }
        engine = "ComfyUI workflow \(SHA256.hash(bytes).hex.prefix(16))"
    }

    private static func refusal(_ expected: String) -> GenerationError {
        .badField(field: "generation.workflow", value: "a workflow", expected: expected)
    }

    private static func find(_ value: JSONValue, _ places: inout Set<String>) {
        switch value {
        case .string(let text): places.formUnion(text.matches(of: place).map { String($0.1) })
        case .array(let elements): for element in elements { find(element, &places) }
        case .object(let members): for member in members { find(member.value, &places) }
        default: break
        }
    }

    private static var place: Regex<(Substring, Substring)> { #/\{\{([a-z0-9_]+)\}\}/# }

    /// The graph for a job.
    ///
    /// - Parameter values: by the names of places; places that no value is for stay as they are.
    func filled(_ values: [String: JSONValue]) -> JSONValue { Self.fill(graph, values) }

    private static func fill(_ value: JSONValue, _ values: [String: JSONValue]) -> JSONValue {
        switch value {
        case .string(let text):
            if let whole = text.wholeMatch(of: place), let value = values[String(whole.1)] { return value }
            // Once: what somebody typed has no places.
            return .string(
                text.replacing(place) { match in
                    guard let value = values[String(match.1)] else { return String(match.0) }
                    return value.string ?? value.text
                })
        case .array(let elements): return .array(elements.map { fill($0, values) })
        case .object(let members): return .object(members.map { JSONMember($0.key, fill($0.value, values)) })
        default: return value
        }
    }

    /// How many LoRAs it takes.
    var loras: Int { (1...Limits.Generation.loras).last { places.contains("lora\($0)") } ?? 0 }
}
