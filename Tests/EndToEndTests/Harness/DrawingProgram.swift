import Foundation
import Synchronization
import Testing

/// A program that draws, as nodes see one: the HTTP interfaces of A1111, of ComfyUI, and of stable-diffusion.cpp's server,
/// written from their descriptions. It takes what those take, refuses what they refuse, and draws noise.
final class DrawingProgram: Sendable {
    enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case a1111, comfyui
        case sdServer = "sd-server"

        var testDescription: String { rawValue }
        /// Where pictures are ordered.
        var order: String {
            switch self {
            case .a1111: "/sdapi/v1/txt2img"
            case .comfyui: "/prompt"
            case .sdServer: "/sdcpp/v1/img_gen"
            }
        }
    }

    /// How it answers an order.
    enum Manner: Sendable, Equatable {
        case draws
        /// JSON, and none of what was asked for.
        case nonsense
        /// No JSON at all.
        case noise
        /// A picture twice as wide and high.
        case otherSize
        case oneColour
        /// To another place, which nobody may follow to.
        case redirects(String)
        case fails
        /// Says nothing.
        case silent
    }

    let kind: Kind
    private let world: World
    private let listener = Mutex<Listener?>(nil)
    private let state = Mutex(State())

    private struct State {
        var manner = Manner.draws
        var calls: [FakeNode.Call] = []
        var waiting: [(path: String, CheckedContinuation<Void, Never>)] = []
        var open: [Connection] = []
        /// Pictures of jobs, by the job's id.
        var drawn: [String: [UInt8]] = [:]
        /// Jobs that are asked after for the first time are not done yet.
        var asked: Set<String> = []
    }

    /// - Parameters:
    ///   - checkpoint: name without ending, and SHA-256.
    private let checkpoint: (name: String, sha256: String)
    private let lora: String

    init(_ kind: Kind, _ world: World, checkpoint: (name: String, sha256: String), lora: String) throws {
        (self.kind, self.world, self.checkpoint, self.lora) = (kind, world, checkpoint, lora)
        let listener = try Listener { [weak self] connection in self?.serve(connection) }
        self.listener.withLock { $0 = listener }
        world.atEnd {
            listener.stop()
            self.state.withLock { $0.open }.forEach { $0.cut() }
        }
    }

    var port: UInt16 { listener.withLock { $0?.port ?? 0 } }
    /// What `generation.backend` says.
    var setting: String { "\(kind.rawValue):http://127.0.0.1:\(port)" }

    func become(_ manner: Manner) { state.withLock { $0.manner = manner } }

    /// Bodies of orders that came.
    var orders: [[String: Any]] { calls(kind.order).compactMap { try? Self.object($0.body) } }

    func calls(_ prefix: String) -> [FakeNode.Call] {
        state.withLock { state in state.calls.filter { $0.path.hasPrefix(prefix) } }
    }

    /// Returns when so many calls with such a path have come.
    func called(_ prefix: String, times: Int = 1) async throws {
        try await eventually("\(times) calls of \(prefix)") { calls(prefix).count >= times }
    }

    // MARK: Serving

    private func serve(_ connection: Connection) {
        state.withLock { $0.open.append(connection) }
        guard let call = FakeNode.read(connection) else { return connection.cut() }
        let manner = state.withLock { state in
            state.calls.append(call)
            return call.path.hasPrefix(kind.order) ? state.manner : .draws
        }
        let reply: [UInt8]
        switch manner {
        case .draws, .otherSize, .oneColour: reply = answer(call, scale: manner == .otherSize ? 2 : 1)
        case .nonsense: reply = Self.json(#"{"bees": [1, 2, 3]}"#)
        case .noise: reply = FakeNode.reply("200 OK", Array("<html>honey</html>".utf8))
        case .redirects(let place): reply = FakeNode.reply("302 Found", [], "Location: \(place)\r\n")
        case .fails: reply = FakeNode.reply("500 Internal Server Error", Array(#"{"error":"out of honey"}"#.utf8))
        case .silent: return
        }
        connection.write(reply)
        connection.endWriting()
    }

    private func answer(_ call: FakeNode.Call, scale: Int) -> [UInt8] {
        do {
            switch kind {
            case .a1111: return try a1111(call, scale)
            case .comfyui: return try comfy(call, scale)
            case .sdServer: return try sdServer(call, scale)
            }
        } catch {
            return FakeNode.reply("400 Bad Request", Array("\(error)".utf8))
        }
    }

    private static let missing = FakeNode.reply("404 Not Found", [])

    private func a1111(_ call: FakeNode.Call, _ scale: Int) throws -> [UInt8] {
        switch (call.method, call.path.prefix { $0 != "?" }) {
        case ("GET", "/sdapi/v1/samplers"): return Self.json(#"[{"name": "Euler", "aliases": [], "options": {}}]"#)
        case ("GET", "/sdapi/v1/sd-models"):
            return Self.json(
                """
                [{"title": "\(checkpoint.name).safetensors [\(checkpoint.sha256.prefix(10))]",
                  "model_name": "\(checkpoint.name)", "hash": "\(checkpoint.sha256.prefix(10))",
                  "sha256": "\(checkpoint.sha256)", "filename": "/models/x"}]
                """)
        case ("GET", "/sdapi/v1/loras"):
            return Self.json(#"[{"name": "\#(lora)", "alias": "\#(lora)", "path": "/x", "metadata": {}}]"#)
        case ("GET", "/sdapi/v1/progress"):
            let seen = Data(try Samples.picture(side: 8, seed: 1)).base64EncodedString()
            return Self.json(
                #"{"progress": 0.5, "state": {"sampling_step": 2, "sampling_steps": 4}, "current_image": "\#(seen)"}"#)
        case ("POST", "/sdapi/v1/interrupt"), ("POST", "/sdapi/v1/refresh-checkpoints"):
            return FakeNode.reply("200 OK", Array("null".utf8))
        case ("POST", "/sdapi/v1/txt2img"), ("POST", "/sdapi/v1/img2img"):
            let order = try Self.object(call.body)
            if call.path.hasPrefix("/sdapi/v1/img2img") {
                let pictures: [String] = try Self.need(order, "init_images")
                let _: Double = try Self.need(order, "denoising_strength")
                guard pictures.first.flatMap({ Data(base64Encoded: $0) }) != nil else {
                    throw HarnessError("no picture")
                }
            }
            let settings: [String: Any] = try Self.need(order, "override_settings")
            let title: String = try Self.need(settings, "sd_model_checkpoint")
            guard title.hasPrefix(checkpoint.name) else { throw HarnessError("no model \(title)") }
            let picture = try picture(order, order, scale)
            return Self.json(
                #"{"images": ["\#(Data(picture).base64EncodedString())"], "parameters": {}, "info": "{}"}"#)
        default: return Self.missing
        }
    }

    private func sdServer(_ call: FakeNode.Call, _ scale: Int) throws -> [UInt8] {
        switch (call.method, call.path) {
        case ("GET", "/sdcpp/v1/capabilities"):
            return Self.json(
                """
                {"model": {"name": "\(checkpoint.name).safetensors", "stem": "\(checkpoint.name)", "path": "/x"},
                 "samplers": ["euler", "euler_a"], "schedulers": ["karras"],
                 "loras": [{"name": "\(lora)", "path": "\(lora).safetensors"}]}
                """)
        case ("POST", "/sdcpp/v1/img_gen"):
            let order = try Self.object(call.body)
            let _: [String: Any] = try Self.need(order, "sample_params")
            let id = "job_\(calls(kind.order).count)"
            let picture = try picture(order, order, scale)
            state.withLock { $0.drawn[id] = picture }
            return Self.json(#"{"id": "\#(id)", "kind": "img_gen", "status": "queued"}"#, "202 Accepted")
        case ("GET", let path) where path.hasPrefix("/sdcpp/v1/jobs/"):
            let id = String(path.dropFirst("/sdcpp/v1/jobs/".count))
            guard let picture = finished(id) else {
                return Self.json(#"{"id": "\#(id)", "status": "generating"}"#)
            }
            let image = Data(picture).base64EncodedString()
            return Self.json(
                #"{"id": "\#(id)", "status": "completed", "result": {"images": [{"index": 0, "b64_json": "\#(image)"}]}}"#
            )
        case ("POST", let path) where path.hasSuffix("/cancel"): return Self.json(#"{"status": "cancelled"}"#)
        default: return Self.missing
        }
    }

    private func comfy(_ call: FakeNode.Call, _ scale: Int) throws -> [UInt8] {
        switch (call.method, call.path.prefix { $0 != "?" }) {
        case ("GET", "/models/checkpoints"):
            return Self.json(#"["other.safetensors", "sd/\#(checkpoint.name).safetensors"]"#)
        case ("GET", "/models/loras"): return Self.json(#"["\#(lora).safetensors"]"#)
        case ("POST", "/upload/image"):
            let text = String(decoding: call.body, as: UTF8.self)
            guard text.hasPrefix("--"), text.contains(#"name="image"; filename="#), text.contains("PNG") else {
                throw HarnessError("no picture is sent")
            }
            return Self.json(#"{"name": "sent.png", "subfolder": "in", "type": "input"}"#)
        case ("POST", "/prompt"):
            let graph: [String: [String: Any]] = try Self.need(try Self.object(call.body), "prompt")
            let latent = try ComfyContract.check(graph)
            let id = UUID().uuidString.lowercased()
            let sampler: [String: Any] = try ComfyContract.inputs("KSampler", graph)
            let picture = try picture(latent, sampler, scale)
            state.withLock { $0.drawn[id] = picture }
            return Self.json(#"{"prompt_id": "\#(id)", "number": 1, "node_errors": {}}"#)
        case ("GET", let path) where path.hasPrefix("/history/"):
            let id = String(path.dropFirst("/history/".count))
            guard finished(id) != nil else { return Self.json("{}") }
            return Self.json(
                """
                {"\(id)": {"prompt": [], "status": {"status_str": "success", "completed": true, "messages": []},
                 "outputs": {"save": {"images": [
                     {"filename": "waggle & \(id).png", "subfolder": "a b", "type": "output"}]}}}}
                """)
        case ("GET", "/view"):
            let query = URLComponents(string: call.path)?.queryItems ?? []
            let name = query.first { $0.name == "filename" }?.value ?? ""
            let id = String(name.dropFirst("waggle & ".count).dropLast(".png".count))
            guard query.contains(URLQueryItem(name: "subfolder", value: "a b")),
                let picture = state.withLock({ $0.drawn[id] })
            else { return Self.missing }
            return FakeNode.reply("200 OK", picture, "Content-Type: image/png\r\n")
        case ("POST", "/queue"), ("POST", "/interrupt"): return FakeNode.reply("200 OK", [])
        default: return Self.missing
        }
    }

    /// The picture of a job, the second time that it is asked for.
    private func finished(_ id: String) -> [UInt8]? {
        state.withLock { state in state.asked.insert(id).inserted ? nil : state.drawn[id] }
    }

    private func picture(_ size: [String: Any], _ order: [String: Any], _ scale: Int) throws -> [UInt8] {
        let (width, height): (Int, Int) = (try Self.need(size, "width"), try Self.need(size, "height"))
        guard width == height else { throw HarnessError("only squares are drawn here") }
        let seed: UInt64 = try Self.need(order, "seed")
        let isFlat = state.withLock { $0.manner == .oneColour }
        return try Samples.picture(side: width * scale, seed: seed, isFlat: isFlat)
    }

    // MARK: JSON

    static func need<Value>(_ object: [String: Any], _ name: String) throws -> Value {
        if let value = object[name] as? Value { return value }
        // Numbers of JSON come as one kind.
        if let number = object[name] as? NSNumber, let value = number.uint64Value as? Value { return value }
        throw HarnessError("there is no \(name) in \(object.keys.sorted())")
    }

    private static func object(_ bytes: [UInt8]) throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
            throw HarnessError("no object")
        }
        return object
    }

    private static func json(_ text: String, _ status: String = "200 OK") -> [UInt8] {
        FakeNode.reply(status, Array(text.utf8), "Content-Type: application/json\r\n")
    }
}

/// What ComfyUI asks of a graph before it takes it: known nodes, all their inputs, links to outputs of the right kind.
enum ComfyContract {
    private enum Slot: Equatable { case model, clip, vae, conditioning, latent, image, text, whole, number }

    private static let nodes: [String: (inputs: [String: Slot], outputs: [Slot])] = [
        "CheckpointLoaderSimple": (["ckpt_name": .text], [.model, .clip, .vae]),
        "LoraLoader": (
            ["lora_name": .text, "strength_model": .number, "strength_clip": .number, "model": .model, "clip": .clip],
            [.model, .clip]
        ),
        "CLIPSetLastLayer": (["stop_at_clip_layer": .whole, "clip": .clip], [.clip]),
        "CLIPTextEncode": (["text": .text, "clip": .clip], [.conditioning]),
        "EmptyLatentImage": (["width": .whole, "height": .whole, "batch_size": .whole], [.latent]),
        "KSampler": (
            [
                "seed": .whole, "steps": .whole, "cfg": .number, "sampler_name": .text, "scheduler": .text,
                "denoise": .number, "model": .model, "positive": .conditioning, "negative": .conditioning,
                "latent_image": .latent,
            ], [.latent]
        ),
        "LoadImage": (["image": .text], [.image]),
        "ImageScale": (
            ["image": .image, "upscale_method": .text, "width": .whole, "height": .whole, "crop": .text], [.image]
        ),
        "VAEEncode": (["pixels": .image, "vae": .vae], [.latent]),
        "VAEDecode": (["samples": .latent, "vae": .vae], [.image]),
        "SaveImage": (["images": .image, "filename_prefix": .text], []),
    ]

    /// - Returns: the inputs of the empty picture, or of the one that is scaled, which have the size.
    static func check(_ graph: [String: [String: Any]]) throws -> [String: Any] {
        for (id, node) in graph {
            let name: String = try DrawingProgram.need(node, "class_type")
            guard let kind = nodes[name] else { throw HarnessError("no node \(name)") }
            let given: [String: Any] = try DrawingProgram.need(node, "inputs")
            guard Set(given.keys) == Set(kind.inputs.keys) else { throw HarnessError("\(id) has \(given.keys)") }
            for (input, slot) in kind.inputs { try check(given[input], slot, graph, "\(id).\(input)") }
        }
        guard graph.values.contains(where: { $0["class_type"] as? String == "SaveImage" }) else {
            throw HarnessError("prompt has no outputs")
        }
        if let scaled = try? inputs("ImageScale", graph) { return scaled }
        return try inputs("EmptyLatentImage", graph)
    }

    static func inputs(_ name: String, _ graph: [String: [String: Any]]) throws -> [String: Any] {
        guard let node = graph.values.first(where: { $0["class_type"] as? String == name }) else {
            throw HarnessError("no \(name)")
        }
        return try DrawingProgram.need(node, "inputs")
    }

    private static func check(_ value: Any?, _ slot: Slot, _ graph: [String: [String: Any]], _ place: String) throws {
        let isRight: Bool
        switch slot {
        case .text: isRight = value is String
        case .whole, .number: isRight = value is NSNumber
        default:
            guard let link = value as? [Any], link.count == 2, let id = link[0] as? String,
                let output = (link[1] as? NSNumber)?.intValue, let name = graph[id]?["class_type"] as? String,
                let outputs = nodes[name]?.outputs, outputs.indices.contains(output)
            else { throw HarnessError("\(place) leads nowhere") }
            isRight = outputs[output] == slot
        }
        guard isRight else { throw HarnessError("\(place) is no \(slot)") }
    }
}
