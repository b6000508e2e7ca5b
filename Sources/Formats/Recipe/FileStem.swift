/// Names of model files as workflows hold them.
enum FileStem {
    private static let endings = [".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft"]

    /// The name without folders (of either system) and without a model file's extension.
    static func of(_ path: String) -> String {
        let name = path.unicodeScalars.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        let lower = name.lowercased()
        guard let ending = endings.first(where: { lower.hasSuffix($0) }), lower.utf8.count == name.utf8.count else {
            return name
        }
        return String(decoding: name.utf8.dropLast(ending.utf8.count), as: UTF8.self)
    }
}
