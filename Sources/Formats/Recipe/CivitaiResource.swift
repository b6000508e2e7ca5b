import WaggleProtocol

/// An element of `Civitai resources`: a model that a picture was made with, named by Civitai's numbers or by an AIR
/// (`urn:air:sdxl:lora:civitai:MODEL@VERSION`).
public struct CivitaiResource: Hashable, Sendable {
    /// `checkpoint`, `lora`, `embed` … in whatever case it was written.
    public var type: String?
    public var weight: Double?
    public var modelVersionID: UInt64?
    public var modelName: String?
    public var modelVersionName: String?
    public var air: String?

    public init(
        type: String? = nil, weight: Double? = nil, modelVersionID: UInt64? = nil, modelName: String? = nil,
        modelVersionName: String? = nil, air: String? = nil
    ) {
        self.type = type
        self.weight = weight
        self.modelVersionID = modelVersionID
        self.modelName = modelName
        self.modelVersionName = modelVersionName
        self.air = air
    }

    /// Reads one; what is missing, of the wrong kind or too long is nil. Type and version come from the AIR when only
    /// that says.
    init(_ json: JSONValue) {
        func text(_ key: String, _ limit: Int) -> String? {
            json[key]?.string.flatMap { $0.utf8.count <= limit ? $0 : nil }
        }
        weight = json["weight"]?.double
        modelName = text("modelName", Limits.PictureText.nameBytes)
        modelVersionName =
            text("modelVersionName", Limits.PictureText.nameBytes) ?? text("versionName", Limits.PictureText.nameBytes)
        air = text("air", Limits.PictureText.nameBytes)
        let parts = air.map(Self.parts)
        type = text("type", Limits.PictureText.keyBytes) ?? parts?.type
        modelVersionID = json["modelVersionId"]?.uint64 ?? parts?.version
    }

    var json: JSONValue {
        var members: [JSONMember] = []
        if let type { members.append(JSONMember("type", .string(type))) }
        if let weight, weight.isFinite { members.append(JSONMember("weight", .number(FieldNumber.text(weight)))) }
        if let modelVersionID { members.append(JSONMember("modelVersionId", .number(String(modelVersionID)))) }
        if let modelName { members.append(JSONMember("modelName", .string(modelName))) }
        if let modelVersionName { members.append(JSONMember("modelVersionName", .string(modelVersionName))) }
        if let air { members.append(JSONMember("air", .string(air))) }
        return .object(members)
    }

    /// `urn:air:ecosystem:type:source:model@version`; `urn:` and `air:` may be missing.
    private static func parts(_ air: String) -> (type: String?, version: UInt64?) {
        var words = air.unicodeScalars.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }[...]
        if words.first == "urn" { words.removeFirst() }
        if words.first == "air" { words.removeFirst() }
        guard words.count >= 4 else { return (nil, nil) }
        let version = words.last?.utf8.drop { $0 != UInt8(ascii: "@") }.dropFirst()
        let digits = version?.prefix { (0x30...0x39).contains($0) }
        return (words[words.startIndex + 1], digits.flatMap { UInt64(String(decoding: $0, as: UTF8.self)) })
    }
}
