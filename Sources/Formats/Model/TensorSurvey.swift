import WaggleProtocol

/// What a model's tensors say about it: the evidence against which the metadata's claims are held.
///
/// Names and shapes are those of the original implementations, kohya's trainers, diffusers and PEFT.
public struct TensorSurvey: Hashable, Sendable {
    /// Nil when the names are of no known kind.
    public let type: ModelType?
    /// Civitai's name of the base family; nil when nothing tells. It never tells Pony from SDXL.
    public let baseModel: String?
    public let adapter: AdapterSurvey?
    /// The sum of all elements.
    public let parameters: UInt64
    /// The type that most of the bytes are in.
    public let dominantDType: SafetensorsDType?

    public init(_ tensors: [SafetensorsTensor]) {
        var parameters: UInt64 = 0
        var bytes: [SafetensorsDType: UInt64] = [:]
        var marks = TensorMarks()
        for tensor in tensors {
            // Elements need bytes in the file, so the sum wraps for no file that exists.
            parameters &+= tensor.elements
            bytes[tensor.dtype, default: 0] &+= tensor.bytes.upperBound - tensor.bytes.lowerBound
            marks.note(tensor)
        }
        self.parameters = parameters
        dominantDType =
            bytes.max {
                ($0.value, $0.key.alignmentRank) < ($1.value, $1.key.alignmentRank)
            }?.key
        adapter = AdapterSurvey(tensors)
        type = marks.type(adapter: adapter, tensorCount: tensors.count)
        baseModel = marks.baseModel(isAdapter: adapter != nil)
    }
}
