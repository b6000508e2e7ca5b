/// Which files of a folder are models, told by their names alone: a folder of 100,000 pictures must not be opened.
public enum ModelFileName {
    /// Extensions that ComfyUI and A1111 load models from, in lower case.
    public static let extensions: Set<String> = [
        "safetensors", "sft", "gguf", "ckpt", "pt", "pt2", "pth", "bin", "pkl", "onnx",
    ]

    private static let endings = extensions.map { Array(("." + $0).utf8) }

    /// Whether a name, which need not be UTF-8, is that of a model. Hidden files are not: tools keep caches and
    /// downloads under way there.
    public static func isModel(_ name: some BidirectionalCollection<UInt8>) -> Bool {
        guard name.first != UInt8(ascii: ".") else { return false }
        return endings.contains { ending in
            name.count > ending.count
                && name.suffix(ending.count).elementsEqual(ending) { byte, wanted in
                    (65...90).contains(byte) ? byte + 32 == wanted : byte == wanted
                }
        }
    }
}
