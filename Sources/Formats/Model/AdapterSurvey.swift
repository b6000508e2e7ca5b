/// What the tensors of an adapter (LoRA and relatives) say about it: its kind, its modules, and what is wrong with
/// them.
///
/// An engine aborts as a whole on a module whose two halves do not fit, so a file with problems is not to be loaded.
public struct AdapterSurvey: Hashable, Sendable {
    /// How the change of a weight is written down.
    public enum Kind: String, Hashable, Sendable {
        /// down × up.
        case lora = "LoRA"
        /// LoRA on convolution kernels larger than one pixel.
        case locon = "LoCon"
        /// LoRA with a magnitude vector.
        case dora = "DoRA"
        /// Hadamard product of two low-rank products.
        case loha = "LoHa"
        /// Kronecker product.
        case lokr = "LoKr"
    }

    /// Something that keeps a module from being applied.
    public enum Problem: Hashable, Sendable {
        /// One half of a pair is missing.
        case unpaired(module: String)
        /// The halves have different ranks.
        case rankMismatch(module: String, down: UInt64, up: UInt64)
        /// A tensor has the wrong number of dimensions.
        case badShape(tensor: String)
        /// Alpha is not a single number.
        case alphaNotScalar(tensor: String)
    }

    public let kind: Kind
    /// Weights of the base model that are changed.
    public let modules: Int
    /// The ranks that occur, ascending.
    public let ranks: [UInt64]
    /// At most `listed` problems; `problemCount` has them all.
    public let problems: [Problem]
    public let problemCount: Int

    /// How many problems are kept.
    public static let listed = 16

    /// Nil when no tensor looks like part of an adapter.
    init?(_ tensors: [SafetensorsTensor]) {
        var modules: [UTF8Key: Module] = [:]
        for tensor in tensors {
            guard let (module, part) = Part.split(tensor.name) else { continue }
            modules[UTF8Key(module), default: Module()].parts[part] = tensor
        }
        modules = modules.filter { $0.value.isAdapter }
        guard !modules.isEmpty else { return nil }
        self.modules = modules.count

        var ranks: Set<UInt64> = []
        var problems: [Problem] = []
        var count = 0
        // Sorted, so that the same file gives the same list everywhere.
        for (name, module) in modules.sorted(by: { $0.key.text.utf8.lexicographicallyPrecedes($1.key.text.utf8) }) {
            let found = module.check(name.text)
            if let rank = found.rank { ranks.insert(rank) }
            count += found.problems.count
            problems.append(contentsOf: found.problems.prefix(Self.listed - problems.count))
        }
        self.ranks = ranks.sorted()
        self.problems = problems
        problemCount = count

        let present = Set(modules.values.flatMap(\.parts.keys))
        let has = { (parts: Set<Part>) in !present.isDisjoint(with: parts) }
        if has([.doraScale]) {
            kind = .dora
        } else if has([.lokr1, .lokr1A, .lokr2, .lokr2A]) {
            kind = .lokr
        } else if has([.loha1A]) {
            kind = .loha
        } else {
            kind = modules.values.contains { $0.hasLargeKernel } ? .locon : .lora
        }
    }
}

/// One changed weight.
private struct Module {
    var parts: [Part: SafetensorsTensor] = [:]

    /// Alpha alone does not make an adapter.
    var isAdapter: Bool { parts.keys.contains { $0 != .alpha && $0 != .doraScale } }

    var hasLargeKernel: Bool {
        [.down, .mid].contains { parts[$0]?.shape.dropFirst(2).contains { $0 > 1 } ?? false }
    }

