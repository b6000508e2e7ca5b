/// Names of model files as workflows hold them.
enum FileStem {
    /// In lower case.
    private static let endings = [".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft"]

    /// The name without folders (of either system) and without a model file's extension.
    static func of(_ path: String) -> String {
        let name = path.unicodeScalars.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        for ending in endings where name.utf8.count >= ending.utf8.count {
            let end = name.utf8.suffix(ending.utf8.count).map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
            guard end.elementsEqual(ending.utf8) else { continue }
            return String(decoding: name.utf8.dropLast(ending.utf8.count), as: UTF8.self)
        }
        return name
    }
}