    func check(_ name: String) -> (rank: UInt64?, problems: [AdapterSurvey.Problem]) {
        var problems: [AdapterSurvey.Problem] = []
        var rank: UInt64?
        if let alpha = parts[.alpha], alpha.elements != 1 { problems.append(.alphaNotScalar(tensor: alpha.name)) }

        /// `inner` and `outer` are the dimensions of the two factors that must be equal.
        func pair(_ left: Part, _ inner: Int, _ right: Part, _ outer: Int) {
            switch (parts[left], parts[right]) {
            case (nil, nil): return
            case (let left?, let right?):
                guard left.shape.count > inner, left.shape.count >= 2 else {
                    return problems.append(.badShape(tensor: left.name))
                }
                guard right.shape.count > outer, right.shape.count >= 2 else {
                    return problems.append(.badShape(tensor: right.name))
                }
                if left.shape[inner] == right.shape[outer], left.shape[inner] > 0 {
                    rank = left.shape[inner]
                } else {
                    problems.append(.rankMismatch(module: name, down: left.shape[inner], up: right.shape[outer]))
                }
            default: problems.append(.unpaired(module: name))
            }
        }

        // [rank, in, …] and [out, rank, …]
        pair(.down, 0, .up, 1)
        if parts[.mid] != nil {
            pair(.down, 0, .mid, 1)
            pair(.mid, 0, .up, 1)
        }
        // [out, rank] and [rank, in]; the Tucker form turns the first round
        pair(.loha1A, parts[.lohaT1] == nil ? 1 : 0, .loha1B, 0)
        pair(.loha2A, parts[.lohaT2] == nil ? 1 : 0, .loha2B, 0)
        if parts[.loha1A] != nil, parts[.loha2A] == nil { problems.append(.unpaired(module: name)) }
        if parts[.lokrT2] == nil {
            pair(.lokr1A, 1, .lokr1B, 0)
            pair(.lokr2A, 1, .lokr2B, 0)
        }
        let first = parts[.lokr1] ?? parts[.lokr1A]
        let second = parts[.lokr2] ?? parts[.lokr2A]
        if (first == nil) != (second == nil) { problems.append(.unpaired(module: name)) }
        return (rank, problems)
    }
}

/// The role of a tensor in its module, told by the end of its name.
private enum Part: Hashable {
    case down, up, mid, alpha, doraScale
    case loha1A, loha1B, loha2A, loha2B, lohaT1, lohaT2
    case lokr1, lokr1A, lokr1B, lokr2, lokr2A, lokr2B, lokrT2

    private static let suffixes: [(suffix: String, part: Part)] = [
        // kohya
        (".lora_down.weight", .down), (".lora_up.weight", .up), (".lora_mid.weight", .mid),
        // PEFT and diffusers
        (".lora_A.weight", .down), (".lora_B.weight", .up),
        (".lora_A.default.weight", .down), (".lora_B.default.weight", .up),
        (".lora.down.weight", .down), (".lora.up.weight", .up),
        ("_lora.down.weight", .down), ("_lora.up.weight", .up),
        (".lora_linear_layer.down.weight", .down), (".lora_linear_layer.up.weight", .up),
        (".alpha", .alpha),
        (".dora_scale", .doraScale), (".lora_magnitude_vector", .doraScale),
        (".lora_magnitude_vector.weight", .doraScale), (".lora_magnitude_vector.default.weight", .doraScale),
        // LyCORIS
        (".hada_w1_a", .loha1A), (".hada_w1_b", .loha1B), (".hada_w2_a", .loha2A), (".hada_w2_b", .loha2B),
        (".hada_t1", .lohaT1), (".hada_t2", .lohaT2),
        (".lokr_w1", .lokr1), (".lokr_w1_a", .lokr1A), (".lokr_w1_b", .lokr1B),
        (".lokr_w2", .lokr2), (".lokr_w2_a", .lokr2A), (".lokr_w2_b", .lokr2B), (".lokr_t2", .lokrT2),
    ]

    /// The module's name and the tensor's role in it.
    static func split(_ name: String) -> (module: String, part: Part)? {
        for (suffix, part) in suffixes where name.utf8.count > suffix.utf8.count && name.utf8HasSuffix(suffix) {
            return (String(decoding: name.utf8.dropLast(suffix.utf8.count), as: UTF8.self), part)
        }
        return nil
    }
}
